"""The proxy breaks connections as it is told, and mends them."""

import asyncio
import contextlib

import pytest

from hardy.testing import FaultProxy


@contextlib.asynccontextmanager
async def echo_server():
    async def serve(reader, writer):
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
async def proxy():
    async with echo_server() as port, FaultProxy("127.0.0.1", port) as opened:
        yield opened


@pytest.fixture
async def connect(proxy):
    async with contextlib.AsyncExitStack() as stack:

        async def connection():
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
            stack.callback(lambda: writer.transport.abort())  # keeps the writer, which complains when it is forgotten
            return reader, writer

        yield connection


async def ask(connection, what=b"hello"):
    reader, writer = connection
    writer.write(what)
    return await reader.readexactly(len(what))


async def silent(connection):
    try:
        await asyncio.wait_for(connection[0].read(1), 0.05)
    except TimeoutError:
        return True
    return False


async def test_it_forwards_what_is_said_and_answered(proxy, connect):
    first, second = await connect(), await connect()
    assert await ask(first, b"one") == b"one"
    assert await ask(second, b"x" * 1_000_000) == b"x" * 1_000_000
    assert proxy.connections == 2
    first[1].write_eof()
    assert await first[0].read() == b""


async def test_when_down_connections_are_reset_and_new_ones_refused_until_it_is_up(proxy, connect):
    connection = await connect()
    assert await ask(connection) == b"hello"
    await proxy.down()
    with pytest.raises(ConnectionResetError):
        await connection[0].read(1)
    with pytest.raises(ConnectionRefusedError):
        await connect()
    assert proxy.connections == 0
    await proxy.up()
    assert await ask(await connect()) == b"hello"


async def test_when_slow_an_answer_comes_later_and_at_once_when_it_is_up_again(proxy, connect):
    connection = await connect()
    await proxy.slow(0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await ask(connection) == b"hello"
    assert loop.time() - began >= 0.05
    await proxy.slow(3600)
    waiting = asyncio.create_task(ask(connection, b"later"))
    assert not (await asyncio.wait([waiting], timeout=0.05))[0]
    await proxy.up()
    assert await waiting == b"later"


async def test_a_reset_hits_connections_and_those_that_are_made_until_it_is_up(proxy, connect):
    connection = await connect()
    assert await ask(connection) == b"hello"
    await proxy.reset()
    with pytest.raises(ConnectionResetError):
        await connection[0].read(1)
    with pytest.raises(OSError):
        reader, _ = await connect()
        assert await reader.read(1), "an orderly end is no reset"
    await proxy.up()
    assert await ask(await connect()) == b"hello"


async def test_half_open_connections_stay_and_answer_nothing_until_it_is_up(proxy, connect):
    before = await connect()
    assert await ask(before) == b"hello"
    await proxy.half_open()
    after = await connect()
    for each in before, after:
        each[1].write(b"anyone?")
        assert await silent(each)
    await proxy.up()
    for each in before, after:
        assert await each[0].readexactly(7) == b"anyone?"


async def test_the_end_of_a_server_is_passed_on():
    async with echo_server() as port:
        nobody = FaultProxy("127.0.0.1", port)
    async with nobody:
        reader, writer = await asyncio.open_connection(nobody.host, nobody.port)
        assert await reader.read() == b""
        writer.transport.abort()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://me:secret@db:5432/shop?ssl=off", "postgresql://me:secret@127.0.0.1:{}/shop?ssl=off"),
        ("redis://cache:6379/0", "redis://127.0.0.1:{}/0"),
        ("nats://[::1]:4222", "nats://127.0.0.1:{}"),
    ],
    ids=["with a user", "plain", "ipv6"],
)
async def test_a_url_is_led_through_the_proxy(url, expected):
    async with FaultProxy.to(url) as proxy:
        assert proxy.url_for(url) == expected.format(proxy.port)


def test_a_url_without_a_port_is_refused():
    with pytest.raises(ValueError, match="needs the host and the port"):
        FaultProxy.to("redis://cache/0")
