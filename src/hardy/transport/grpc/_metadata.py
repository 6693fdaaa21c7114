"""What travels beside the messages of gRPC: texts, and bytes under names that end in ``-bin``."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping

from hardy.core import InvalidArgument, Metadata

REQUEST_ID = "x-request-id"
_NAME = re.compile(r"[0-9a-z_.-]+\Z")
_TEXT = re.compile(r"[\x20-\x7e]*\Z")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
Pairs = tuple[tuple[str, str | bytes], ...]


def metadata_of(pairs: Iterable[tuple[str, str | bytes]]) -> Metadata:
    """Return *pairs* as hardy's metadata; bytes become base64, as they are on the wire."""
    return Metadata((name, value if isinstance(value, str) else b64encode(value).decode()) for name, value in pairs)


def request_id(pairs: Iterable[tuple[str, str | bytes]]) -> str | None:
    """Return the caller's own id for the call, when it is fit to stand in logs."""
    for name, value in pairs:
        if name == REQUEST_ID:
            return value if isinstance(value, str) and _ID.match(value) else None
    return None


def pairs_of(metadata: Mapping[str, str]) -> Pairs:
    """Return *metadata* as gRPC sends it: the opposite of `metadata_of`.

    Raises:
        InvalidArgument: A name or value is none that gRPC carries: texts are
            printable ASCII, a value under a name that ends in ``-bin`` is base64.
    """
    pairs = metadata.pairs() if isinstance(metadata, Metadata) else tuple(metadata.items())
    return tuple(_pair(name.lower(), value) for name, value in pairs)


def _pair(name: str, value: str) -> tuple[str, str | bytes]:
    if not _NAME.match(name):
        raise InvalidArgument(f"{name!r} is no name for metadata")
    if not name.endswith("-bin"):
        if not _TEXT.match(value):
            raise InvalidArgument(f"the metadata {name} is not printable ASCII; name it {name}-bin and send base64")
        return name, value
    try:
        return name, b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (NotBase64, ValueError):
        raise InvalidArgument(f"the metadata {name} is not base64") from None
