"""Compressed bodies of requests: undone piece by piece, and never further than the limits."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from hardy.core import Malformed
from hardy.server import ClientGone, Request, RequestFault
from hardy.transport.http._coding import Decoder, decoder
from hardy.transport.http._status import TooLarge, from_engine

_STEP = 64 * 1024
_FREE = 64 * 1024
"""Decoded bytes to which the ratio does not apply: a small body may be as regular as it likes."""
_PARTS = 100
"""Compressed streams that one body may consist of; each costs the reader something of its own."""
_TURN = 1024 * 1024


async def inflate(pieces: AsyncIterator[bytes], coding: str, *, limit: int, ratio: int) -> AsyncGenerator[bytes]:
    """Yield what *pieces* are in *coding*.

    At most 64 KiB are here at a time, and nothing is decoded beyond the limit,
    so that a bomb costs no more than the body it is allowed to become.

    Args:
        limit: Bytes of all that is yielded.
        ratio: How many times as much that may be as came, beyond its first 64 KiB.

    Raises:
        TooLarge: It is more.
        Malformed: The body is no such coding, or breaks off.
    """
    current: Decoder = decoder(coding)
    parts, came, total, turn = 1, 0, 0, _TURN
    try:
        async for piece in pieces:
            came += len(piece)
            data = piece
            while data or not current.eof:
                if current.eof:
                    parts += 1
                    current = _next(coding, parts)
                out = _decode(current, data, coding)
                data = current.unused_data if current.eof else b""
                total += len(out)
                _check(total, came, limit, ratio)
                if out:
                    yield out
                elif not data:
                    break
                if total >= turn:
                    turn += _TURN
                    await asyncio.sleep(0)  # others want to get on
    except (RequestFault, ClientGone) as fault:
        raise from_engine(fault) from None
    if came and not current.eof:
        raise Malformed(f"the body breaks off before the end of its {coding}")


def _next(coding: str, parts: int) -> Decoder:
    if parts > _PARTS:
        raise TooLarge(f"the body consists of more than {_PARTS} compressed parts")
    return decoder(coding)


def _decode(current: Decoder, data: bytes, coding: str) -> bytes:
    try:
        return current.decode(data, _STEP)
    except Exception:  # zlib.error, ZstdError: each coding has an error of its own
        raise Malformed(f"the body is not {coding}") from None


def _check(total: int, came: int, limit: int, ratio: int) -> None:
    if total > limit:
        raise TooLarge(f"the body is larger than {limit} bytes when it is decompressed")
    if total > _FREE and total > came * ratio:
        raise TooLarge(f"the body is more than {ratio} times as large when it is decompressed")


async def read_inflated(request: Request, coding: str, ratio: int) -> bytes:
    """Return the whole body of *request*, whose ``Content-Encoding`` is *coding*, decompressed.

    Raises:
        TooLarge: It is longer than the request's ``max_body``, or grows too much.
        Malformed: It is no such coding.
    """
    whole = bytearray()
    async for piece in inflate(request.chunks(), coding, limit=request.max_body, ratio=ratio):
        whole += piece
    return bytes(whole)
