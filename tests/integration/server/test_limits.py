"""Every byte and every connection is counted before it is kept."""

import pytest

from hardy.server import ConnectionRefused, Limits, RequestRefused

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, id="long target"),
        pytest.param(b"GET /" + b"a" * 1_000_000, 414, id="target without end"),
        pytest.param(b"A" * 10_000, 414, id="method without end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 100 + b"\r\n", 431, id="many headers"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10_000, 431, id="headers without end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 33_000 + b"\r\n\r\n", 431, id="large header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000, 431, id="header without end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a" * 70_000, 431, id="name without end"),
    ],
)
async def test_a_head_over_a_limit_is_refused_at_once(serve, data, status):
    service = await serve()

    peer, reply = await service.ask(data)

    assert (reply.status, reply.header("connection"), await peer.rest()) == (status, "close", b"")
    assert [type(notice) for notice in service.notices[1:]] == [RequestRefused]
    assert service.server.statistics().rejected == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET /" + b"a" * 8178 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="request line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 99 + b"\r\n", id="headers"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 32_740 + b"\r\n\r\n", id="header bytes"),
    ],
)
async def test_a_head_at_a_limit_is_served(serve, data):
    service = await serve()

    _, reply = await service.ask(data)

    assert reply.status == 200


async def test_one_connection_too_many_is_503_and_room_is_made_when_one_leaves(serve):
    service = await serve(limits=Limits(connections=2))
    first, _ = await service.ask(GET)
    await service.ask(GET)
    third = await service.connect()
    reply = await third.reply()

    assert (reply.status, reply.header("retry-after"), await third.rest()) == (503, "1", b"")
    assert [type(notice) for notice in service.notices[1:]] == [ConnectionRefused]
    assert service.server.statistics().refused == 1
    await third.close()
    await first.close()
    await service.until(lambda: service.server.statistics().connections == 1)
    assert (await service.ask(GET))[1].status == 200


async def test_one_address_may_have_so_many_connections_and_no_more(serve):
    service = await serve(limits=Limits(connections_per_peer=1))
    await service.ask(GET)
    second = await service.connect()
    other = await service.connect(local_addr=("127.0.0.2", 0))
    other.send(GET)

    assert ((await second.reply()).status, (await other.reply()).status) == (503, 200)
