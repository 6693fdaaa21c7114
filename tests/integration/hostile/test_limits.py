"""What a hostile client can make the service spend: little time, little memory, and the right status."""

import asyncio
import base64
import gzip
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

MIB = 2**20
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
HANDSHAKE = (
    b"GET /both HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)


@contextmanager
def spending(service, *, seconds: float = 0.2, memory: int = 16 * MIB) -> Iterator[None]:
    """Hold that *service* spends no more than this meanwhile."""
    complaints = len(service.complaints())
    time_before, memory_before = service.cpu(), service.rss()
    yield
    spent, grown = service.cpu() - time_before, service.rss() - memory_before
    assert spent <= seconds, f"{spent} s of processor time"
    assert grown <= memory, f"{grown / MIB:.1f} MiB"
    assert service.complaints()[complaints:] == []


HEADS = {
    "10,000 headers": (GET + b"X: a\r\n" * 10_000 + b"\r\n", 431),
    "1,000 headers": (GET + b"X: a\r\n" * 1_000 + b"\r\n", 431),
    "1,000 different headers": (GET + b"".join(b"X%d: a\r\n" % n for n in range(1000)) + b"\r\n", 431),
    "a line of a megabyte": (b"GET /" + b"x" * MIB + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a query of a megabyte": (b"GET /?" + b"a=b&" * (MIB // 4) + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a method of a megabyte": (b"G" * MIB + b" / HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a header of a megabyte": (GET + b"X: " + b"x" * MIB + b"\r\n\r\n", 431),
    "a header name of a megabyte": (GET + b"X" * MIB + b": x\r\n\r\n", 431),
    "headers of 64 KiB": (GET + b"X: %s\r\n" % (b"x" * 2000) * 33 + b"\r\n", 431),
    "a line without end": (b"GET /" + b"x" * MIB, 414),
    "a header without end": (GET + b"X: " + b"x" * MIB, 431),
    "2,000 parameters": (b"GET /flood?" + b"a&" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a body of 10 GB announced": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n" + bytes(1000),
        413,
    ),
    "a body of 2 MiB": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2097152\r\n\r\n" + bytes(2 * MIB), 413),
    "16,000 chunks of nothing but frames": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"a" * 3000 + b"\r\nx\r\n" * 3000,
        400,
    ),
    "a length of a million digits": (GET + b"Content-Length: " + b"1" * MIB + b"\r\n\r\n", 431),
}


@pytest.mark.parametrize("case", HEADS)
def test_what_is_too_much_is_refused_at_little_cost(served, case):
    data, status = HEADS[case]
    with spending(served), served.connect() as client:
        head = client.send(data).until(b"\r\n\r\n")
    # What never ends is told so too, and not with the 408 of a bound on time: nobody waited for the rest of it.
    assert head.startswith(b"HTTP/1.1 %d " % status), head[:200]


def test_chunks_without_end_are_refused_and_no_longer_read(served):
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with spending(served), served.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        ends = time.monotonic() + 20  # ten times as long as a refused client is listened to
        with pytest.raises(ConnectionError):
            while time.monotonic() < ends:
                client.socket.sendall(chunk)


@pytest.fixture
def bearer(orders):
    return b"Authorization: Bearer " + orders.token("orders:read").encode() + b"\r\n"


def post(bearer: bytes, body: bytes, *more: bytes) -> bytes:
    return b"".join(
        (
            b"POST /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n",
            bearer,
            *more,
            b"Content-Length: %d\r\n\r\n" % len(body),
            body,
        )
    )


BODIES = {
    "half a million open lists": (b"[" * 500_000, 400),
    "half a million open objects": (b'{"a":' * 100_000, 400),
    "deep beside what is wanted": (b'{"sku":"tea","quantity":2,"x":' + b"[" * 500_000 + b"]" * 500_000 + b"}", 400),
    "deep where a text is wanted": (b'{"sku":' + b"[" * 100_000 + b"]" * 100_000 + b',"quantity":2}', 400),
    "a number of a million digits": (b'{"sku":"tea","quantity":' + b"9" * 1_000_000 + b"}", None),
    "a fraction of a million digits": (b'{"sku":"tea","quantity":0.' + b"9" * 1_000_000 + b"}", None),
    "a number of 5,000 digits": (b'{"sku":"tea","quantity":' + b"9" * 5_000 + b"}", 422),
    "a huge exponent": (b'{"sku":"tea","quantity":1e999}', None),
    "a huge negative exponent": (b'{"sku":"tea","quantity":1e-999}', None),
    "an exponent of a million digits": (b'{"sku":"tea","quantity":1e' + b"9" * 500_000 + b"}", None),
    "not a number": (b'{"sku":"tea","quantity":NaN}', 400),
    "infinity": (b'{"sku":"tea","quantity":Infinity}', 400),
    "a lone surrogate": (b'{"sku":"\\ud800","quantity":2}', None),
    "bytes that are no text": (b'{"sku":"\xff\xfe","quantity":2}', 400),
    "NUL in a text": (b'{"sku":"\\u0000","quantity":2}', None),
    "a mark of byte order": (b'\xef\xbb\xbf{"sku":"tea","quantity":2}', 400),
    "UTF-16": ('{"sku":"tea","quantity":2}'.encode("utf-16"), 400),
    "a hundred thousand names": (b"{" + b",".join(b'"a%d":0' % n for n in range(80_000)) + b"}", 422),
    "the same name a hundred thousand times": (b"{" + b",".join([b'"sku":"tea"'] * 80_000) + b"}", 422),
    "a text of a megabyte": (b'{"sku":"' + b"x" * (MIB - 100) + b'","quantity":2}', 422),
    "nothing but blanks": (b" " * 1_000_000, 400),
    "a comment": (b'{"sku":"tea","quantity":2}//', 400),
    "more behind the end": (b'{"sku":"tea","quantity":2}{}', 400),
    "the last of two counts": (b'{"sku":"","sku":"tea","quantity":0,"quantity":2}', 201),
}


@pytest.mark.parametrize("case", BODIES)
def test_hostile_json_is_the_clients_fault_and_costs_little(orders, bearer, case):
    body, status = BODIES[case]
    with spending(orders):
        (reply,) = orders.ask(post(bearer, body))
    assert reply.status == status or (status is None and reply.status in {201, 400, 422}), reply
    assert len(reply.body) < 20_000


@pytest.mark.parametrize("size", [1_000, 100_000_000], ids=["small", "a hundred megabytes"])
def test_a_body_that_grows_when_unpacked_is_refused(orders, bearer, size):
    packed = gzip.compress(bytes(size))
    with spending(orders, seconds=0.3):
        (reply,) = orders.ask(post(bearer, packed, b"Content-Encoding: gzip\r\n"))
    assert reply.status in {400, 413, 415}


QUERIES = {
    "a cursor of 7,000 letters": b"cursor=" + b"x" * 7000,
    "a cursor of NUL": b"cursor=%00",
    "a cursor of another alphabet": b"cursor=%EF%BC%91",
    "a cursor that is no UTF-8": b"cursor=%ff",
    "a cursor that is a list": b"cursor=a&cursor=b",
    "a limit of 5,000 digits": b"limit=" + b"9" * 5000,
    "a limit of minus nothing": b"limit=-0",
    "a limit with an underscore": b"limit=1_0",
    "a limit in other digits": b"limit=%D9%A1",
    "a limit of infinity": b"limit=inf",
    "a limit of blanks": b"limit=%20%201",
    "999 parameters": b"&".join([b"a=b"] * 999),
    "broken escapes": b"limit=%&cursor=%zz&%=%",
    "pluses": b"+" * 7000,
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_hostile_query_is_the_clients_fault_and_costs_little(orders, bearer, query):
    request = b"GET /orders?" + QUERIES[query] + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + bearer + b"\r\n"
    with spending(orders):
        (reply,) = orders.ask(request)
    assert reply.status in {200, 400, 422}, reply


HEADERS = {
    "a token of 30 KB": b"Authorization: Bearer " + b"x" * 30_000,
    "a token of dots": b"Authorization: Bearer " + b"." * 30_000,
    "a token of nothing": b"Authorization: Bearer",
    "a token in Latin-1": b"Authorization: Bearer \xe4.\xe4.\xe4",
    "16,000 entity tags": b"If-None-Match: " + b'""' * 16_000,
    "32,000 commas": b"Accept: " + b"," * 30_000,
    "a weight of no number": b"Accept: application/json;q=nan",
    "a thousand weights": b"Accept: application/json" + b";q=0.1" * 4000,
    "a time of no number": b"Request-Timeout: nan",
    "a time without end": b"Request-Timeout: 1e400",
    "a time that is over": b"Request-Timeout: -1",
    "an id with a line end in escapes": b"X-Request-Id: a%0d%0aX: b",
    "an id of 5,000 letters": b"X-Request-Id: " + b"x" * 5000,
    "a trace of nonsense": b"Traceparent: 00-" + b"z" * 60 + b"\r\nTracestate: " + b"a=b," * 2000,
    "cookies without end": b"Cookie: " + b"a=b;" * 7000,
    "a forwarded chain": b"X-Forwarded-For: " + b"1.2.3.4, " * 3000,
    "a forwarded puzzle": b'Forwarded: for="[::1]:x";' + b"by=;" * 3000,
    "a range of ranges": b"Range: bytes=" + b"0-0," * 6000,
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_hostile_header_is_the_clients_fault_and_costs_little(orders, bearer, header):
    signed = b"" if header.startswith("a token") else bearer
    request = b"GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + signed + HEADERS[header] + b"\r\n\r\n"
    with spending(orders):
        (reply,) = orders.ask(request)
    assert reply.status in {200, 400, 401, 406, 422, 504}, reply
    assert b"\r" not in (reply.header("x-request-id") or "").encode()
    assert len(reply.header("x-request-id") or "") <= 64


def frame(opcode: int, data: bytes = b"", *, last: bool = True) -> bytes:
    """Return a frame as a client sends it, masked with nothing."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = bytes([0xFE]) + struct.pack(">H", size)
    else:
        length = bytes([0xFF]) + struct.pack(">Q", size)
    return bytes([opcode | 0x80 * last]) + length + bytes(4) + data


BIG = b'{"text":"' + b"x" * 2 * MIB + b'"}'
FLOODS = {
    "a message of two megabytes": (frame(1, BIG), 1009),
    "a message of 8 exabytes announced": (b"\x81\xff" + b"\x7f" + b"\xff" * 7 + bytes(4) + b"x" * 100_000, None),
    "a length above 63 bits": (b"\x81\xff" + b"\xff" * 8 + bytes(4) + b"x" * 100, 1002),
    "fragments of a kilobyte": (frame(1, b"x" * 1000, last=False) + frame(0, b"x" * 1000, last=False) * 2000, 1009),
    "fragments of nothing": (frame(1, b"", last=False) + frame(0, b"", last=False) * 100_000, 1009),
    "fragments of one byte": (frame(1, b" ", last=False) + frame(0, b" ", last=False) * 100_000, 1009),
    "a ping too long": (frame(9, b"x" * 126), 1002),
    "a ping in parts": (frame(9, b"x", last=False), 1002),
    "a frame without mask": (b"\x81\x05hello", 1002),
    "a frame of an unknown kind": (frame(3, b"x"), 1002),
    "reserved bits": (b"\xf1\x80" + bytes(4), 1002),
    "a part of nothing begun": (frame(0, b"x"), 1002),
    "two messages at once": (frame(1, b"x", last=False) + frame(1, b"y"), 1002),
    "a text that is no text": (frame(1, b"\xff\xfe"), 1007),
    "a farewell of one byte": (frame(8, b"x"), 1002),
    "a farewell with a secret code": (frame(8, struct.pack(">H", 1005)), 1002),
    "a farewell that is no text": (frame(8, struct.pack(">H", 1000) + b"\xff"), 1007),
    "random bytes": (bytes(range(256)) * 40, None),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_hostile_websocket_is_closed_with_its_code_and_costs_little(served, flood):
    data, code = FLOODS[flood]
    with spending(served, seconds=0.4), served.connect() as client:
        client.send(HANDSHAKE)
        client.until(b"\r\n\r\n")
        client.send(data)
        if code is None:
            client.half_close()
        raw = client.rest()
    if code is not None:
        assert struct.pack(">H", code) in raw[-127:], raw[-200:]


def test_a_flood_of_pings_is_answered_and_holds_no_memory(served):
    with spending(served, seconds=2.5), served.connect(receive_buffer=4096) as client:
        client.send(HANDSHAKE)
        client.until(b"\r\n\r\n")
        client.socket.settimeout(0.5)
        pings = frame(9, b"x" * 100) * 1000
        sent = 0
        try:
            while sent < 64 * MIB:
                client.socket.sendall(pings)
                sent += len(pings)
        except TimeoutError:
            pass
    assert sent < 32 * MIB  # it does not read the pongs, so nobody reads its pings


async def test_a_grpc_message_of_64_megabytes_is_refused(orders):
    host, port = orders.address("grpc")
    metadata = [("authorization", f"Bearer {orders.token()}")]
    async with grpc.aio.insecure_channel(f"{host}:{port}") as channel:
        call = channel.unary_unary("/orders.v1.Orders/PlaceOrder")
        with pytest.raises(grpc.aio.AioRpcError):
            await call(b"\xff", metadata=metadata)
        with spending(orders, seconds=0.5), pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"\n" + bytes(64 * MIB), metadata=metadata)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for garbage in (b"\x00", b"\x07", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b" * 100_000, b"\x0a\x02\xff\xfe\x10\x01"):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await asyncio.wait_for(call(garbage, metadata=metadata), 5)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert orders.complaints() == []
