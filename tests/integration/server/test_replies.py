"""What goes out: framing of replies, keep-alive, order, and nothing a user's value can break."""

import asyncio
import re

import pytest

from hardy.server import Limits, Request, RequestFault, Response, prepare

GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_a_reply_says_its_length_and_date_and_nothing_of_the_server(serve):
    service = await serve()

    _, reply = await service.ask(GET % b"x")

    assert reply.body == b"hello /x"
    assert sorted(name for name, _ in reply.headers) == ["content-length", "content-type", "date"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.header("date"))


async def test_the_request_says_who_asked_for_what(serve):
    seen: list[Request] = []

    async def handle(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    service = await serve(handle)
    peer, _ = await service.ask(b"PATCH /a%20b?c=d%3F?e HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
    request = seen[0]

    assert (request.method, request.path, request.query) == ("PATCH", "/a%20b", "c=d%3F?e")
    assert (request.target, request.version, request.scheme) == ("/a%20b?c=d%3F?e", "1.1", "http")
    assert request.headers == ((b"host", b"h:1"), (b"x-a", b"1"), (b"x-a", b"2"))
    assert (request.header(b"x-a"), request.header(b"nothing")) == (b"1", None)
    assert request.peer == "{}:{}".format(*peer.writer.get_extra_info("sockname"))
    assert request.server == str(service.server.addresses[0])


async def test_a_connection_is_kept_for_many_requests(serve):
    service = await serve()
    peer = await service.connect()

    for number in range(50):
        peer.send(GET % b"%d" % number)
        assert (await peer.reply()).body == b"hello /%d" % number

    assert service.server.statistics().accepted == 1


async def test_pipelined_requests_are_answered_in_order_one_at_a_time(serve):
    running = 0
    most = 0

    async def handle(request: Request) -> Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(20 - int(request.path[1:])):
            await asyncio.sleep(0)
        running -= 1
        return Response(200, (), request.path.encode())

    service = await serve(handle)
    peer = await service.connect()

    peer.send(b"".join(GET % b"%d" % number for number in range(20)))
    bodies = [(await peer.reply()).body for _ in range(20)]

    assert bodies == [b"/%d" % number for number in range(20)]
    assert most == 1


async def test_many_more_pipelined_bytes_than_are_kept_are_all_answered(serve):
    service = await serve(limits=Limits(pipelined_bytes=256))
    peer = await service.connect()

    peer.send(b"".join(GET % b"%d" % number for number in range(3000)))
    bodies = [(await peer.reply()).body for _ in range(3000)]

    assert bodies == [b"hello /%d" % number for number in range(3000)]


async def test_two_connections_are_served_at_the_same_time(serve):
    both = asyncio.Barrier(2)

    async def handle(request: Request) -> Response:
        await both.wait()
        return Response(204)

    service = await serve(handle)
    first, second = await service.connect(), await service.connect()
    first.send(GET % b"")
    second.send(GET % b"")

    assert {(await first.reply()).status, (await second.reply()).status} == {204}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "close", id="asked to close"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "close", id="in a list"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", "close", id="in a second header"
        ),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", "close", id="an old client"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep-alive", id="an old client that asks"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", None, id="a modern client"),
    ],
)
async def test_whether_the_connection_stays_is_said_and_done(serve, head, said):
    service = await serve()
    peer, reply = await service.ask(head)

    peer.send(head)
    after = b"" if said == "close" else (await peer.reply()).body

    assert reply.header("connection") == said
    assert after == (b"" if said == "close" else b"hello /")


async def test_a_handler_can_close_the_connection(serve):
    async def handle(request: Request) -> Response:
        request.keep_alive = False
        return Response(200)

    service = await serve(handle)
    peer, reply = await service.ask(GET % b"")

    assert (reply.header("connection"), await peer.rest()) == ("close", b"")


async def test_the_last_request_of_a_connection_is_told_so(serve):
    service = await serve(limits=Limits(requests_per_connection=3))
    peer = await service.connect()
    peer.send(GET % b"" * 5)

    said = [(await peer.reply()).header("connection") for _ in range(3)]

    assert (said, await peer.rest()) == ([None, None, "close"], b"")


@pytest.mark.parametrize(
    ("method", "status", "headers", "length"),
    [
        pytest.param("HEAD", 200, [], "4", id="HEAD"),
        pytest.param("HEAD", 200, [(b"content-length", b"99")], "99", id="HEAD of a known length"),
        pytest.param("GET", 204, [], None, id="no content"),
        pytest.param("GET", 304, [], None, id="not modified"),
        pytest.param("GET", 304, [(b"content-length", b"99")], "99", id="not modified of a known length"),
    ],
)
async def test_where_there_is_no_body_none_is_sent(serve, method, status, headers, length):
    async def handle(request: Request) -> Response:
        return Response(status, headers, b"body") if request.path == "/" else Response(200, (), b"next")

    service = await serve(handle)
    peer = await service.connect()
    peer.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode() + GET % b"next")
    first = await peer.reply(bodiless=True)

    assert (first.status, first.header("content-length")) == (status, length)
    assert (await peer.reply()).body == b"next"


async def test_prepared_headers_go_out_with_extra_ones(serve):
    json = prepare([(b"content-type", b"application/json"), (b"x-a", b"1")])

    async def handle(request: Request) -> Response:
        return Response(499, json, b"{}", extra=[(b"X-Request-Id", b"7")])

    service = await serve(handle)
    _, reply = await service.ask(GET % b"")

    assert reply.status == 499
    assert reply.headers[:3] == [("content-type", "application/json"), ("x-a", "1"), ("x-request-id", "7")]


async def test_a_date_of_the_handlers_own_stays_alone(serve):
    async def handle(request: Request) -> Response:
        return Response(200, [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")])

    service = await serve(handle)
    _, reply = await service.ask(GET % b"")

    assert [value for name, value in reply.headers if name == "date"] == ["Thu, 01 Jan 1970 00:00:00 GMT"]


async def test_a_large_reply_arrives_whole(serve):
    body = bytes(range(256)) * 20_000

    async def handle(request: Request) -> Response:
        return Response(200, (), body)

    service = await serve(handle)
    _, reply = await service.ask(GET % b"")

    assert reply.body == body


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(Response(200, [(b"x", b"a\r\nset-cookie: b")]), id="CR LF in a value"),
        pytest.param(Response(200, [(b"x", b"a\nb")]), id="LF in a value"),
        pytest.param(Response(200, [(b"x", b"a\x00b")]), id="NUL in a value"),
        pytest.param(Response(200, [(b"x\r\ny", b"a")]), id="CR LF in a name"),
        pytest.param(Response(200, [(b"x y", b"a")]), id="blank in a name"),
        pytest.param(Response(200, [(b"", b"a")]), id="no name"),
        pytest.param(Response(200, [(b"Transfer-Encoding", b"chunked")]), id="framing of its own"),
        pytest.param(Response(200, [(b"connection", b"close")]), id="connection of its own"),
        pytest.param(Response(200, [(b"content-length", b"7")], b"body"), id="another length"),
        pytest.param(Response(200, [(b"content-length", b"4")] * 2, b"body"), id="length twice"),
        pytest.param(Response(200, (), b"", [(b"x", b"a\rb")]), id="CR in an extra value"),
        pytest.param(Response(100), id="interim status"),
        pytest.param(Response(700), id="status beyond 599"),
    ],
)
async def test_a_reply_that_cannot_be_sent_is_500_and_told(serve, response):
    async def handle(request: Request) -> Response:
        return response

    service = await serve(handle)
    peer, reply = await service.ask(GET % b"")

    assert (reply.status, reply.header("connection"), await peer.rest()) == (500, "close", b"")
    assert b"set-cookie" not in reply.body
    assert [type(error) for error in service.errors] == [ValueError]


class Stop(BaseException):
    """Not even an Exception."""


@pytest.mark.parametrize(
    "error",
    [ValueError("secret"), RecursionError("secret"), MemoryError("secret"), Stop("secret"), asyncio.CancelledError()],
    ids=["ValueError", "RecursionError", "MemoryError", "BaseException", "CancelledError"],
)
async def test_whatever_a_handler_raises_ends_one_request_only(serve, error):
    async def handle(request: Request) -> Response:
        if request.path == "/bad":
            raise error
        return Response(200)

    service = await serve(handle)
    peer, reply = await service.ask(GET % b"bad")
    _, other = await service.ask(GET % b"good")

    assert (reply.status, other.status, await peer.rest()) == (500, 200, b"")
    assert reply.header("content-type") == "application/problem+json"
    assert b"secret" not in reply.body
    assert service.errors == [error]
    assert service.server.statistics().failed == 1


async def test_a_handler_that_never_answers_is_500_and_told(serve):
    async def handle(request: Request) -> None:
        return None

    service = await serve(handle)
    _, reply = await service.ask(GET % b"")

    assert (reply.status, [type(error) for error in service.errors]) == (500, [RuntimeError])


async def test_a_fault_that_the_handler_lets_pass_is_answered_as_it_says(serve):
    async def handle(request: Request) -> Response:
        raise RequestFault(413, "too much tea")

    service = await serve(handle)
    _, reply = await service.ask(GET % b"")

    assert (reply.status, b"too much tea" in reply.body, service.errors) == (413, True, [])


async def test_the_engines_errors_look_as_the_application_wants(serve):
    def render(status: int, detail: str) -> Response:
        return Response(status, [(b"content-type", b"text/plain")], f"{status}!".encode())

    service = await serve(render_error=render)
    _, reply = await service.ask(b"bad\r\n\r\n")

    assert (reply.status, reply.body) == (400, b"400!")


async def test_a_rendering_that_fails_still_leaves_an_answer(serve):
    def render(status: int, detail: str) -> Response:
        raise KeyError(status)

    service = await serve(render_error=render)
    _, reply = await service.ask(b"bad\r\n\r\n")

    assert (reply.status, [type(error) for error in service.errors]) == (500, [KeyError])
