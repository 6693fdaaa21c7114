"""The corpus against real services: one request in, one reply out, and any doubt is the end of the connection.

And against the engine alone, cut at every byte: where the network cuts a
request is not for the client to choose.
"""

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from hardy.server import Request, Response, Server

CORPUS = Path(__file__).parents[1] / "server/corpus"
GOOD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
MOST_CUTS = 60
WORDS = {
    "G": "GET / HTTP/1.1\r\n",
    "H": "Host: a\r\n",
    "P": "POST / HTTP/1.1\r\nHost: a\r\n",
    "C": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "N": "\r\n",
}


def spelled_out(text: str) -> bytes:
    """Return what a line of the corpus sends."""
    text = re.sub(r"\{([GHPCN])\}", lambda found: WORDS[found[1]], text)
    return re.sub(r"\{([^{}]+)\*(\d+)\}", lambda found: found[1] * int(found[2]), text).encode("latin-1")


CASES = {
    (kind, name): case
    for file in sorted(CORPUS.glob("*.toml"))
    for kind, cases in tomllib.loads(file.read_text()).items()
    for name, case in cases.items()
}
refused = [
    pytest.param(spelled_out(case["send"]), case.get("status", 400), id=name)
    for (kind, name), case in CASES.items()
    if kind in {"refuse", "other"}
]
accepted = [
    pytest.param(spelled_out(case["send"]), case.get("body"), id=name)
    for (kind, name), case in CASES.items()
    if kind == "accept"
]


everything = [pytest.param(spelled_out(case["send"]), kind, id=name) for (kind, name), case in CASES.items()]


def test_the_corpus_is_as_large_as_promised():
    assert len(CASES) >= 300
    assert all(re.match(r"\d{4} \d", case["rfc"]) for case in CASES.values())


@pytest.fixture(params=["orders", "served"])
def service(request, unharmed):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(("data", "status"), refused)
def test_doubt_is_refused_alone_and_behind_a_good_request(service, data, status):
    (alone,) = service.ask(data + SMUGGLED)
    _, behind = service.ask(GOOD + data + SMUGGLED)

    assert (alone.status, alone.header("connection")) == (status, "close")
    assert (behind.status, behind.header("connection")) == (status, "close")
    assert alone.header("content-type") == "application/problem+json"


@pytest.mark.parametrize(("data", "body"), accepted)
def test_what_is_sound_gets_one_reply_and_so_does_what_follows(service, data, body):
    method = data.lstrip().split(b" ")[0].decode()

    first, second = service.ask(data + LAST, method, "GET")
    good, third, fourth = service.ask(GOOD + data + LAST, "GET", method, "GET")

    assert first.status < 500
    assert (third.status, fourth.status, good.status) == (first.status, second.status, second.status)
    assert second.header("connection") == "close"
    if service.started["service"] == "served":
        assert second.status == 200
        assert body is None or (first.status, first.body) == (200, body.encode("latin-1"))


# -- the same, cut anywhere


class Wire(asyncio.Transport):
    """A transport whose bytes arrive exactly as cut, which no socket promises."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.ended = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def writelines(self, list_of_data) -> None:
        self.sent += b"".join(list_of_data)

    def write_eof(self) -> None:
        self.ended = True

    close = abort = write_eof

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.ended

    def set_write_buffer_limits(self, high=None, low=None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def echo(request: Request) -> Response:
    return Response(200, (), request.target[:100].encode() + b" " + await request.read())


async def outcome(server: Server, pieces: list[bytes]) -> tuple[list[bytes], bytes, bool]:
    """Return the statuses that *pieces* are answered with, the bodies of what was served, and whether it ended."""
    wire = Wire()
    connection = server.connection()
    connection.connection_made(wire)
    for piece in pieces:
        if piece and not wire.ended:
            connection.data_received(piece)
            for _ in range(3):
                await asyncio.sleep(0)
    ended = wire.ended
    connection.connection_lost(None)
    for _ in range(2):
        await asyncio.sleep(0)
    raw = bytes(wire.sent).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    served = b"".join(re.findall(rb"HTTP/1.1 200 OK\r\n.*?\r\n\r\n(.*?)(?=HTTP/1.1 |\Z)", raw, re.DOTALL))
    return re.findall(rb"HTTP/1.1 (\d\d\d) ", raw), served, ended


@pytest.mark.parametrize(("data", "kind"), everything)
async def test_every_cut_reads_like_the_whole(data, kind):
    errors: list[BaseException] = []
    async with Server(echo, on_error=lambda error, _: errors.append(error)) as server:
        whole = await outcome(server, [data + GOOD])
        behind = await outcome(server, [GOOD + data + GOOD])
        step = max(1, len(data) // MOST_CUTS)
        for at in range(1, len(data), step):
            assert await outcome(server, [data[:at], data[at:] + GOOD]) == whole, (data[:at], data[at:])
            assert await outcome(server, [GOOD + data[:at], data[at:] + GOOD]) == behind, (data[:at], data[at:])
        if len(data) < 1000:
            assert await outcome(server, [bytes([each]) for each in data + GOOD]) == whole

    assert errors == []
    assert whole[2] is (kind != "accept")
