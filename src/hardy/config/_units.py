"""Durations, sizes and URLs: plain numbers and text in Python, readable units where an operator writes them."""

import math
import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from hardy.config._secret import MASK


class Unit:
    """Marks, inside ``Annotated``, how the text of a setting is read."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


DURATION = Unit("duration")
SIZE = Unit("size")
URL = Unit("url")

Duration = Annotated[float, DURATION]
"""Seconds as ``float``; written ``30s``, ``5m``, ``1h30m``, ``250ms``, or plain seconds."""

Size = Annotated[int, SIZE]
"""Bytes as ``int``; written ``64KB`` (1000), ``1MiB`` (1024 x 1024), or plain bytes."""

Url = Annotated[str, URL]
"""A URL with scheme and host as ``str``; a password in it is shown as ``***``."""

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_BYTES.update({"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40})

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})\s*(ms|[dhms])\s*")
_DURATION = re.compile(rf"(?:{_NUMBER}\s*(?:ms|[dhms])\s*)+")
_SIZE = re.compile(rf"({_NUMBER})\s*([kmgt]?i?b|)", re.IGNORECASE)


def parse_duration(text: str) -> float:
    """Return the seconds of ``1h30m``, ``250ms`` or ``30``.

    Raises:
        ValueError: It is no duration.

    Example:
        >>> parse_duration("1h30m")
        5400.0
    """
    text = text.strip()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def format_duration(seconds: float) -> str:
    """Return the shortest exact text of *seconds*.

    Example:
        >>> format_duration(5400.0), format_duration(0.25), format_duration(0)
        ('1h30m', '250ms', '0s')
    """
    milliseconds = round(seconds * 1000)
    if milliseconds != seconds * 1000:
        return f"{seconds!r}s"
    parts: list[str] = []
    for unit, length in _SECONDS.items():
        count, milliseconds = divmod(milliseconds, round(length * 1000))
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Return the bytes of ``1MiB``, ``64KB`` or ``4096``.

    Raises:
        ValueError: It is no size, or not a whole number of bytes.

    Example:
        >>> parse_size("1.5KiB")
        1536
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in _BYTES:
        raise ValueError(text)
    size = float(match[1]) * _BYTES[match[2].lower()]
    if not size.is_integer():
        raise ValueError(text)
    return int(match[1]) * _BYTES[match[2].lower()] if match[1].isdigit() else int(size)


def format_size(size: int) -> str:
    """Return *size* in the largest unit that keeps it whole.

    Example:
        >>> format_size(1048576), format_size(64000), format_size(5)
        ('1MiB', '64KB', '5B')
    """
    for unit in ("TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "KB"):
        if size and size % _BYTES[unit.lower()] == 0:
            return f"{size // _BYTES[unit.lower()]}{unit}"
    return f"{size}B"


def parse_url(text: str) -> str:
    """Return *text* when it is a URL.

    Raises:
        ValueError: It has no scheme, neither host nor path, an impossible port, or blanks.
    """
    parts = urlsplit(text)
    if not parts.scheme or not (parts.netloc or parts.path) or "://" not in text or re.search(r"\s", text):
        raise ValueError(text)
    if parts.netloc and not parts.hostname and not parts.path:
        raise ValueError(text)
    _ = parts.port  # raises when it is no port
    return text


def redact_url(text: str) -> str:
    """Return *text* with the password, if it carries one, as ``***``.

    Example:
        >>> redact_url("postgresql://orders:hunter2@db/orders")
        'postgresql://orders:***@db/orders'
    """
    parts: SplitResult = urlsplit(text)
    if parts.password is None:
        return text
    account, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{account.partition(':')[0]}:{MASK}@{host}").geturl()
