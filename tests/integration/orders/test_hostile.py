"""Callers of streams who are slow, silent or gone: nobody else notices, and nothing of them is left."""

import base64
import json
import os
import socket
import struct
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TEA = b'{"sku": "tea", "quantity": 1}'


def place(served) -> str:
    """Place an order over REST, sooner than a call gives up waiting to write, and return its id."""
    reply = ask(served, "POST", "/orders", TEA)
    assert reply.pop("status_code") == 201
    return reply["id"]


def ask(served, method: str, path: str, body: bytes | None = None) -> dict:
    with closing(HTTPConnection(served.http.removeprefix("http://"), timeout=4)) as connection:
        connection.request(method, path, body, {**served.headers, "content-type": "application/json"})
        reply = connection.getresponse()
        return {**json.loads(reply.read()), "status_code": reply.status}


@pytest.fixture
def follow(served):
    """Open a WebSocket to ``track`` as a program without a browser does."""
    url = served.http.replace("http", "ws", 1) + "/orders/track"
    return lambda: connect(url, additional_headers=served.headers, proxy=None)


@contextmanager
def line_to(served):
    """A bare connection to the server."""
    host, _, port = served.http.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        yield line


def upgrade(line: socket.socket, served) -> None:
    """Shake hands by hand: what is sent and read from now on is up to the test."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = {"host": "test", "upgrade": "websocket", "connection": "upgrade", "sec-websocket-version": "13"}
    lines = [f"{name}: {value}" for name, value in {**head, "sec-websocket-key": key, **served.headers}.items()]
    line.sendall("\r\n".join(["GET /orders/track HTTP/1.1", *lines, "", ""]).encode())
    assert line.recv(4096).startswith(b"HTTP/1.1 101 ")


def frame(text: bytes) -> bytes:
    """A text frame, masked with zeros."""
    assert len(text) < 126
    return struct.pack("!BB4x", 0x81, 0x80 | len(text)) + text


def until(condition) -> None:
    """Wait for something that the server does by itself."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_orders_are_followed_over_a_websocket(served, follow):
    first, second = place(served), place(served)

    with follow() as socket_:
        socket_.send(json.dumps({"order_id": first}))
        told = [json.loads(socket_.recv(5))]
        assert ask(served, "POST", f"/orders/{first}/ship")["status"] == "shipped"
        told.append(json.loads(socket_.recv(5)))
        ask(served, "POST", f"/orders/{second}/cancel")  # nobody follows it yet
        socket_.send(json.dumps({"order_id": second}))
        told.append(json.loads(socket_.recv(5)))
        socket_.send("")
        with pytest.raises(ConnectionClosed):
            socket_.recv(5)

    assert [(each["order_id"], each["status"], each["version"]) for each in told] == [
        (first, "placed", 1),
        (first, "shipped", 2),
        (second, "cancelled", 2),
    ]
    assert socket_.close_code == 1000


@pytest.mark.parametrize(
    ("sent", "code", "status"),
    [
        ('{"order_id": "00000000-0000-4000-8000-000000000000"}', "NOT_FOUND", 404),
        ('{"order_id": "nonsense"}', "INVALID_ARGUMENT", 422),
        ("{", "INVALID_ARGUMENT", 400),
    ],
    ids=["unknown order", "no id", "no json"],
)
def test_what_is_wrong_is_the_last_thing_told(served, follow, sent, code, status):
    with follow() as socket_:
        socket_.send(sent)
        problem = json.loads(socket_.recv(5))["error"]
        with pytest.raises(ConnectionClosed):
            socket_.recv(5)

    assert (problem["code"], problem["status"], socket_.close_code) == (code, status, 1011)


def test_who_follows_and_reads_nothing_holds_up_only_himself(served):
    order = place(served)
    with line_to(served) as line:
        upgrade(line, served)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(0.5)
        asked = frame(json.dumps({"order_id": order}).encode()) * 500
        with pytest.raises(TimeoutError):  # the server reads no further than it can answer
            for _ in range(2000):
                line.sendall(asked)
        place(served)
        assert len(served.assembly.in_flight.calls()) == 1
    until(lambda: not served.assembly.in_flight.calls())


def test_who_vanishes_without_a_word_leaves_nothing(served):
    with line_to(served) as line:
        upgrade(line, served)
        line.sendall(frame(json.dumps({"order_id": place(served)}).encode()))
        until(lambda: line.recv(1000))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a farewell
    until(lambda: not served.assembly.in_flight.calls())


@pytest.fixture
def stayer():
    """Somebody who neither leaves nor answers when the server closes; the fixture is made before the server."""
    lines: list[socket.socket] = []
    yield lines
    for line in lines:
        line.close()


def test_who_never_closes_does_not_keep_the_server_from_leaving(stayer, served):
    host, _, port = served.http.removeprefix("http://").rpartition(":")
    for _ in range(3):
        stayer.append(socket.create_connection((host, int(port)), timeout=5))
        upgrade(stayer[-1], served)
    until(lambda: len(served.assembly.in_flight.calls()) == 3)
    # The server is taken down by its fixture, which fails when that takes ten seconds.


def test_an_import_that_stalls_keeps_nobody_from_writing(served):
    head = [f"{name}: {value}" for name, value in served.headers.items()]
    head += ["host: test", "content-type: application/x-ndjson", "transfer-encoding: chunked"]
    with line_to(served) as line:
        line.sendall("\r\n".join(["POST /orders/import HTTP/1.1", *head, "", ""]).encode())
        item = TEA + b"\n"
        line.sendall(b"%x\r\n%s\r\n" % (len(item), item))
        until(lambda: served.assembly.in_flight.calls())

        for _ in range(3):
            place(served)

        line.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(item), item))
        assert b'{"count":2}' in line.recv(4096)


def test_an_import_without_end_is_refused(served):
    head = [f"{name}: {value}" for name, value in served.headers.items()]
    head += ["host: test", "content-type: application/x-ndjson", "transfer-encoding: chunked"]
    with line_to(served) as line:
        line.sendall("\r\n".join(["POST /orders/import HTTP/1.1", *head, "", ""]).encode())
        items = (TEA + b"\n") * 1001
        for _ in range(10):
            line.sendall(b"%x\r\n%s\r\n" % (len(items), items))
        answer = line.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"most":10000' in answer
    assert ask(served, "GET", "/orders")["items"] == []
