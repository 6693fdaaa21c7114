"""Nothing that is raised anywhere ends the process: not what only looks like the end, nor what stands around a use case."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc.aio
import httpx2
import pytest

from hardy.app import App, Assembly, Listen, Service, run_loop
from hardy.auth import public, signed_in
from hardy.config import Settings
from hardy.core import Notice, TaskFailed
from hardy.lifecycle import Tasks
from hardy.transport import grpc as rpc, http

CANARY = "canary-9c1d"


class Evil(BaseException):
    pass


RAISES = {
    "exception": lambda: ZeroDivisionError(CANARY),
    "group": lambda: ExceptionGroup(CANARY, [ValueError(CANARY)]),
    "base exception": lambda: Evil(CANARY),
    "system exit": lambda: SystemExit(CANARY),
    "keyboard interrupt": lambda: KeyboardInterrupt(CANARY),
    "recursion": lambda: RecursionError(CANARY),
    "memory": lambda: MemoryError(CANARY),
    "generator exit": lambda: GeneratorExit(CANARY),
    "stop iteration": lambda: StopIteration(CANARY),
    "cancelled": lambda: asyncio.CancelledError(CANARY),
}


@dataclass(frozen=True)
class Item:
    number: int


class Before: ...


class After: ...


class Raising:
    """An authenticator that fails."""

    challenge = "Bearer"

    def __init__(self, make) -> None:
        self.make = make

    async def authenticate(self, call):
        if call.operation.name == "in_authenticator":
            raise self.make()

    def scheme(self) -> dict[str, object]:
        return {"type": "http", "scheme": "bearer"}


def service_raising(make, log: io.StringIO) -> Assembly:
    async def in_use_case() -> int:
        raise make()

    async def in_task_group() -> int:
        async def failing() -> None:
            await asyncio.sleep(0)
            raise make()

        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
        return 1

    async def in_middleware() -> int:
        return 1

    async def in_rule() -> int:
        return 1

    async def in_authenticator() -> int:
        return 1

    async def while_opening(*, before: Before) -> int:
        return 1

    async def while_closing(*, after: After) -> int:
        return 1

    async def before_the_first_item() -> AsyncIterator[int]:
        raise make()
        yield 1

    async def after_the_first_item() -> AsyncIterator[int]:
        yield 1
        raise make()

    async def reading(items: AsyncIterator[Item]) -> int:
        async for _ in items:
            raise make()
        return 1

    async def answering(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
        async for item in items:
            yield item
            raise make()

    async def healthy() -> str:
        return "well"

    async def before() -> Before:
        raise make()

    async def after() -> AsyncIterator[After]:
        yield After()
        raise make()

    def rule(call) -> bool:
        raise make()

    async def middleware(call, proceed):
        await proceed(call)
        raise make()

    app = App("shop", Settings(environment="dev"), auth=Raising(make))
    app.provide(before)
    app.provide(after)
    service = rpc.service("shop.v1.Shop")
    plain = (in_use_case, while_opening, while_closing, in_task_group, healthy)
    for each in (*plain, before_the_first_item, after_the_first_item):
        app.expose(each, http.get(f"/{each.__name__}"), service(name_of(each)), allow=public)
    app.expose(in_middleware, http.get("/in_middleware"), service("InMiddleware"), allow=public, use=[middleware])
    app.expose(in_rule, http.get("/in_rule"), service("InRule"), allow=rule)
    app.expose(in_authenticator, http.get("/in_authenticator"), service("InAuthenticator"), allow=signed_in)
    app.expose(reading, http.post("/reading"), service("Reading"), allow=public)
    app.expose(answering, http.get("/answering"), service("Answering"), allow=public)
    return Assembly(app, log=log)


def name_of(use_case) -> str:
    return "".join(word.capitalize() for word in use_case.__name__.split("_"))


UNARY = ["in_use_case", "in_middleware", "in_rule", "in_authenticator", "while_opening", "while_closing"]


def unary(kind: str) -> list[str]:
    # In a task of the user's own, asyncio forgets the last one, and ends the loop with the others.
    return UNARY if kind in {"system exit", "keyboard interrupt", "cancelled"} else [*UNARY, "in_task_group"]


@pytest.fixture(params=RAISES)
def kind(request):
    return request.param


@pytest.fixture
def log():
    return io.StringIO()


async def test_over_http(kind, log):
    assembly = service_raising(RAISES[kind], log)
    async with (
        Service(assembly, http=Listen()) as service,
        httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", trust_env=False, verify=False) as web,
    ):
        for path in (*unary(kind), "before_the_first_item"):
            answer = await web.get(f"/{path}", timeout=5)
            assert_problem(answer, path, kind)
        answer = await web.post(
            "/reading", content=b'{"number":1}\n{"number":2}\n', headers={"content-type": "application/x-ndjson"}
        )
        assert_problem(answer, "reading", kind)
        stream = await web.get("/after_the_first_item", headers={"accept": "text/event-stream"})
        assert stream.text.startswith("data: 1\n\nevent: error\ndata: ")
        assert CANARY not in stream.text
        assert (await web.get("/healthy")).json() == "well"
        assert len(assembly.in_flight) == 0


def assert_problem(answer: httpx2.Response, path: str, kind: str) -> None:
    told = (path, answer.status_code, answer.text)
    assert answer.status_code == (499 if kind == "cancelled" else 500), told
    assert answer.headers["content-type"] == "application/problem+json", told
    assert answer.json()["call"] == answer.headers["x-request-id"], told
    assert CANARY not in answer.text + str(answer.headers), told


async def test_over_grpc(kind, log):
    assembly = service_raising(RAISES[kind], log)
    async with (
        Service(assembly, grpc=Listen()) as service,
        grpc.aio.insecure_channel(service.grpc.target) as channel,
    ):
        for path in unary(kind):
            method = "".join(word.capitalize() for word in path.split("_"))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(f"/shop.v1.Shop/{method}")(b"", timeout=5)
            assert_status(caught.value, path, kind)
        for method in ("BeforeTheFirstItem", "AfterTheFirstItem"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in channel.unary_stream(f"/shop.v1.Shop/{method}")(b"", timeout=5):
                    pass
            assert_status(caught.value, method, kind)
        one = b"\x08\x01"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.stream_unary("/shop.v1.Shop/Reading")(iter([one, one]), timeout=5)
        assert_status(caught.value, "reading", kind)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in channel.stream_stream("/shop.v1.Shop/Answering")(iter([one, one]), timeout=5):
                pass
        assert_status(caught.value, "answering", kind)
        assert await channel.unary_unary("/shop.v1.Shop/Healthy")(b"", timeout=5)
        assert len(assembly.in_flight) == 0


def assert_status(error: grpc.aio.AioRpcError, method: str, kind: str) -> None:
    wanted = grpc.StatusCode.CANCELLED if kind == "cancelled" else grpc.StatusCode.INTERNAL
    assert error.code() is wanted, (method, error)
    assert CANARY not in f"{error.details()} {error.trailing_metadata()}", method
    assert dict(error.trailing_metadata())["x-request-id"], method


async def test_in_a_background_task(kind):
    make, told = RAISES[kind], list[Notice]()
    async with Tasks(told.append) as tasks:

        async def failing() -> None:
            await asyncio.sleep(0)
            raise make()

        tasks.start("failing", failing, restart="never")
        tasks.start("healthy", lambda: asyncio.sleep(60))
        async with asyncio.timeout(5):
            while tasks.statistics()[0].state == "running":
                await asyncio.sleep(0.001)
        assert [each.state for each in tasks.statistics()] == ["failed", "running"]
    (failed,) = told
    assert isinstance(failed, TaskFailed)


async def test_in_a_task_that_a_use_case_made_itself():
    async def leaving() -> None:
        raise SystemExit(CANARY)

    async def service() -> str:
        task = asyncio.create_task(leaving())
        await asyncio.wait([task])
        task.exception()
        await asyncio.sleep(0)
        return "went on"

    assert await asyncio.to_thread(run_loop, service()) == "went on"


async def test_a_service_that_wants_to_exit_does():
    async def service() -> None:
        raise SystemExit(5)

    with pytest.raises(SystemExit) as caught:
        await asyncio.to_thread(run_loop, service())
    assert caught.value.code == 5
