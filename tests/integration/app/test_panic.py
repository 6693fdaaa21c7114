"""Whatever a use case, or what stands around it, raises: the service lives, and the caller learns a call id."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc.aio
import httpx2
import pytest

from hardy.app import App, Assembly, Listen, Service
from hardy.auth import public
from hardy.config import Settings
from hardy.core import Aborted, NotFound
from hardy.transport import grpc as rpc, http

CANARY = "canary-7f3a"


class Evil(BaseException):
    pass


RAISES = {
    "exception": lambda: ZeroDivisionError(CANARY),
    "system exit": lambda: SystemExit(CANARY),
    "recursion": lambda: RecursionError(CANARY),
    "memory": lambda: MemoryError(CANARY),
    "base exception": lambda: Evil(CANARY),
    "stop iteration": lambda: StopIteration(CANARY),
    "stop async iteration": lambda: StopAsyncIteration(CANARY),
    "timeout": lambda: TimeoutError(CANARY),
    "os error": lambda: ConnectionResetError(CANARY),
    "group": lambda: ExceptionGroup(CANARY, [ValueError(CANARY), NotFound("no")]),
    "base group": lambda: BaseExceptionGroup(CANARY, [Evil(CANARY)]),
}


class Port: ...


class Grumpy:
    @property
    def value(self) -> int:
        raise ValueError(CANARY)


@dataclass
class Reply:
    value: int


def service_raising(make, log: io.StringIO) -> Assembly:
    """Return a service that raises in each of its layers."""

    async def in_use_case() -> int:
        raise make()

    async def in_provider(*, port: Port) -> int:
        return 1

    async def in_middleware() -> int:
        return 1

    async def in_stream() -> AsyncIterator[int]:
        yield 1
        raise make()

    async def before_stream() -> AsyncIterator[int]:
        raise make()
        yield 1

    async def in_encoder() -> Reply:
        return Grumpy()

    async def healthy() -> str:
        return "well"

    async def port() -> AsyncIterator[Port]:
        raise make()
        yield Port()

    async def raising(call, proceed):
        await proceed(call)
        raise make()

    app = App("shop", Settings(environment="dev"))
    app.provide(port)
    service = rpc.service("shop.v1.Shop")
    for each in (in_use_case, in_provider, in_stream, before_stream, in_encoder, healthy):
        name = "".join(word.capitalize() for word in each.__name__.split("_"))
        app.expose(each, http.get(f"/{each.__name__}"), service(name), allow=public)
    app.expose(in_middleware, http.get("/in_middleware"), service("InMiddleware"), allow=public, use=[raising])
    return Assembly(app, log=log)


@pytest.mark.parametrize("kind", RAISES)
async def test_nothing_that_is_raised_kills_or_leaks(kind):
    log = io.StringIO()
    assembly = service_raising(RAISES[kind], log)
    async with (
        Service(assembly, http=Listen(), grpc=Listen()) as service,
        httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", trust_env=False, verify=False) as web,
        grpc.aio.insecure_channel(service.grpc.target) as channel,
    ):
        for path in ("in_use_case", "in_provider", "in_middleware", "before_stream", "in_encoder"):
            answer = await web.get(f"/{path}")
            assert answer.status_code == 500, path
            assert answer.headers["content-type"] == "application/problem+json"
            problem = answer.json()
            assert (problem["code"], problem["detail"]) == ("INTERNAL", "internal error")
            assert problem["call"] == answer.headers["x-request-id"]
            assert CANARY not in answer.text + str(answer.headers)
            assert problem["call"] in log.getvalue()
        stream = await web.get("/in_stream", headers={"accept": "application/x-ndjson"})
        first, last = stream.text.splitlines()
        assert (first, json.loads(last)["error"]["detail"]) == ("1", "internal error")
        assert CANARY not in stream.text
        for method in ("InUseCase", "InProvider", "InMiddleware", "InEncoder"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(f"/shop.v1.Shop/{method}")(b"")
            assert_internal(caught.value, method)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in channel.unary_stream("/shop.v1.Shop/InStream")(b""):
                pass
        assert_internal(caught.value, "InStream")
        assert (await web.get("/healthy")).json() == "well"
    assert CANARY in log.getvalue()


def assert_internal(error: grpc.aio.AioRpcError, method: str) -> None:
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "internal error"), method
    assert CANARY not in str(error.trailing_metadata())
    assert dict(error.trailing_metadata())["x-request-id"]


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        pytest.param([NotFound("no such order")], 404, "NOT_FOUND", id="one"),
        pytest.param([NotFound("first"), Aborted("second")], 404, "NOT_FOUND", id="the first of two"),
        pytest.param([ExceptionGroup("inner", [Aborted("deep")])], 409, "ABORTED", id="nested"),
        pytest.param([NotFound("told"), ValueError(CANARY)], 500, "INTERNAL", id="mixed with a defect"),
        pytest.param(
            [ExceptionGroup("inner", [NotFound("told"), ValueError(CANARY)])], 500, "INTERNAL", id="nested mix"
        ),
    ],
)
@pytest.mark.parametrize("path", ["one", "many"])
async def test_an_error_out_of_a_task_group_is_answered_as_itself(raised, status, code, path):
    async def failing(error: Exception) -> None:
        raise error

    async def one() -> int:
        async with asyncio.TaskGroup() as group:
            for error in raised:
                group.create_task(failing(error))
        return 1

    async def many() -> AsyncIterator[int]:
        await one()
        yield 1

    app = App("shop", Settings(environment="dev"))
    app.expose(one, http.get("/one"), allow=public)
    app.expose(many, http.get("/many"), allow=public)
    log = io.StringIO()
    async with (
        Service(Assembly(app, log=log), http=Listen()) as service,
        httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", trust_env=False, verify=False) as web,
    ):
        answer = await web.get(f"/{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert CANARY not in answer.text
