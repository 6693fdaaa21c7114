"""What must not be in a log: values under telling names, credentials inside free text."""

import re
from functools import lru_cache

REDACTED = "[redacted]"
"""Stands where a secret stood."""

_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|authori[sz]ation|cookie|credential|api_?key|private_?key|signing_?key|bearer"
    r"|(^|_)(pwd|pin|cvv|jwt|otp|ssn)(_|$)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TEXT = re.compile(
    r"""(?P<scheme>\b(?:bearer|basic|digest)\s+)[\w.~+/=-]{6,}"""
    r"""|(?P<user>://[^\s/@:]*:)[^\s@]+(?=@)"""
    r"""|(?P<name>\b[\w-]*(?:passw(?:or)?d|secret|token|api[_-]?key|cookie|authorization)["']?\s*[=:]\s*["']?)"""
    r"""(?!\s*(?:bearer|basic|digest)\b)[^\s"'&,;)}]+"""
    r"""|(?P<jwt>)\beyJ[\w-]+\.[\w-]+\.[\w-]*""",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Tell whether a field called *name* is likely to hold a secret.

    Example:
        >>> [is_secret_name(name) for name in ("accessToken", "X-Api-Key", "spin", "sku")]
        [True, True, False, False]
    """
    return _NAME.search(_CAMEL.sub("_", name).lower().replace("-", "_")) is not None


def scrub(text: str) -> str:
    """Return *text* without the credentials that can be told by their shape.

    Used on tracebacks and on lines of foreign libraries, where nothing is
    known but the text: ``password=...``, ``Bearer ...``, ``://user:...@``, JWTs.

    Example:
        >>> scrub("connect to postgres://app:hunter2@db/orders failed")
        'connect to postgres://app:[redacted]@db/orders failed'
    """
    return _TEXT.sub(_mask, text)


def _mask(found: "re.Match[str]") -> str:
    kept = found["scheme"] or found["user"] or found["name"] or ""
    return kept + REDACTED
