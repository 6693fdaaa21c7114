"""HTTP on a path: for a proxy on the same machine."""

import asyncio
import socket
import stat

import pytest

from hardy.server import AddressInUse, Response, Server, UnixSocket

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def tell(request):
    return Response(200, (), f"{request.peer} {request.server}".encode())


async def ask(path):
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(GET)
    reply = await reader.read()
    writer.close()
    return reply


async def test_a_request_is_answered_and_its_peer_is_unix(tmp_path):
    path = tmp_path / "orders.sock"
    async with Server(tell, bind=[UnixSocket(path)]) as server:
        assert (await ask(path)).endswith(f"unix {path}".encode())
        assert str(server.addresses[0].host) == str(path)


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666], ids=oct)
async def test_permissions_are_those_asked_for(tmp_path, mode):
    path = tmp_path / "orders.sock"
    async with Server(tell, bind=[UnixSocket(path, mode)]):
        assert stat.S_IMODE(path.stat().st_mode) == mode


async def test_the_path_is_removed_at_the_end(tmp_path):
    path = tmp_path / "orders.sock"
    async with Server(tell, bind=[UnixSocket(path)]):
        assert path.exists()
    assert not path.exists()


async def test_what_a_dead_process_left_is_replaced(tmp_path):
    path = tmp_path / "orders.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    async with Server(tell, bind=[UnixSocket(path)]):
        assert b"200 OK" in await ask(path)


async def test_a_path_where_somebody_listens_is_taken(tmp_path):
    path = tmp_path / "orders.sock"
    async with Server(tell, bind=[UnixSocket(path)]):
        with pytest.raises(AddressInUse, match="is already in use"):
            await Server(tell, bind=[UnixSocket(path)]).__aenter__()
        assert b"200 OK" in await ask(path)


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "orders.sock"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        await Server(tell, bind=[UnixSocket(path)]).__aenter__()
    assert path.read_text() == "precious"


async def test_a_successors_socket_is_not_removed(tmp_path):
    path = tmp_path / "orders.sock"
    async with Server(tell, bind=[UnixSocket(path)]):
        path.unlink()
        successor = Server(tell, bind=[UnixSocket(path)])
        await successor.__aenter__()
    assert b"200 OK" in await ask(path)
    await successor.__aexit__(None, None, None)
    assert not path.exists()


async def test_clients_in_the_backlog_are_answered(tmp_path):
    path = tmp_path / "orders.sock"
    server = Server(tell, bind=[UnixSocket(path)])
    await server.__aenter__()
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    client.sendall(GET)
    client.settimeout(5)
    await server.stop_accepting()
    assert await server.wait_idle(5)
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    client.close()
    await server.__aexit__(None, None, None)
