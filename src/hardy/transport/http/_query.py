"""Text on a request taken apart: query strings, cookies, entity tags."""

import re
from urllib.parse import unquote, unquote_to_bytes

from hardy.core import Fault, InvalidMessage, Malformed
from hardy.transport.http._tags import without_coding

_MOST = 1000
_TAG = re.compile(r'\s*(W/)?(?:"([^"]*)"?\s*(?:,|\Z)?|([^,]*)(?:,|\Z))')


def parse_query(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query string, decoded, in order.

    Raises:
        Malformed: They are no UTF-8, or more than a thousand.

    Example:
        >>> parse_query("sku=tea&sku=caf%C3%A9&q=a+b")
        [('sku', 'tea'), ('sku', 'café'), ('q', 'a b')]
    """
    parts = query.split("&")
    if len(parts) > _MOST:
        raise Malformed(f"the query has more than {_MOST} parameters")
    found: list[tuple[str, str]] = []
    for part in parts:
        if part:
            name, _, value = part.partition("=")
            found.append((_decode(name), _decode(value)))
    return found


def _decode(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Malformed("the query is not UTF-8") from None


def parse_cookies(value: bytes) -> dict[str, str]:
    """Return the cookies of a ``Cookie`` header; of a name given twice, the first (RFC 6265 section 5.4).

    Example:
        >>> parse_cookies(b"theme=dark; lang=en")
        {'theme': 'dark', 'lang': 'en'}
    """
    found: dict[str, str] = {}
    for part in value.decode("latin-1").split(";"):
        name, equals, text = part.partition("=")
        if equals:
            text = text.strip()
            quoted = len(text) > 1 and text[0] == text[-1] == '"'
            found.setdefault(name.strip(), text[1:-1] if quoted else text)
    return found


def parse_tags(value: str) -> list[str]:
    """Return the entity tags of ``If-Match`` or ``If-None-Match``, weak ones with ``W/`` (RFC 9110 section 8.8.3).

    Example:
        >>> parse_tags('"3", W/"4"')
        ['"3"', 'W/"4"']
    """
    tags: list[str] = []
    for found in _TAG.finditer(value.strip()):
        weak, quoted, plain = found.groups()
        if quoted is not None:
            tags.append(f'{weak or ""}"{quoted}"')
        elif weak or plain.strip():  # unquoted, as people type it into curl
            tags.append(f'{weak or ""}"{plain.strip()}"')
    return tags


def version_of(if_match: str, pointer: str) -> str | None:
    """Return what one strong entity tag says; ``None`` for ``*``, which is any version.

    Raises:
        InvalidMessage: It is a weak tag, or more than one.
    """
    if if_match.strip() == "*":
        return None
    tags = parse_tags(if_match)
    if len(tags) != 1 or tags[0].startswith("W/"):
        raise InvalidMessage([Fault(pointer, "must be one strong entity tag (header if-match)")])
    return unquote(without_coding(tags[0])[1:-1])
