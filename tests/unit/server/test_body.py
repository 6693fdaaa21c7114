import asyncio

import pytest
from hypothesis import given, strategies as st

from hardy.server import BodyMalformed
from hardy.server._body import Chunked, Counted, Inbox


def read(framing, *pieces: bytes) -> tuple[bytes, bytes]:
    """Feed *pieces*; return the body and what follows it."""
    out = bytearray()
    rest = b""
    for piece in pieces:
        if framing.done:
            rest += piece
        else:
            rest += piece[framing.feed(piece, 0, out) :]
    return bytes(out), rest


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.data())
def test_chunks_read_the_same_however_they_are_cut(chunks, data):
    wire = b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nx: y\r\n\r\nrest"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    framing = Chunked()

    assert read(framing, *pieces) == (b"".join(chunks), b"rest")
    assert framing.done


@given(st.binary(max_size=100))
def test_any_bytes_are_chunks_or_malformed(data):
    framing = Chunked()
    try:
        body, rest = read(framing, data)
    except BodyMalformed:
        return
    assert len(body) + len(rest) <= len(data)


@pytest.mark.parametrize("size", [1, 5, 6, 100])
def test_a_counted_body_ends_where_it_says(size):
    framing = Counted(size)
    body, rest = read(framing, b"hello", b" world")

    assert (body, rest) == (b"hello world"[:size], b"hello world"[size:])
    assert (framing.done, framing.remaining) == (size <= 11, max(0, size - 11))


@pytest.mark.parametrize("start", [b"g", b"0x", b";", b"\r", b"5 5", b"-", b" "])
def test_a_chunk_size_that_cannot_become_right_is_refused_before_its_line_ends(start):
    with pytest.raises(BodyMalformed):
        read(Chunked(), start)


async def test_an_inbox_stops_its_sender_when_full_and_asks_for_more_when_empty():
    told: list[str] = []
    inbox = Inbox(Counted(100), 10, lambda: told.append("pause"), lambda: told.append("resume"))
    inbox.feed(bytes(10), 0)
    assert told == []
    inbox.feed(bytes(1), 0)

    assert len(await inbox.take()) == 11
    assert told == ["pause", "resume"]


async def test_a_reader_gets_what_arrived_before_the_fault():
    inbox = Inbox(Chunked(), 10, lambda: None, lambda: None)
    inbox.feed(b"1\r\na\r\nnonsense", 0)

    assert await inbox.take() == b"a"
    with pytest.raises(BodyMalformed):
        await inbox.take()


async def test_two_readers_of_one_body_are_refused():
    inbox = Inbox(Counted(1), 10, lambda: None, lambda: None)
    first = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError):
        await inbox.take()
    inbox.feed(b"a", 0)
    assert await first == b"a"
