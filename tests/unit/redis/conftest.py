"""A peer that says what a test wants, when the test wants it; and a real Valkey."""

import asyncio

import pytest

from hardy.adapters.redis import Redis, RedisSettings
from hardy.adapters.redis._hiredis import Reader

NOTHING = object()


class Peer:
    """Lets everybody in, and hands every other command to the test, which answers or does not."""

    def __init__(self):
        self.commands = asyncio.Queue()
        self.connections = 0
        self.silent = False
        self.hello = b"%0\r\n"
        self.writers = []
        self.server = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        parser = Reader(notEnoughData=NOTHING)
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                while (command := parser.gets()) is not NOTHING:
                    if command[0] in {b"HELLO", b"SELECT"} and not self.silent:
                        writer.write(self.hello if command[0] == b"HELLO" else b"+OK\r\n")
                    self.commands.put_nowait(command)
        except OSError:
            pass
        finally:
            writer.close()

    def say(self, data):
        self.writers[-1].write(data)

    async def heard(self, *words):
        """Return the next command that begins with *words*, or is a GET; those before it are let go."""
        words = words or (b"GET",)
        async with asyncio.timeout(20):
            while True:
                command = await self.commands.get()
                if command[: len(words)] == [*words]:
                    return command[1:]


@pytest.fixture
async def peer():
    peer = Peer()
    peer.server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    yield peer
    peer.server.close()
    for writer in peer.writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in peer.writers), return_exceptions=True)


@pytest.fixture
async def at_peer(peer):
    """A client of the peer that is not easily out of patience."""
    async with Redis(RedisSettings(url=peer.url, timeout=20)) as redis:
        yield redis


@pytest.fixture
async def redis(valkey_url):
    async with Redis(RedisSettings(url=valkey_url, timeout=20)) as redis:
        yield redis


@pytest.fixture
def until():
    """Wait until something is so, for as long as a busy machine may need."""

    async def until(condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    return until
