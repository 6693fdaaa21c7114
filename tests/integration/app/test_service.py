"""A service inside this process: what it opens and closes, its probes, its mounts, its ASGI form."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self

import grpc.aio
import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hardy.app import App, Assembly, Listen, Service, asgi_of, wanted
from hardy.app._service import FOLLOW
from hardy.auth import public
from hardy.config import Settings, ShutdownSettings
from hardy.core import Unavailable
from hardy.transport import grpc as rpc, http


class Traced:
    """A component that says what happens to it."""

    def __init__(self, name: str, events: list[str], *, fails: str = "") -> None:
        self.name = name
        self.events = events
        self.fails = fails

    async def __aenter__(self) -> Self:
        if self.fails == "opening":
            raise RuntimeError(f"{self.name} cannot open")
        self.events.append(f"open {self.name}")
        return self

    async def __aexit__(self, *error: object) -> None:
        self.events.append(f"close {self.name}")


class Second(Traced): ...


class Draining(Traced):
    async def drain(self) -> None:
        self.events.append("drain")
        if self.fails == "draining":
            raise RuntimeError("cannot drain")
        if self.fails == "hanging":
            await asyncio.sleep(60)
        await asyncio.sleep(0.05)
        self.events.append("drained")


class Pinged(Traced):
    def __init__(self, name: str, events: list[str]) -> None:
        super().__init__(name, events)
        self.there = True

    async def ping(self) -> None:
        if not self.there:
            raise Unavailable("gone")


async def ping() -> str:
    """Answer."""
    return "pong"


def app_with(*components, **settings) -> App:
    app = App("shop", Settings(environment="dev", **settings))
    for each in components:
        app.manage(each)
    app.expose(ping, http.get("/ping"), rpc.service("shop.v1.Shop")("Ping"), allow=public)
    return app


def entries(log: io.StringIO, event: str) -> list[dict[str, object]]:
    return [each for each in map(json.loads, log.getvalue().splitlines()) if each["event"] == event]


def client_of(server) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://{server.addresses[0]}", trust_env=False, verify=False, timeout=5)


async def test_components_open_in_order_and_close_in_reverse():
    events: list[str] = []

    async def resource() -> AsyncIterator[dict]:
        events.append("open provided")
        yield {}
        events.append("close provided")

    async def uses(*, it: dict) -> None: ...

    app = app_with(Traced("a", events), Second("b", events))
    app.provide(resource, scope="app")
    app.expose(uses, allow=public)
    async with Service(Assembly(app, log=io.StringIO()), http=Listen(), grpc=Listen(), admin=Listen()):
        events.append("serving")
        assert app.running == 1
    assert events == ["open a", "open b", "open provided", "serving", "close provided", "close b", "close a"]
    assert app.running == 0


async def test_a_start_that_fails_is_undone():
    events: list[str] = []
    app = app_with(Traced("a", events), Second("b", events, fails="opening"))
    service = Service(Assembly(app, log=io.StringIO()), http=Listen(), admin=Listen())
    with pytest.raises(RuntimeError, match="b cannot open") as failed:
        await service.__aenter__()
    assert failed.value.__notes__ == ["while opening component `Second`"]
    assert events == ["open a", "close a"]
    assert app.running == 0
    assert service.admin.addresses == []


async def test_a_door_that_cannot_open_closes_the_components():
    events: list[str] = []
    app = app_with(Traced("a", events))
    with pytest.raises(OSError):
        async with Service(Assembly(app, log=io.StringIO()), http=Listen(host="192.0.2.1")):
            pass
    assert events == ["open a", "close a"]


async def test_an_app_is_overridden_before_it_runs_and_not_while():
    app = app_with()
    async with Service(Assembly(app, log=io.StringIO())):
        with pytest.raises(RuntimeError, match="before the app is started"), app.override({dict: {}}):
            pass
    with app.override({dict: {}}):
        pass


async def test_probes_answer_and_everything_else_is_a_problem():
    pinged = Pinged("db", [])
    log = io.StringIO()
    async with Service(Assembly(app_with(pinged), log=log), admin=Listen()) as service, client_of(service.admin) as web:
        assert [(await web.get(path)).status_code for path in ("/livez", "/readyz", "/startupz", "/info")] == [200] * 4
        assert (await web.get("/info")).json()["service"] == "shop"
        head = await web.head("/livez")
        assert (head.status_code, head.content) == (200, b"")
        nowhere = await web.get("/nowhere")
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NOT_FOUND")
        wrong = await web.post("/livez")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
        assert nowhere.headers["content-type"] == wrong.headers["content-type"] == "application/problem+json"
        reader, writer = await asyncio.open_connection(*service.admin.addresses[0])
        writer.write(b"GET /livez HTTP/1.1\r\n\r\n")
        assert b"application/problem+json" in await reader.read(4096)
        writer.close()
    assert entries(log, "request refused")[0]["status"] == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/nowhere?a=b", 404, "no such path"),
        ("DELETE", "/ping", 405, "DELETE is not allowed here"),
    ],
    ids=["no such path", "no such method"],
)
async def test_what_reaches_no_operation_is_in_the_log(method, path, status, detail):
    log = io.StringIO()
    assembly = Assembly(app_with(), log=log)
    async with Service(assembly, http=Listen()) as service, client_of(service.http) as web:
        answer = await web.request(method, path)
        assert answer.status_code == status
    (entry,) = entries(log, "request refused")
    told = {name: entry[name] for name in ("status", "detail", "request", "call")}
    wanted = f"{method} {path.partition('?')[0]}"
    assert told == {"status": status, "detail": detail, "request": wanted, "call": answer.headers["x-request-id"]}


async def test_what_it_has_done_is_told_in_numbers():
    app = app_with()
    async with Service(Assembly(app, log=io.StringIO()), http=Listen(), admin=Listen()) as service:
        async with client_of(service.http) as web:
            assert (await web.get("/ping")).status_code == 200
        async with client_of(service.admin) as admin:
            told = (await admin.get("/statistics")).json()
    assert told == service.statistics() | {"http": told["http"]}
    assert (told["calls"]["started"], told["http"]["requests"]) == (1, 1)


async def test_readiness_follows_what_is_pinged_over_http_and_grpc(monkeypatch):
    monkeypatch.setattr("hardy.app._service.FOLLOW", 0.01)
    pinged = Pinged("db", [])
    assert FOLLOW == 1.0
    async with (
        Service(Assembly(app_with(pinged), log=io.StringIO()), grpc=Listen(), admin=Listen()) as service,
        client_of(service.admin) as web,
        grpc.aio.insecure_channel(service.grpc.target) as channel,
    ):
        service.health._keep = 0.0
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await watching.read()).status == serving
        pinged.there = False
        assert (await watching.read()).status == not_serving
        answer = await web.get("/readyz")
        assert (answer.status_code, answer.json()) == (
            503,
            {"ok": False, "state": "serving", "failing": ["Pinged"]},
        )
        pinged.there = True
        assert (await watching.read()).status == serving
        watching.cancel()


async def test_two_components_of_one_class_are_told_apart():
    class Named(Pinged):
        def __init__(self, port: type, *, there: bool) -> None:
            super().__init__("x", [])
            self.port = port
            self.there = there

    app = app_with(Named(int, there=True), Named(str, there=False))
    async with Service(Assembly(app, log=io.StringIO())) as service:
        readiness = await service.health.ready()
    assert [check.name.rpartition(".")[2] for check in readiness.checks] == ["Named", "Named 2"]
    assert [name.rpartition(".")[2] for name in readiness.failing] == ["Named 2"]


@pytest.mark.parametrize(
    ("fails", "events"),
    [
        pytest.param("", ["open d", "drain", "drained", "close d"], id="in time"),
        pytest.param("draining", ["open d", "drain", "close d"], id="fails"),
        pytest.param("hanging", ["open d", "drain", "close d"], id="too slow"),
    ],
)
async def test_components_drain_while_calls_do(fails, events):
    log, seen = io.StringIO(), []
    app = app_with(
        Draining("d", seen, fails=fails), shutdown=ShutdownSettings(drain_delay=0, drain_timeout=0.2, close_timeout=1)
    )
    async with Service(Assembly(app, log=log), http=Listen()) as service:
        report = await service.shutdown().run()
        assert service.health.state == "draining"
    assert (report.stuck, report.streams, report.forced) == ((), 0, False)
    assert seen == events
    assert [each["component"] for each in entries(log, "component failed to drain")] == ["Draining"] * (
        fails == "draining"
    )


async def test_a_shutdown_that_is_forced_from_the_start_waits_for_nothing():
    app = app_with(Draining("d", [], fails="hanging"), shutdown=ShutdownSettings(drain_delay=60, drain_timeout=60))
    force = asyncio.Event()
    force.set()
    async with Service(Assembly(app, log=io.StringIO()), http=Listen()) as service:
        async with asyncio.timeout(30):
            report = await service.shutdown(force=force).run()
    assert report.forced


def legacy() -> tuple[FastAPI, asyncio.Event]:
    begun = asyncio.Event()
    fastapi = FastAPI()

    @fastapi.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    @fastapi.get("/slow")
    async def slow() -> str:
        begun.set()
        await asyncio.sleep(0.2)
        return "done"

    return fastapi, begun


async def test_a_mounted_application_is_served_and_drained_like_the_rest():
    fastapi, begun = legacy()
    app = app_with(shutdown=ShutdownSettings(drain_delay=0, drain_timeout=5, close_timeout=1))
    app.mount("/legacy", fastapi)
    assert sorted(wanted(app)) == ["admin", "grpc", "http"]
    async with Service(Assembly(app, log=io.StringIO()), http=Listen()) as service, client_of(service.http) as web:
        assert (await web.get("/legacy/items/7")).json() == {"number": 7}
        assert (await web.get("/ping")).json() == "pong"
        call = asyncio.create_task(web.get("/legacy/slow"))
        await begun.wait()
        await service.shutdown().run()
        assert (await call).json() == "done"


async def served(application) -> tuple[uvicorn.Server, "asyncio.Task[None]", str]:
    config = uvicorn.Config(application, port=0, lifespan="on", log_level="critical", access_log=False)
    server = uvicorn.Server(config)

    async def serve() -> None:
        with suppress(SystemExit):  # how uvicorn says that the application could not start
            await server.serve()

    task = asyncio.create_task(serve())
    while not server.started and not task.done():
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1] if server.started else 0
    return server, task, f"http://127.0.0.1:{port}"


async def test_the_service_is_an_asgi_application_with_its_components_and_mounts():
    events: list[str] = []
    fastapi, _ = legacy()
    app = app_with(Traced("a", events))
    app.mount("/legacy", fastapi)
    server, task, url = await served(asgi_of(Assembly(app, log=io.StringIO())))
    async with httpx2.AsyncClient(base_url=url, trust_env=False, verify=False) as web:
        assert (await web.get("/ping")).json() == "pong"
        assert (await web.get("/legacy/items/7")).json() == {"number": 7}
        assert events == ["open a"]
    server.should_exit = True
    await task
    assert events == ["open a", "close a"]


async def test_a_host_is_told_that_the_service_cannot_start():
    events: list[str] = []
    app = app_with(Traced("a", events), Second("b", events, fails="opening"))
    server, task, _ = await served(asgi_of(Assembly(app, log=io.StringIO())))
    await task
    assert not server.started
    assert events == ["open a", "close a"]


async def test_a_host_whose_mounted_application_cannot_start_closes_the_rest():
    events: list[str] = []

    async def broken(scope, receive, send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    app = app_with(Traced("a", events))
    app.mount("/legacy", broken)
    server, task, _ = await served(asgi_of(Assembly(app, log=io.StringIO())))
    await task
    assert not server.started
    assert events == ["open a", "close a"]
