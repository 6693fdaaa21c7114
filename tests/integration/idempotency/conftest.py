"""Tills on every store, and callers by HTTP and gRPC."""

import asyncio
import importlib.util
import io
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc.aio
import pytest

from hardy.adapters.redis import Redis, RedisIdempotency, RedisSettings
from hardy.adapters.sql.idempotency import SqlIdempotency
from hardy.app import Assembly, Listen, Service
from hardy.resilience import MemoryIdempotency

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("till", HERE / "till.py")
till = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(till)

STORES = ["memory", "redis", "sqlite", "postgresql"]


@dataclass
class Answer:
    """What a caller got, alike by both transports."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotency-replayed") == "true"

    @property
    def told(self) -> dict[str, str]:
        """The headers that belong to the reply."""
        return {name: self.headers[name] for name in ("location", "etag", "content-type") if name in self.headers}


class HttpCaller:
    """One kept connection; no client library, so that a thousand calls take no time."""

    transport = "http"

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader = self._writer = None

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def pay(self, key: str | None, **message: object) -> Answer:
        body = json.dumps(message).encode()
        named = "" if key is None else f"idempotency-key: {key}\r\n"
        head = f"POST /payments HTTP/1.1\r\nhost: till\r\ncontent-type: application/json\r\n{named}"
        self._writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        content = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(lines[0].split()[1]), content, headers)


class GrpcCaller:
    """Calls that share a channel."""

    transport = "grpc"

    def __init__(self, service: Service) -> None:
        self._method = service.grpc.contracts.methods()[till.PATH]
        self._target = service.grpc.target

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self._target)
        self._call = self._channel.unary_unary(till.PATH)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def pay(self, key: str | None, **message: object) -> Answer:
        data = self._method.message.encode(till.Pay(**message))
        call = self._call(data, metadata=() if key is None else (("idempotency-key", key),))
        try:
            reply = await call
            return Answer(201, reply, dict(await call.trailing_metadata()))
        except grpc.aio.AioRpcError as error:
            status = {"ABORTED": 409, "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 412}.get(error.code().name, 500)
            return Answer(status, error.details().encode(), dict(error.trailing_metadata() or ()))


@dataclass
class Tills:
    """Services on one store, as two processes would be; of a store in memory there is one."""

    services: list[Service]
    database: object

    def http(self, at: int = 0) -> HttpCaller:
        return HttpCaller(self.services[at % len(self.services)].http.addresses[0].port)

    def grpc(self, at: int = 0) -> GrpcCaller:
        return GrpcCaller(self.services[at % len(self.services)])

    async def payments(self) -> int:
        async with self.database.transaction() as session:
            return await session.first(int, "select count(*) from payments")


@pytest.fixture(scope="module")
def postgres_of_module(postgres_server):
    """One database for all tests of a module."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(params=STORES)
def store(request):
    return request.param


@pytest.fixture
async def tills(store, request, tmp_path):
    """Two services on one database and one store."""
    stores = {"memory": lambda: (MemoryIdempotency(),), "redis": lambda: shared(request)}
    url = f"sqlite:///{tmp_path}/till.db"
    if store == "postgresql":
        url = request.getfixturevalue("postgres_of_module")
    async with AsyncExitStack() as stack:
        services = []
        for _ in range(1 if store == "memory" else 2):
            kept = till.database(url)
            app = till.app_on(kept, *stores.get(store, lambda: (SqlIdempotency(),))())
            assembly = Assembly(app, log=io.StringIO())
            services.append(await stack.enter_async_context(Service(assembly, http=Listen(), grpc=Listen())))
        async with kept.transaction() as session:
            await session.execute("delete from payments")
            if store in {"sqlite", "postgresql"}:
                await session.execute("delete from hardy_idempotency")
        yield Tills(services, kept)


def shared(request):
    redis = Redis(RedisSettings(url=request.getfixturevalue("valkey_url"), timeout=10))
    return redis, RedisIdempotency(redis)


@pytest.fixture
async def process():
    """Start a till as a process of its own; returns it and its port. Killed at the end if it still runs."""
    started = []

    async def start(url: str) -> tuple[asyncio.subprocess.Process, int]:
        running = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "till.py"),
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        started.append(running)
        line = await running.stdout.readline()
        return running, json.loads(line)["port"]

    yield start
    for running in started:
        if running.returncode is None:
            running.kill()
        await running.wait()
