"""What travels beside the messages of gRPC: texts, and bytes under names that end in ``-bin``."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping

from hardy.core import InvalidArgument, Metadata

REQUEST_ID = "x-request-id"
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
        InvalidArgument: A value under a name that ends in ``-bin`` is not base64.
    """
    pairs = metadata.pairs() if isinstance(metadata, Metadata) else tuple(metadata.items())
    return tuple((name.lower(), _value(name.lower(), value)) for name, value in pairs)


def _value(name: str, value: str) -> str | bytes:
    if not name.endswith("-bin"):
        return value
    try:
        return b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (NotBase64, ValueError):
        raise InvalidArgument(f"the metadata {name} is not base64") from None
