"""Who comes while a socket closes is refused with nothing sent, and who is in stays in."""

import socket

import pytest

from hardy.server import Request, Response, Server
from hardy.server._hold_back import hold_back


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"], ids=["IPv4", "IPv6"])
def test_nobody_new_gets_in_and_nobody_is_put_out(host):
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        address = listening.getsockname()[:2]
        accepted_later = socket.create_connection(address)
        accepted = socket.create_connection(address)
        first, _ = listening.accept()

        assert hold_back(listening) is True

        with pytest.raises(TimeoutError):
            socket.create_connection(address, timeout=0.1)
        accepted_later.sendall(b"still here")
        assert first.recv(10) == b"still here"
        second, _ = listening.accept()
        accepted.sendall(b"here too")
        assert second.recv(10) == b"here too"
        for each in (accepted_later, accepted, first, second):
            each.close()


async def test_a_socket_that_was_given_may_have_other_owners():
    with socket.create_server(("127.0.0.1", 0)) as kept:
        async with Server(answer, bind=[kept.dup()]):
            pass
        socket.create_connection(kept.getsockname(), timeout=5).close()

        async with Server(answer, bind=[kept.dup()]) as server:
            await server.stop_accepting(others=False)
        with pytest.raises(TimeoutError):
            socket.create_connection(kept.getsockname(), timeout=0.1)


async def answer(request: Request) -> Response:
    return Response(200)


def test_a_path_is_not_held_back(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "a.sock"))
        assert hold_back(listening) is False
