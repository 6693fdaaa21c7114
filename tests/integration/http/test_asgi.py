"""The same transport behind uvicorn."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hardy.core import PermissionDenied
from hardy.transport import http


@dataclass(frozen=True)
class Item:
    n: int


async def double(item: Item) -> Item:
    return Item(item.n * 2)


async def count(to: int) -> AsyncIterator[Item]:
    for n in range(to):
        yield Item(n)


async def total(items: AsyncIterator[Item]) -> int:
    return sum([item.n async for item in items])


async def echo(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    async for item in items:
        if item.n < 0:
            raise PermissionDenied("no")
        yield item


async def no(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    raise PermissionDenied("no")
    yield Item(0)


@pytest.fixture
async def hosted(chain):
    left = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            left.set()

    said = []

    async def start() -> None:
        said.append("start")

    async def stop() -> None:
        said.append("stop")

    transport = http.Transport(
        [
            chain(double, http.post("/double", status=201)),
            chain(count, http.get("/count")),
            chain(total, http.post("/total")),
            chain(echo, http.get("/echo")),
            chain(no, http.get("/no")),
            chain(endless, http.get("/endless")),
        ]
    )
    app = http.Asgi(transport.handle, refuse=transport.refuse, start=start, stop=stop, max_body=1000)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on", ws="websockets-sansio"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    assert said == ["start"]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", verify=False) as client:
        client.left = left
        yield client
    server.should_exit = True
    await task
    assert said == ["start", "stop"]


async def test_calls_streams_and_errors_are_the_same_behind_a_host(hosted):
    answer = await hosted.post("/double", json={"n": 2}, headers={"x-request-id": "me"})
    assert (answer.status_code, answer.json(), answer.headers["x-request-id"]) == (201, {"n": 4}, "me")
    assert (await hosted.post("/double", json={"n": "x"})).json()["errors"][0]["pointer"] == "/n"
    assert (await hosted.get("/count?to=2")).text == '{"n":0}\n{"n":1}\n'
    assert (await hosted.post("/total", content=b'{"n":1}\n{"n":2}\n')).json() == 3
    head = await hosted.head("/count?to=2")
    assert head.status_code == 405
    assert (await hosted.get("/nowhere")).json()["reason"] == "no_such_path"
    assert (await hosted.post("/double", content=b" " * 1001)).status_code == 413


async def test_a_client_that_leaves_ends_the_use_case_behind_a_host(hosted):
    async with hosted.stream("GET", "/endless") as answer:
        assert await anext(answer.aiter_lines()) == "1"
    await asyncio.wait_for(hosted.left.wait(), 5)


async def test_websocket_works_behind_a_host(hosted):
    base = f"ws://{hosted.base_url.netloc.decode()}"
    async with connect(f"{base}/echo") as socket:
        await socket.send('{"n":1}')
        assert json.loads(await socket.recv()) == {"n": 1}
        await socket.send('{"n":-1}')
        assert json.loads(await socket.recv())["error"]["status"] == 403
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1011
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{base}/no")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["detail"] == "no"


async def test_a_start_that_fails_is_told_to_the_host():
    async def start() -> None:
        raise OSError("no database")

    async def handle(request):
        return None

    said = []
    inbox = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})

    async def send(message):
        said.append(message)

    await http.Asgi(handle, start=start)({"type": "lifespan"}, inbox.get, send)
    assert said == [{"type": "lifespan.startup.failed", "message": "no database"}]
