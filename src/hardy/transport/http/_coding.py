"""Content codings (RFC 9110 section 8.4.1): which there are, and which one a client wants."""

import zlib
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Protocol

_LEVEL = 4
"""Of gzip: from 5 on a reply takes twice the time and is hardly smaller."""
_ZSTD_LEVEL = 3
_WINDOW = 23
"""8 MiB, the most that RFC 9659 lets a sender of zstd ask of its reader."""


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


_ZSTD_MODULE = next(filter(_is_there, ("compression.zstd", "backports.zstd")), None)
"""The standard library's from Python 3.14 on, else the extra ``zstd``; the same by two names."""
CODINGS = ("gzip", "deflate", *(("zstd",) if _ZSTD_MODULE else ()))
"""What is understood."""
_OFFERED = (*(("zstd",) if _ZSTD_MODULE else ()), "gzip")
"""What is sent, the one preferred first. No deflate: half of the clients take it for something else."""


@lru_cache(maxsize=1)
def _zstd() -> ModuleType:
    assert _ZSTD_MODULE is not None
    return import_module(_ZSTD_MODULE)


class Decoder(Protocol):
    """Undoes one coding, a bounded piece at a time."""

    @property
    def eof(self) -> bool:
        """Whether the data has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after that end."""
        ...

    def decode(self, data: bytes, most: int) -> bytes:
        """Take *data* and return *most* bytes at most; ``b""`` with no data when nothing is left.

        Raises:
            Exception: The data is no such coding; which one depends on the coding.
        """
        ...


class _Zlib:
    __slots__ = ("_inner",)

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decode(self, data: bytes, most: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, most)


class _Zstd:
    __slots__ = ("_inner",)

    def __init__(self) -> None:
        zstd = _zstd()
        self._inner = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW})

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decode(self, data: bytes, most: int) -> bytes:
        return bytes(self._inner.decompress(data, most))


def decoder(coding: str) -> Decoder:
    """Return what undoes *coding*, one of `CODINGS`."""
    if coding == "zstd":
        return _Zstd()
    return _Zlib(31 if coding == "gzip" else 15)


def compress(data: bytes, coding: str) -> bytes:
    """Return *data* in *coding*: the same bytes for the same data, so that its entity tag stays strong.

    Example:
        >>> len(compress(b"tea" * 1000, "gzip")) < 100
        True
    """
    if coding == "zstd":
        return bytes(_zstd().compress(data, _ZSTD_LEVEL))
    return zlib.compress(data, _LEVEL, 31)


@lru_cache(maxsize=256)
def wanted(accept_encoding: bytes) -> str | None:
    """Return the coding that a client wants a reply in; ``None`` for none (RFC 9110 section 12.5.3).

    Example:
        >>> wanted(b"gzip, deflate, br"), wanted(b"gzip;q=0, *;q=0"), wanted(b"gzip;q=0.5, identity")
        ('gzip', None, None)
    """
    weights: dict[str, float] = {}
    for part in accept_encoding.decode("latin-1").lower().split(","):
        name, _, parameter = part.partition(";")
        key, _, value = parameter.partition("=")
        weights[name.strip().removeprefix("x-")] = _number(value) if key.strip() == "q" else 1.0
    others = weights.get("*", 0.0)
    best, most = None, weights.get("identity", 0.0)
    for coding in _OFFERED:
        weight = weights.get(coding, others)
        if weight > most or (weight == most and weight and best is None and "identity" not in weights):
            best, most = coding, weight
    return best


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
