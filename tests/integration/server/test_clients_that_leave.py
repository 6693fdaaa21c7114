"""A client is gone on reset or end of stream, as in net/http; what is being written is finished."""

import asyncio

import pytest

from hardy.server import Request, Response, Tls

GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("leave", ["half_close", "reset"])
async def test_a_handler_is_told_once_that_its_client_left(serve, leave):
    told: list[str] = []
    started, finish = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Response:
        request.on_gone = lambda: told.append("gone")
        started.set()
        await finish.wait()
        return Response(200)

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET % b"")
    await started.wait()
    getattr(peer, leave)()
    await service.until(lambda: bool(told))
    finish.set()
    await service.until(lambda: service.server.statistics().in_flight == 0)
    await service.until(lambda: service.server.statistics().connections == 0)

    assert (told, service.server.statistics().in_flight, service.errors) == (["gone"], 0, [])


async def test_a_handler_whose_client_stays_is_told_nothing(serve):
    told: list[str] = []

    async def handle(request: Request) -> Response:
        request.on_gone = lambda: told.append("gone")
        return Response(200)

    service = await serve(handle)
    peer, _ = await service.ask(GET % b"")
    await peer.close()
    await service.until(lambda: service.server.statistics().connections == 0)

    assert told == []


async def test_who_closes_its_side_after_asking_still_gets_every_answer(serve):
    service = await serve()
    peer = await service.connect()
    peer.send(GET % b"1" + GET % b"2" + GET % b"3")
    peer.half_close()

    raw = await peer.rest()

    assert [raw.count(b"hello /%d" % number) for number in (1, 2, 3)] == [1, 1, 1]


async def test_what_is_told_may_fail_without_harm(serve):
    started, finish = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Response:
        def fail() -> None:
            raise KeyError

        request.on_gone = fail
        started.set()
        await finish.wait()
        return Response(200)

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET % b"")
    await started.wait()
    peer.reset()
    await service.until(lambda: bool(service.errors))
    finish.set()

    assert [type(error) for error in service.errors] == [KeyError]
    assert (await service.ask(b"GARBAGE\r\n\r\n"))[1].status == 400


async def test_a_handler_goes_on_after_its_client_left(serve):
    """Nothing but the server holds on to it then: it must not be collected midway."""
    import gc

    started, finish, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Response:
        started.set()
        await finish.wait()
        done.set()
        return Response(200)

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET % b"")
    await started.wait()
    peer.reset()
    await service.until(lambda: service.server.statistics().connections == 0)
    gc.collect()
    finish.set()

    async with asyncio.timeout(5):
        await done.wait()
    assert await service.server.wait_idle(5)


async def test_a_client_that_leaves_at_any_moment_leaves_nothing_behind(serve):
    request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    async def handle(request: Request) -> Response:
        return Response(200, (), await request.read())

    service = await serve(handle)
    for cut in range(0, len(request) + 1, 3):
        peer = await service.connect()
        peer.send(request[:cut])
        await asyncio.sleep(0)
        peer.reset()
    assert await service.server.wait_idle(5)

    assert (service.server.statistics().in_flight, service.errors) == (0, [])
    assert service.server._peers == {}
    assert service.server._orphans == set()
    assert service.server.wheel._slots.keys() <= set(service.server.wheel._order)
    assert not any(service.server.wheel._slots.values())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_where_a_client_came_in_is_known_after_it_has_left(serve, authority, secure):
    told: list[str] = []
    started, left = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Response:
        request.on_gone = left.set
        started.set()
        await left.wait()
        await service.until(lambda: service.server.statistics().connections == 0)
        told.append(request.server)
        return Response(200)

    if secure:
        service = await serve(handle, tls=Tls(*authority.issue("localhost", "localhost")))
        peer = await service.connect(ssl=authority.client(), server_hostname="localhost")
    else:
        service = await serve(handle)
        peer = await service.connect()
    peer.send(GET % b"")
    await started.wait()
    peer.reset()
    await service.until(lambda: bool(told))

    assert told == [str(service.server.addresses[0])]
