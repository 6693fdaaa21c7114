"""Entity tags of replies that were compressed."""

import re

_CODING = re.compile(r"%(?:gzip|zstd)(?=\"|$)")


def with_coding(tag: bytes, coding: str) -> bytes:
    """Return the tag of what *tag* names, in *coding*; a weak one names both.

    No version looks like that, for a ``%`` in one is always written ``%25``.

    Example:
        >>> with_coding(b'"3"', "gzip"), with_coding(b'W/"3"', "gzip")
        (b'"3%gzip"', b'W/"3"')
    """
    if tag.startswith(b"W/") or not tag.endswith(b'"'):
        return tag
    return tag[:-1] + b"%" + coding.encode() + b'"'


def without_coding(tags: str) -> str:
    """Return *tags*, one or a header full of them, as they are without a coding.

    Example:
        >>> without_coding('"3%gzip", "4"')
        '"3", "4"'
    """
    return _CODING.sub("", tags) if "%" in tags else tags
