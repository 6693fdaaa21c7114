from gc import get_referrers
from random import Random
from typing import cast

import pytest

from hardy.server import Exchange, Limits, RequestFault
from hardy.server._head import HeadParser
from hardy.server._lines import FieldLines


@pytest.fixture
def heads():
    return HeadParser(cast("Exchange", None), Limits(), FieldLines())


def test_one_parser_reads_many_heads_whatever_bodies_they_announce(heads):
    for _ in range(3):
        for framing, length in ((b"", 0), (b"Content-Length: 5\r\n", 5), (b"Transfer-Encoding: chunked\r\n", -1)):
            request = heads.parse(b"POST /a?b HTTP/1.1\r\nHost: h\r\nX:  y \r\n" + framing + b"\r\n")

            assert (request.method, request.path, request.query) == ("POST", "/a", "b")
            assert (request.header(b"x"), request.content_length, request.body) == (b"y", length, None)


def test_a_parser_reads_on_after_a_refused_head(heads):
    with pytest.raises(RequestFault):
        heads.parse(b"GET / HTTP/1.1\r\nHost: h\r\nX\x00: y\r\n\r\n")

    assert heads.parse(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").path == "/"


def test_a_parser_reads_on_after_an_upgrade(heads):
    for _ in range(2):
        head = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        assert heads.parse(head).header(b"upgrade") == b"x"


def test_the_first_of_repeated_headers_is_found_and_all_are_kept(heads):
    request = heads.parse(b"GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\na: 2\r\n\r\n")

    assert request.header(b"a") == b"1"
    assert request.headers == ((b"host", b"h"), (b"a", b"1"), (b"a", b"2"))


@pytest.mark.parametrize("name", [b"Accept", b"If-Match", b"If-None-Match", b"Content-Encoding", b"X-Forwarded-For"])
def test_lines_that_make_one_list_are_one_value(heads, name):
    request = heads.parse(b"GET / HTTP/1.1\r\nHost: h\r\n" + name + b": 1\r\nA: 2\r\n" + name + b": 3, 4\r\n\r\n")

    assert request.header(name.lower()) == b"1, 3, 4"


@pytest.mark.parametrize(
    "name",
    [
        b"Host",
        b"Content-Length",
        b"Expect",
        b"Content-Type",
        b"Authorization",
        b"Origin",
        b"Sec-WebSocket-Key",
        b"Sec-WebSocket-Version",
    ],
)
def test_headers_that_decide_something_may_be_there_once(heads, name):
    with pytest.raises(RequestFault):
        heads.parse(b"POST / HTTP/1.1\r\nHost: h\r\n" + (name + b": 1\r\n") * 2 + b"\r\n")


def test_random_heads_are_read_or_refused_and_nothing_else(heads):
    good = b"POST /a?b HTTP/1.1\r\nHost: h:80\r\nContent-Length: 12\r\nConnection: close, x\r\nExpect: 100-continue\r\n"
    random = Random(9112)
    statuses: set[int] = set()
    for _ in range(3000):
        mutated = bytearray(good)
        for _ in range(random.randint(1, 4)):
            mutated[random.randrange(len(mutated))] = random.randrange(256)
        head = bytes(mutated).replace(b"\r\n\r\n", b"") + b"\r\n"
        try:
            request = heads.parse(head)
        except RequestFault as fault:
            statuses.add(fault.status)
        else:
            assert request.content_length >= 0
            assert all(name == name.lower() for name, _ in request.headers)
    assert statuses == {400, 417}


def test_a_start_is_refused_only_when_no_rest_could_make_it_right(heads):
    good = b"BREW /a?b HTTP/1.1\r\nHost: h:80\r\nA: b\r\n\r\n"
    for end in range(1, len(good) - 1):
        heads.screen(good[:end], thorough=True)

    for bad in (b"\x16\x03\x01", b"GET / HTTP/1.1\n", b"GET /\r\n", b"GET / HTTP/1.1\r\nHost : a\r\n", b" GET"):
        with pytest.raises(RequestFault):
            heads.screen(bad, thorough=True)


LINES = (b"GET /a HTTP/1.1", b"GET /a?q HTTP/1.1", b"POST /b HTTP/1.1", b"GET /a HTTP/1.0", b"GET http://h/a HTTP/1.1",
         b"GET http://other/a HTTP/1.1", b"CONNECT h:1 HTTP/1.1", b"GET /a HTTP/2.0")  # fmt: skip
BLOCKS = (b"", b"Host: h\r\n", b"Host: other\r\n", b"Host: h\r\nConnection: close\r\n", b"Host: h\r\nExpect: 100-continue\r\n",
          b"Host: h\r\nContent-Length: 5\r\n", b"Host: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n",
          b"Host: h\r\nTransfer-Encoding: chunked\r\n", b"Host: h\r\nX: " + b"x" * 2000 + b"\r\n", b"X: y\r\n")  # fmt: skip


def read(heads: HeadParser, head: bytes) -> object:
    try:
        request = heads.parse(head)
    except RequestFault as fault:
        return str(fault)
    return [getattr(request, name) for name in request.__struct_fields__]


def test_what_a_connection_sent_before_changes_nothing_about_how_a_head_is_read(heads):
    random = Random(3)
    for _ in range(2000):
        head = random.choice(LINES) + b"\r\n" + random.choice(BLOCKS) + b"\r\n"
        fresh = HeadParser(cast("Exchange", None), Limits(), FieldLines())

        assert read(heads, head) == read(fresh, head), head


def test_what_is_done_to_one_request_is_not_seen_in_the_next(heads):
    for _ in range(3):
        request = heads.parse(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert request.headers == ((b"host", b"h"),)
        assert request.fields == {b"host": b"h"}
        assert request.keep_alive
        request.keep_alive = False
        request.fields[b"a"] = b"b"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n", id="another target"),
        pytest.param(b"PUT /a HTTP/1.1\r\nHost: h\r\n\r\n", id="another method"),
        pytest.param(b"GET /a HTTP/1.0\r\nHost: h\r\n\r\n", id="another version"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", id="one line more"),
        pytest.param(b"GET /a?q=1 HTTP/1.1\r\nHost: i\r\n\r\n", id="another host"),
    ],
)
def test_a_head_is_read_alike_whatever_came_before_it(heads, other):
    first = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    alone = {head: HeadParser(heads._exchange, heads._limits, FieldLines()).parse(head) for head in (first, other)}
    for head in (first, other, first, first, other, other, first):
        if heads.last and head.startswith(heads.last):
            assert heads.again() is not heads.again()
        read, expected = heads.parse(head), alone[head]

        assert {name: getattr(read, name) for name in read.__struct_fields__} == {
            name: getattr(expected, name) for name in expected.__struct_fields__
        }


def test_a_head_that_is_refused_leaves_nothing_to_be_taken_for_the_next(heads):
    good = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
    for bad in (b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /a HTTP/1.1\r\nHost : h\r\n\r\n"):
        heads.parse(good)
        with pytest.raises(RequestFault):
            heads.parse(bad)
        assert heads.last == b""
        with pytest.raises(RequestFault):
            heads.parse(bad)
        assert heads.parse(good).target == "/a"


@pytest.mark.parametrize(("size", "kept"), [(100, True), (5000, False)], ids=["few bytes", "many"])
def test_what_a_large_head_says_is_not_kept_while_its_connection_is_idle(heads, size, kept):
    headers = heads.parse(b"GET / HTTP/1.1\r\nHost: h\r\nCookie: %b\r\n\r\n" % (b"x" * size)).headers

    assert any(getattr(each, "headers", None) is headers for each in get_referrers(headers)) == kept
