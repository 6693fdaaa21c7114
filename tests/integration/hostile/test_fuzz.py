"""Bytes that nobody thought of: whatever comes, the answer is the client's fault or none, and comes soon."""

import asyncio
import base64
import contextlib
import json
import os
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Annotated
from uuid import UUID

import grpc
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hardy.core import Error, InvalidMessage, Malformed
from hardy.schema import Ge, Le, MaxLen, MinLen, codec
from hardy.transport.http._accept import check_accept, choose_stream, quality
from hardy.transport.http._call import _seconds, request_id
from hardy.transport.http._path import decode
from hardy.transport.http._query import parse_cookies, parse_query, parse_tags, version_of
from orders.domain import Order, OrderEvent
from orders.usecases import Page, PlaceOrder, TrackOrder

MANY = int(os.environ.get("FUZZ", "1"))
"""How many times as many examples; `make test-all` takes its time."""

pytestmark = pytest.mark.timeout(60 * MANY)


def fuzzed(examples: int):
    """Run so many examples, the same each time."""
    return settings(
        max_examples=examples * MANY,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# -- requests over the wire

TOKENS = st.sampled_from(
    [
        b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b" ", b"/", b"*", b"?", b"%00", b"%", b"HTTP/1.1", b"HTTP/1.0",
        b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"Host: a", b"Host:", b":", b"Content-Length: 5", b"Content-Length: ",
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: ", b"chunked", b"0", b"5", b"hello", b"0\r\n\r\n", b";",
        b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c",
        b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", b"Expect: 100-continue", b"\x00",
        b"Accept: */*", b"Accept: ,;q=", b"If-Match: ", b'"', b"W/", b"Range: bytes=0-", b"Request-Timeout: 1", b"\xff",
        b"/both", b"/flood", b"/big", b"/swallow", b"/openapi.json", b"/docs", b"http://a", b"Content-Type: text/plain",
        b"Content-Type: application/x-ndjson", b"Content-Encoding: gzip", b"Cookie: a=b", b"Authorization: Bearer x",
        b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=x", b"Origin: null", b"Traceparent: 00-0-0-0",
    ]
)  # fmt: skip
HEADS = st.lists(TOKENS | st.binary(max_size=6), max_size=24).map(b"".join)
LINES = st.lists(TOKENS | st.binary(max_size=6), max_size=3).map(b"".join)
ALMOST = st.tuples(
    st.sampled_from([b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"GET /both HTTP/1.1", b"POST /swallow HTTP/1.0"]),
    st.lists(LINES, max_size=6),
    HEADS,
).map(lambda parts: b"\r\n".join((parts[0], b"Host: a", *parts[1], b"", parts[2])))
REQUESTS = st.lists(HEADS | ALMOST, min_size=1, max_size=3).map(b"".join)


@fuzzed(150)
@given(data=REQUESTS, at=st.integers(0, 200))
@pytest.mark.parametrize("name", ["served", "orders"])
def test_any_bytes_are_answered_soon_and_never_with_a_5xx(name, unharmed, request, data, at):
    service = request.getfixturevalue(name)
    with service.connect() as client:
        raw = client.send(data[:at]).send(data[at:]).half_close().rest()
    while raw:
        # What follows a 101 is no HTTP; a 499 is nobody's fault: these clients leave once they have asked.
        assert raw.startswith(b"HTTP/1.1 "), raw[:100]
        status, head = int(raw[9:12]), raw.partition(b"\r\n\r\n")[0]
        assert status < 500, (data, raw)
        length = next((int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: ")), None)
        if status == 101 or length is None:
            break
        raw = raw[len(head) + 4 :]
        if not raw.startswith(b"HTTP/1.1 "):
            raw = raw[length:]


MESSAGES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "sku": MESSAGES,
        "quantity": MESSAGES | st.integers(-(2**70), 2**70),
        "items": MESSAGES,
        "order_id": MESSAGES,
    },
).map(lambda value: json.dumps(value).encode())


@fuzzed(150)
@given(
    body=ORDERS | st.binary(max_size=40) | MESSAGES.map(lambda value: json.dumps(value).encode()),
    query=st.text(string.printable.replace(" ", "").strip() + "%&=+", max_size=40).map(
        lambda text: text.replace("#", "")
    ),
    segment=st.text("abcdef0123456789-%./;\\", min_size=1, max_size=40),
    header=st.sampled_from(
        [b"If-Match", b"If-None-Match", b"Accept", b"Forwarded", b"Request-Timeout", b"Content-Type"]
    ),
    value=st.text('aAzZ019"*/,;=.:W()- \t', max_size=40).map(str.encode),
)
def test_any_message_query_path_and_header_is_answered_by_orders(orders, unharmed, body, query, segment, header, value):
    head = b" HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + orders.token("orders:read").encode() + b"\r\n"
    given = head + header + b": " + value + b"\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    calls = (
        b"POST /orders" + given + length + b"\r\n" + body,
        b"GET /orders?" + query.encode() + given + b"\r\n",
        b"GET /orders/" + segment.encode() + given + b"\r\n",
        b"POST /orders/" + segment.encode() + b"/cancel?" + query.encode() + given + length + b"\r\n" + body,
        b"POST /orders/import" + given + length + b"\r\n" + body,
        b"GET /orders?limit=1&cursor=" + segment.encode() + head + b"Connection: close\r\n\r\n",
    )
    with orders.connect() as client:
        raw = client.send(b"".join(calls)).rest()
    statuses = [int(part[:3]) for part in raw.split(b"HTTP/1.1 ")[1:]]
    allowed = {200, 201, 304, 400, 401, 404, 405, 406, 409, 412, 413, 415, 422, 428}
    if header == b"Request-Timeout":
        allowed.add(504)  # it asked for it
    assert set(statuses) <= allowed, (statuses, raw)
    assert len(statuses) == len(calls)


# -- WebSocket frames

FRAMES = st.lists(
    st.builds(
        lambda first, mask, length, payload: bytes([first, mask | length]) + payload,
        st.integers(0, 255),
        st.sampled_from([0x80, 0x80, 0x80, 0]),
        st.sampled_from([0, 1, 5, 125, 126, 127]),
        st.binary(max_size=40),
    )
    | st.sampled_from([b"\x81\x80\0\0\0\0", b"\x01\x81\0\0\0\0x", b"\x89\x80\0\0\0\0", b"\x88\x80\0\0\0\0"])
    | st.text(max_size=8).map(
        lambda text: (lambda raw: bytes([0x81, 0x80 | len(raw)]) + bytes(4) + raw)(text.encode())
    ),
    max_size=8,
).map(b"".join)
HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)) + b"\r\n\r\n"
)


@fuzzed(200)
@given(data=FRAMES, together=st.booleans(), path=st.sampled_from([b"/both", b"/pour"]))
def test_any_frames_end_a_websocket_and_nothing_else(served, unharmed, data, together, path):
    with served.connect() as client:
        client.send(HANDSHAKE % path + (data if together else b""))
        if not together:
            client.until(b"\r\n\r\n")
            client.send(data)
        client.half_close()
        client.rest()


# -- what reads text, by itself


@fuzzed(200)
@given(text=st.text(max_size=60) | st.text('W/",* ;q=.0123456789%&=+-', max_size=60))
def test_readers_of_text_answer_or_refuse(text):
    raw = text.encode(errors="replace")
    for read in (parse_query, parse_tags, decode, lambda each: version_of(each, "/version")):
        with contextlib.suppress(Malformed, InvalidMessage):
            read(text)
    parse_cookies(raw)
    assert 0.0 <= quality(text, "application/json") <= 1.0
    for read in (check_accept, choose_stream):
        with contextlib.suppress(Error):
            read(raw)
    assert (wait := _seconds(raw)) is None or 0 <= wait <= 86_400
    assert (identity := request_id(raw)) is None or identity.isascii()


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """A message with one of each."""

    text: Annotated[str, MinLen(1), MaxLen(8)] = "x"
    count: Annotated[int, Ge(0), Le(10)] = 0
    share: float = 0.0
    flag: bool = False
    raw: bytes = b""
    when: datetime | None = None
    took: timedelta | None = None
    price: Decimal | None = None
    id: UUID | None = None
    many: list[int] | None = None
    named: dict[str, float] | None = None


CODECS = {
    name: codec(kind)
    for name, kind in {
        "PlaceOrder": PlaceOrder,
        "TrackOrder": TrackOrder,
        "Order": Order,
        "OrderEvent": OrderEvent,
        "Page": Page[Order],
        "Everything": Everything,
    }.items()
}
NAMES = st.sampled_from(
    [
        "sku",
        "quantity",
        "id",
        "items",
        "next",
        "text",
        "count",
        "share",
        "flag",
        "raw",
        "when",
        "took",
        "price",
        "many",
        "named",
    ]
)
VALUES = MESSAGES | st.sampled_from(
    ["1e400", "NaN", "P1D", "P999999999D", "-P1DT1H", "2026-01-01T00:00:00Z", "1" * 400, "=="]
)


@fuzzed(150)
@given(
    data=st.dictionaries(NAMES, VALUES, max_size=8).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60)
    | st.text('{}[]":,0123456789eE+-.\\untrfalsd ', max_size=60).map(str.encode)
)
@pytest.mark.parametrize("name", CODECS)
def test_json_is_read_or_refused_with_its_faults(name, data):
    try:
        value = CODECS[name].decode(data)
    except InvalidMessage as error:
        assert 1 <= len(error.faults) <= 100  # noqa: PT017  # most inputs are fine and raise nothing
    except Malformed:
        pass
    else:
        assert CODECS[name].decode(CODECS[name].encode(value)) == value


async def test_proto_bytes_are_read_or_refused(orders, unharmed):
    """The decoders behind the real door: bytes that are no message, or one that breaks the rules."""
    random = Random(9090)
    host, port = orders.address("grpc")
    metadata = [("authorization", f"Bearer {orders.token('orders:read')}")]
    seeds = [
        b"\x0a\x03tea\x10\x02",
        b"\x0a\x24" + b"0" * 36,
        b"\x10\x05",
        b"\x0a\x0b\x08\xff\xff\xff\xff\x0f\x10\xff\xff\xff\x0f",
        b"",
    ]
    async with grpc.aio.insecure_channel(f"{host}:{port}") as channel:
        for name in ("PlaceOrder", "ListOrders", "GetOrder", "CancelOrder", "NoSuchMethod"):
            call = channel.unary_unary(f"/orders.v1.Orders/{name}")
            for _ in range(60 * MANY):
                data = bytearray(random.choice(seeds) + random.randbytes(random.randrange(8)))
                for _ in range(random.randrange(4)):
                    if data:
                        data[random.randrange(len(data))] = random.randrange(256)
                code = grpc.StatusCode.OK
                try:
                    await asyncio.wait_for(call(bytes(data), metadata=metadata), 5)
                except grpc.aio.AioRpcError as error:
                    code = error.code()
                assert code.name in {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"}, (name, bytes(data), code)
