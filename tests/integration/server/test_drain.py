"""Listening, and the orderly end: nothing asked is lost."""

import asyncio
import gc
import socket
import warnings

import pytest

from hardy.server import AddressInUse, Request, Response, Server, ServerListening, ServerStopped, Statistics

GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"


async def hello(request: Request) -> Response:
    return Response(200, (), b"hello")


class Gate:
    """A handler that waits until it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        if request.path != "/quick":
            await self.open.wait()
        return Response(200, (), b"done")


async def test_while_winding_down_everything_is_served_and_told_to_close(serve):
    service = await serve()
    kept, _ = await service.ask(GET % b"")
    service.server.wind_down()
    kept.send(GET % b"")
    new, reply = await service.ask(GET % b"")

    assert (reply.status, reply.header("connection"), await new.rest()) == (200, "close", b"")
    assert ((await kept.reply()).header("connection"), await kept.rest()) == ("close", b"")


async def test_pipelined_requests_end_with_the_reply_that_says_close(serve):
    gate = Gate()
    service = await serve(gate)
    peer = await service.connect()
    peer.send(GET % b"1" + GET % b"2")
    await service.until(lambda: service.server.statistics().in_flight == 1)
    service.server.wind_down()
    gate.open.set()

    assert ((await peer.reply()).header("connection"), await peer.rest()) == ("close", b"")


async def test_stopping_closes_idle_connections_and_waits_for_the_others(serve):
    gate = Gate()
    service = await serve(gate)
    idle, _ = await service.ask(GET % b"quick")
    busy = await service.connect()
    busy.send(GET % b"")
    await service.until(lambda: service.server.statistics().in_flight == 1)

    await service.server.stop_accepting()
    assert await idle.rest() == b""
    assert await service.server.wait_idle(0.01) is False
    gate.open.set()
    reply = await busy.reply()

    assert (reply.body, reply.header("connection"), await busy.rest()) == (b"done", "close", b"")
    await busy.close()
    assert await service.server.wait_idle(5) is True
    assert [type(notice) for notice in service.notices] == [ServerListening, ServerStopped]


async def test_connections_that_the_kernel_accepted_already_are_served(serve):
    """Closing the socket at once would reset whatever waits in its backlog."""
    service = await serve()
    clients = [socket.socket() for _ in range(50)]
    for client in clients:  # blocking, so the loop cannot accept them before `stop_accepting`
        client.connect(service.server.addresses[0])
        client.sendall(GET % b"")
    await service.server.stop_accepting()

    for client in clients:
        client.setblocking(False)
        raw = await asyncio.get_running_loop().sock_recv(client, 1000)
        assert raw.startswith(b"HTTP/1.1 200")
        client.close()
    assert await service.server.wait_idle(5)


async def test_a_request_that_waits_in_the_kernel_keeps_its_connection_open(serve):
    service = await serve()
    peer, _ = await service.ask(GET % b"")
    sock = peer.writer.get_extra_info("socket")
    duplicate = socket.socket(fileno=socket.dup(sock.fileno()))
    duplicate.setblocking(True)
    duplicate.sendall(GET % b"late")  # the loop has no chance to read it before the server stops
    duplicate.close()
    await service.server.stop_accepting()

    reply = await peer.reply()
    assert (reply.body, reply.header("connection")) == (b"hello /late", "close")


async def test_a_fresh_connection_is_given_a_moment_for_its_first_request(serve):
    service = await serve(by_hand=True)
    quiet, late = await service.connect(), await service.connect()
    await service.until(lambda: service.server.statistics().connections == 2)
    await service.server.stop_accepting()
    late.send(GET % b"")

    assert (await late.reply()).status == 200
    await service.pass_time(1)
    assert await quiet.rest() == b""


async def test_after_stopping_nobody_connects(serve):
    service = await serve()
    address = service.server.addresses[0]
    await service.server.stop_accepting()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
    assert service.server.addresses == []


async def test_load_is_served_without_a_loss_through_the_whole_end(serve):
    """Clients that obey `Connection: close` and connect anew until nobody listens any more."""

    async def handle(request: Request) -> Response:
        await asyncio.sleep(0.001)
        return Response(200, (), request.path.encode())

    service = await serve(handle)
    address = service.server.addresses[0]
    answered = 0
    lost: list[str] = []

    async def client() -> None:
        nonlocal answered
        while True:
            try:
                reader, writer = await asyncio.open_connection(*address)
            except ConnectionRefusedError:
                return
            keep = True
            while keep:
                writer.write(GET % b"x")
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(2)
                except (asyncio.IncompleteReadError, ConnectionError) as error:
                    lost.append(repr(error))
                    return
                answered += 1
                keep = b"connection: close" not in head
            writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(client())
        await service.until(lambda: answered > 200)
        service.server.wind_down()
        before = answered
        await service.until(lambda: answered > before + 200)
        await service.server.stop_accepting()
        assert await service.server.wait_idle(5)

    assert lost == []


async def test_abort_cuts_everything_and_tells_the_handlers(serve):
    told = asyncio.Event()

    async def handle(request: Request) -> Response:
        request.on_gone = told.set
        await told.wait()
        return Response(200)

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET % b"")
    await service.until(lambda: service.server.statistics().in_flight == 1)
    await service.server.stop_accepting()
    service.server.abort()

    assert await service.server.wait_idle(5)
    assert await peer.rest() == b""


async def test_leaving_the_block_cancels_what_ignores_its_end():
    from hardy.server import Timeouts

    ended: list[str] = []

    async def handle(request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        return Response(200)

    errors: list[BaseException] = []
    async with Server(
        handle, bind=[("127.0.0.1", 0)], timeouts=Timeouts(close=0.05), on_error=lambda error, _: errors.append(error)
    ) as server:
        _, writer = await asyncio.open_connection(*server.addresses[0])
        writer.write(GET % b"")
        while not server.statistics().in_flight:
            await asyncio.sleep(0)

    assert (ended, server.statistics().connections, server.statistics().in_flight) == (["cancelled"], 0, 0)
    writer.close()


async def test_a_large_reply_is_sent_whole_before_the_server_is_idle(serve):
    async def handle(request: Request) -> Response:
        return Response(200, (), bytes(20_000_000))

    service = await serve(handle)
    peer = await service.connect()
    peer.send(GET % b"")
    await peer.head()
    await service.server.stop_accepting()
    assert await service.server.wait_idle(0.05) is False

    assert len(await peer.rest()) == 20_000_000
    await peer.close()
    assert await service.server.wait_idle(5)


# -- listening


async def test_a_port_in_use_is_said_with_its_place(serve):
    service = await serve()
    host, port = service.server.addresses[0]

    with pytest.raises(AddressInUse) as caught:
        await service.server.listen(host, port)

    assert (caught.value.host, caught.value.port) == (host, port)
    assert f"{host}:{port}" in str(caught.value)


async def test_a_place_that_is_not_ours_is_an_os_error(serve):
    service = await serve()

    with pytest.raises(OSError):
        await service.server.listen("203.0.113.1", 0)


async def test_a_failing_start_listens_nowhere():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = socket.create_server(("127.0.0.1", 0))
        address = free.getsockname()
        with pytest.raises(AddressInUse):
            async with Server(hello, bind=[free, taken.getsockname()]):
                pass

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)


async def test_a_server_listens_on_several_places_and_adopts_sockets():
    adopted = socket.create_server(("127.0.0.1", 0))
    async with Server(hello, bind=[("127.0.0.1", 0), adopted]) as server:
        await server.listen("127.0.0.1", 0)
        for address in server.addresses:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            assert (await reader.read()).endswith(b"hello")
            writer.close()
        assert len({address.port for address in server.addresses}) == 3


async def test_two_servers_live_in_one_process():
    async with Server(hello, bind=[("127.0.0.1", 0)]) as one, Server(hello, bind=[("127.0.0.1", 0)]) as two:
        reader, writer = await asyncio.open_connection(*one.addresses[0])
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await reader.read()
        writer.close()

        assert (one.statistics().requests, two.statistics().requests) == (1, 0)


async def test_nothing_is_left_behind():
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with Server(hello, bind=[("127.0.0.1", 0)]) as server:
            reader, writer = await asyncio.open_connection(*server.addresses[0])
            writer.write(GET % b"")
            await reader.readuntil(b"hello")
            writer.close()
        gc.collect()
    others = asyncio.all_tasks() - {asyncio.current_task()}

    statistics = server.statistics()
    assert statistics == Statistics(
        accepted=1, requests=1, bytes_received=statistics.bytes_received, bytes_sent=statistics.bytes_sent
    )
    assert not [task for task in others if "Connection" in repr(task)]
