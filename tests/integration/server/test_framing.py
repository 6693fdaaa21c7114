"""Whatever could be read in two ways is refused, alone and behind a good request."""

import asyncio
import re

import pytest

from hardy.server import Request, Response

HOST = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

REFUSED = {
    "length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "length with plus": POST + b"Content-Length: +5\r\n\r\nhello",
    "length with minus": POST + b"Content-Length: -1\r\n\r\n",
    "length with underscore": POST + b"Content-Length: 5_0\r\n\r\nhello",
    "length in hexadecimal": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "length beyond 63 bits": POST + b"Content-Length: 9223372036854775808\r\n\r\n",
    "length beyond 64 bits": POST + b"Content-Length: 18446744073709551621\r\n\r\n",
    "length of digits without end": POST + b"Content-Length: 00000000000000000000005\r\n\r\nhello",
    "empty length": POST + b"Content-Length:\r\n\r\n",
    "length with a blank inside": POST + b"Content-Length: 5 0\r\n\r\nhello",
    "length in other digits": POST + b"Content-Length: \xd9\xa5\r\n\r\nhello",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding after chunked": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two transfer codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity coding": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "empty coding": POST + b"Transfer-Encoding:\r\n\r\n",
    "quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "coding after a tab": POST + b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "coding before a blank": POST + b"Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n",
    "coding after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding with parameter": POST + b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "coding in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding with a folded value": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "no host": GET + b"\r\n",
    "empty host": GET + b"Host:\r\n\r\n",
    "two hosts": GET + HOST + b"Host: b\r\n\r\n",
    "the same host twice": GET + HOST + HOST + b"\r\n",
    "user in host": GET + b"Host: user@a\r\n\r\n",
    "path in host": GET + b"Host: a/b\r\n\r\n",
    "query in host": GET + b"Host: a?b\r\n\r\n",
    "blank in host": GET + b"Host: a b\r\n\r\n",
    "list of hosts": GET + b"Host: a,b\r\n\r\n",
    "host with a bad port": GET + b"Host: a:80x\r\n\r\n",
    "host with an endless port": GET + b"Host: a:8080808080\r\n\r\n",
    "host with an open bracket": GET + b"Host: [::1\r\n\r\n",
    "host above ASCII": GET + b"Host: \xe4\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "folded header": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "header folded by a tab": GET + HOST + b"X: a\r\n\tb\r\n\r\n",
    "blank before the first header": GET + b" Host: a\r\n\r\n",
    "blank before the colon": GET + b"Host : a\r\n\r\n",
    "tab before the colon": GET + HOST + b"X\t: a\r\n\r\n",
    "no colon": GET + HOST + b"X\r\n\r\n",
    "no name": GET + HOST + b": a\r\n\r\n",
    "name with a bracket": GET + HOST + b"X[a]: a\r\n\r\n",
    "name above ASCII": GET + HOST + b"X\xe4: a\r\n\r\n",
    "NUL in a value": GET + HOST + b"X: a\x00b\r\n\r\n",
    "NUL in a name": GET + HOST + b"X\x00: a\r\n\r\n",
    "control character in a value": GET + HOST + b"X: a\x01b\r\n\r\n",
    "DEL in a value": GET + HOST + b"X: a\x7fb\r\n\r\n",
    "bare CR in a value": GET + HOST + b"X: a\rb\r\n\r\n",
    "bare CR hides a header": GET + HOST + b"X: a\rContent-Length: 5\r\n\r\nhello",
    "bare LF after a header": GET + b"Host: a\nX: b\r\n\r\n",
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF everywhere": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare LF ends the head": GET + b"Host: a\r\n\n",
    "bare CR everywhere": b"GET / HTTP/1.1\rHost: a\r\r",
    "two CR": b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
    "version 1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "version 2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version 0.9": b"GET / HTTP/0.9\r\n\r\n",
    "version of one digit": b"GET / HTTP/1\r\nHost: a\r\n\r\n",
    "version of two digits": b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "version in small letters": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "another protocol": b"DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n",
    "icecast": b"SOURCE / ICE/1.0\r\nHost: a\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "only a line without version": b"GET /\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tabs for blanks": b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "blank after the version": b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "blank before the method": b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "blank in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "fragment in the target": b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "target above ASCII": b"GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "control character in the target": b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "target without slash": b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "empty target": b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
    "star for GET": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "target of another host": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "target with a user": b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "target of another scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "target without authority": b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
    "tunnel": b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
    "method that is no token": b"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "method without end": b"G" * 65 + b" / HTTP/1.1\r\nHost: a\r\n\r\n",
    "handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "two empty lines first": b"\r\n\r\n" + GOOD,
    "bare LF first": b"\n" + GOOD,
    "chunk size in 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "chunk size with underscore": CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n",
    "chunk size with plus": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "chunk size with minus": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk size that overflows": CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "chunk size of zeros without end": CHUNKED + b"0000000000000000000005\r\nhello\r\n0\r\n\r\n",
    "chunk size before a blank": CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n",
    "chunk size after a blank": CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "chunk size before a bare LF": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "chunk data before a bare LF": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"4\r\nhello\r\n0\r\n\r\n",
    "chunk shorter than its size": CHUNKED + b"6\r\nhello\r\n0\r\n\r\n",
    "chunk extension with LF": CHUNKED + b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "chunk extension with CR": CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "chunk extension with NUL": CHUNKED + b"5;a\x00\r\nhello\r\n0\r\n\r\n",
    "chunk extension without name": CHUNKED + b"5;\r\nhello\r\n0\r\n\r\n",
    "chunk extension with an open quote": CHUNKED + b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "last chunk before bare LF": CHUNKED + b"0\n\n",
    "trailer without colon": CHUNKED + b"0\r\nabc\r\n\r\n",
    "trailer with NUL": CHUNKED + b"0\r\na: b\x00\r\n\r\n",
    "trailer with a folded value": CHUNKED + b"0\r\na: b\r\n c\r\n\r\n",
}


@pytest.fixture(scope="session")
def anyio_backend():
    """What bytes mean does not depend on the loop: one is enough for so many cases."""
    return ("asyncio", {"use_uvloop": True})


cases = [pytest.param(data, id=name) for name, data in REFUSED.items()]


@pytest.mark.parametrize("data", cases)
async def test_a_doubtful_request_is_400_and_the_end(serve, data):
    service = await serve()
    peer = await service.connect()

    peer.send(data + SMUGGLED)
    reply = await peer.reply()

    assert (reply.status, reply.header("connection"), await peer.rest()) == (400, "close", b"")
    assert reply.header("content-type") == "application/problem+json"
    assert service.server.statistics().requests == 0


@pytest.mark.parametrize("data", cases)
async def test_a_doubtful_request_is_400_behind_a_good_one(serve, data):
    service = await serve()
    peer = await service.connect()

    peer.send(GOOD + data + SMUGGLED)
    good = await peer.reply()
    refused = await peer.reply()

    assert (good.status, good.body) == (200, b"hello /good")
    assert (refused.status, await peer.rest()) == (400, b"")
    assert service.server.statistics().requests == 1


ACCEPTED = {
    "plain": GET + HOST + b"\r\n",
    "host with port": GET + b"Host: a:8080\r\n\r\n",
    "host of IPv6": GET + b"Host: [::1]:80\r\n\r\n",
    "no blank after the colon": GET + b"Host:a\r\n\r\n",
    "blanks around a value": GET + b"Host: \t a \t\r\n\r\n",
    "empty value": GET + HOST + b"X:\r\n\r\n",
    "value above ASCII": GET + HOST + b"X: \xe4\r\n\r\n",
    "tab in a value": GET + HOST + b"X: a\tb\r\n\r\n",
    "every character a name has": GET + HOST + b"!#$%&'*+-.^_`|~09azAZ: a\r\n\r\n",
    "repeated header": GET + HOST + b"Accept: a\r\nAccept: b\r\n\r\n",
    "one empty line first": b"\r\n" + GET + HOST + b"\r\n",
    "HTTP/1.0 without host": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "absolute target": b"GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute target without path": b"GET http://a HTTP/1.1\r\nHost: A\r\n\r\n",
    "star for OPTIONS": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "method nobody knows": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "method in small letters": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "upgrade that is ignored": GET
    + HOST
    + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\r\n",
    "empty body": POST + b"Content-Length: 0\r\n\r\n",
    "body": POST + b"Content-Length: 5\r\n\r\nhello",
    "body with leading zeros": POST + b"Content-Length: 005\r\n\r\nhello",
    "body of GET": GET + HOST + b"Content-Length: 5\r\n\r\nhello",
    "chunks": CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    "no chunk but the last": CHUNKED + b"0\r\n\r\n",
    "chunked in capitals": POST + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n",
    "chunk size with zeros": CHUNKED + b"00005\r\nhello\r\n000\r\n\r\n",
    "chunk size in capitals": CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n",
    "chunk extensions": CHUNKED + b'5;a;b=c;d="e\\"f;g"\r\nhello\r\n0;last\r\n\r\n',
    "trailers": CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\nContent-Length: 9\r\n\r\n",
    "body that looks like a request": POST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "body of only line ends": POST + b"Content-Length: 4\r\n\r\n\r\n\r\n",
}
good_cases = [pytest.param(data, id=name) for name, data in ACCEPTED.items()]


@pytest.mark.parametrize("data", good_cases)
async def test_a_sound_request_is_served_and_so_is_the_next(serve, data):
    service = await serve()
    peer = await service.connect()

    peer.send(data + GOOD)
    first = await peer.reply()
    second = await peer.reply()

    assert (first.status, second.status, second.body) == (200, 200, b"hello /good")
    assert service.server.statistics().requests == 2


async def read_then_hello(request: Request) -> Response:
    await request.read()
    return Response(200, (), b"hello " + request.target.encode())


@pytest.mark.parametrize("data", good_cases)
async def test_how_the_bytes_are_cut_makes_no_difference(serve, data):
    service = await serve(read_then_hello)
    peer = await service.connect(limit=2**16)

    for number, byte in enumerate(data + GOOD, start=1):
        peer.send(bytes([byte]))
        if number % 7 == 0:
            await service.received(number)
    replies = [await peer.reply(), await peer.reply()]

    assert [reply.status for reply in replies] == [200, 200]
    assert replies[1].body == b"hello /good"


@pytest.mark.parametrize("data", cases)
async def test_a_doubtful_request_in_pieces_is_refused_too(serve, data):
    service = await serve(read_then_hello)
    peer = await service.connect()
    middle = len(data) // 2

    peer.send(data[:middle])
    await service.received(middle)
    peer.send(data[middle:])
    peer.send(SMUGGLED)
    reply = await peer.reply()

    assert (reply.status, await peer.rest()) == (400, b"")


async def test_an_unknown_expectation_is_417(serve):
    service = await serve()

    peer, reply = await service.ask(POST + b"Content-Length: 5\r\nExpect: tea\r\n\r\nhello")

    assert (reply.status, await peer.rest()) == (417, b"")


async def test_random_bytes_never_hang_and_never_break_the_server(serve):
    """A seeded sweep: single bytes of a good request replaced; each answer is 200 or 4xx, promptly."""
    from random import Random

    service = await serve()
    random = Random(9112)
    request = POST + b"Transfer-Encoding: chunked\r\nX-Y: z\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"

    for _ in range(150):
        mutated = bytearray(request)
        for _ in range(random.randint(1, 3)):
            mutated[random.randrange(len(mutated))] = random.randrange(256)
        peer = await service.connect()
        peer.send(bytes(mutated))
        peer.half_close()
        raw = await peer.rest()
        statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3}) [^\r]+\r\n", raw)]
        assert all(status == 200 or 400 <= status < 500 for status in statuses), (mutated, raw)
        assert len(statuses) <= 1 or statuses[-1] == 400, (mutated, raw)
        await peer.close()
    await asyncio.sleep(0)

    assert service.errors == []
