"""Streams that have no end of their own, when the service has one: each is ended in the form of its protocol."""

import asyncio
import json
import signal

import grpc
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

SERVICE = '''
from collections.abc import AsyncIterator
from dataclasses import dataclass

from hardy import App, Settings, public, run
from hardy.transport import grpc, http


@dataclass(frozen=True)
class Word:
    text: str


async def echo(words: AsyncIterator[Word]) -> AsyncIterator[Word]:
    """Say it again."""
    async for word in words:
        yield word


def build(settings: Settings) -> App:
    app = App("echo", settings)
    app.expose(echo, http.get("/echo"), grpc.service("echo.v1.Echo")("Echo"), allow=public)
    return app


if __name__ == "__main__":
    run(build)
'''
RUN = "python echo.py --environment dev --port 0 --grpc-port 0 --admin-port 0 --drain-delay 0.2s --drain-timeout 0.9s"
WORD = b"\x0a\x05hello"


@pytest.mark.parametrize("workers", ["", "--workers 2"], ids=["alone", "workers"])
async def test_conversations_are_told_that_the_service_leaves(start, tmp_path, workers):
    (tmp_path / "echo.py").write_text(SERVICE)
    program = start(f"{RUN} {workers}", tmp_path)
    places = await asyncio.to_thread(program.started)

    async with (
        connect(f"ws://{places['http']}/echo", proxy=None) as socket,
        grpc.aio.insecure_channel(places["grpc"]) as channel,
    ):
        call = channel.stream_stream("/echo.v1.Echo/Echo")()
        await socket.send('{"text":"hello"}')
        await call.write(WORD)
        assert (await socket.recv(), await call.read()) == ('{"text":"hello"}', WORD)

        program.process.send_signal(signal.SIGTERM)
        await socket.send('{"text":"still"}')
        assert await socket.recv() == '{"text":"still"}'

        problem = json.loads(await socket.recv())["error"]
        assert (problem["code"], problem["status"]) == ("UNAVAILABLE", 503)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1011

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            while await call.read() is not grpc.aio.EOF:
                pass
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "shutting down" in ended.value.details()

    assert await asyncio.to_thread(program.wait) == 0, program.told()
    assert "warning[" not in program.told()  # of a variable that says something to workers only
    drained = [json.loads(line) for line in program.said["stdout"] if '"event":"drained"' in line][-1]
    assert (drained["streams"], drained["stuck"]) == (2, [])
