"""Somebody's FastAPI application below a prefix of ours, and ASGI's corners."""

import asyncio
import json

import pytest
from fastapi import BackgroundTasks, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hardy.transport import http


def legacy() -> FastAPI:
    app = FastAPI()

    @app.get("/users/{name}")
    async def user(name: str, request: Request, q: int = 0) -> dict[str, object]:
        return {"name": name, "q": q, "url": str(request.url), "root": request.scope["root_path"]}

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"length": len(await request.body())}

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces():
            for n in range(3):
                yield f"{n}\n"

        return StreamingResponse(pieces(), media_type="text/plain")

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces():
            try:
                while True:
                    yield b"x"
                    await asyncio.sleep(0.01)
            finally:
                app.state.left.set()

        return StreamingResponse(pieces())

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(app.state.left.set)
        return "ok"

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("secret")

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept(subprotocol="chat" if "chat" in socket.scope["subprotocols"] else None)
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    app.state.code = message["code"]
                    break
                if message.get("bytes") is not None:
                    await socket.send_bytes(message["bytes"][::-1])
                elif message["text"] == "bye":
                    await socket.close(4000, "so long")
                    break
                else:
                    await socket.send_text(message["text"].upper())
        except WebSocketDisconnect:
            pass
        app.state.left.set()

    @app.websocket("/no")
    async def no(socket: WebSocket) -> None:
        await socket.close()

    app.state.left = asyncio.Event()
    return app


async def greet(name: str) -> str:
    return f"hello {name}"


@pytest.fixture
async def app():
    return legacy()


@pytest.fixture
async def client(serve, app):
    return await serve((greet, http.get("/legacy/greet/{name}")), mounts=[http.Mount("/legacy", app)])


async def test_its_routes_work_below_the_prefix(client):
    answer = await client.get("/legacy/users/caf%C3%A9?q=3")
    assert answer.json() == {
        "name": "café",
        "q": 3,
        "url": f"http://{client.base_url.netloc.decode()}/legacy/users/café?q=3",
        "root": "/legacy",
    }
    assert (await client.get("/legacy/users/a?q=x")).status_code == 422
    assert (await client.get("/legacy/nowhere")).json() == {"detail": "Not Found"}
    assert (await client.get("/legacy/docs")).status_code == 200


async def test_our_route_wins_and_other_paths_are_not_its(client):
    assert (await client.get("/legacy/greet/you")).json() == "hello you"
    assert (await client.get("/legacyx/users/a")).json()["reason"] == "no_such_path"


async def test_bodies_go_in_whole_or_chunked(client):
    async def pieces():
        yield b"x" * 100_000
        yield b"y" * 100_000

    assert (await client.post("/legacy/echo", content=b"abc")).json() == {"length": 3}
    assert (await client.post("/legacy/echo", content=pieces())).json() == {"length": 200_000}
    assert (await client.post("/legacy/echo", content=b"x" * 1_100_000)).status_code == 413


async def test_its_streams_stream(client, app):
    assert (await client.get("/legacy/stream")).text == "0\n1\n2\n"
    async with client.stream("GET", "/legacy/endless") as answer:
        await anext(answer.aiter_raw())
    await asyncio.wait_for(app.state.left.wait(), 5)


async def test_its_background_tasks_run(client, app):
    assert (await client.get("/legacy/background")).json() == "ok"
    await asyncio.wait_for(app.state.left.wait(), 5)


async def test_its_defect_is_a_500_that_says_nothing(client, defects):
    answer = await client.get("/legacy/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert str(defects.pop()) == "secret"


async def test_head_has_no_body(serve):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    client = await serve(mounts=[http.Mount("/", app)])
    assert (await client.get("/x")).text == "hello"
    head = await client.head("/x")
    assert (head.headers["content-length"], head.content) == ("5", b"")


async def test_its_websocket_works(client, app):
    base = f"ws://{client.base_url.netloc.decode()}/legacy"
    async with connect(f"{base}/ws", subprotocols=["chat"]) as socket:
        assert socket.subprotocol == "chat"
        await socket.send("hello")
        assert await socket.recv() == "HELLO"
        await socket.send(b"abc")
        assert await socket.recv() == b"cba"
        await socket.send("bye")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert (socket.close_code, socket.close_reason) == (4000, "so long")
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{base}/no")
    assert refused.value.response.status_code == 403


async def test_it_learns_how_a_websocket_was_closed(client, app):
    async with connect(f"ws://{client.base_url.netloc.decode()}/legacy/ws") as socket:
        await socket.close(4001, "done")
    await asyncio.wait_for(app.state.left.wait(), 5)
    assert app.state.code == 4001


async def test_its_lifespan_runs_with_the_mount(serve):
    said = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            scope["state"]["db"] = "open"
            said.append((await receive())["type"])
            await send({"type": "lifespan.startup.complete"})
            said.append((await receive())["type"])
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["state"]["db"].encode()})

    async with http.Mount("/", app) as mount:
        client = await serve(mounts=[mount])
        answer = await client.get("/")
        assert (answer.text, answer.headers["content-length"]) == ("open", "4")
    assert said == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_application_that_cannot_start_says_so():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="no database"):
        async with http.Mount("/", app):
            pass


async def test_an_application_without_a_lifespan_is_fine():
    async def app(scope, receive, send):
        assert scope["type"] == "http"

    async with http.Mount("/", app) as mount:
        assert mount.covers("/anything")


async def test_an_application_that_answers_nothing_is_a_500(serve, defects):
    async def app(scope, receive, send):
        return

    client = await serve(mounts=[http.Mount("/", app)])
    answer = await client.get("/")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (500, "INTERNAL")
    assert "without a whole response" in str(defects.pop())
