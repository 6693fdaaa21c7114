"""Path templates: ``/orders/{order_id}`` and ``/files/{rest:path}``."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from hardy.core import Malformed


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a path between slashes."""

    text: str
    """The literal, percent-decoded; of a field, its name."""
    is_field: bool = False
    is_tail: bool = False
    """Whether the field takes everything that is left, slashes included."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path template, taken apart."""

    template: str
    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, template: str) -> "Path":
        """Take *template* apart.

        Raises:
            ValueError: With what is wrong, in words that continue "the path ...".
        """
        if not template.startswith("/"):
            raise ValueError("does not begin with `/`")
        if any(sign in template for sign in "?#") or not template.isprintable() or " " in template:
            raise ValueError("contains `?`, `#` or a blank")
        segments = tuple(_segment(part) for part in template[1:].split("/"))
        _check(segments)
        return cls(template, segments)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(each.text for each in self.segments if each.is_field)

    @property
    def shape(self) -> str:
        """The template without the names: two routes of one shape answer the same paths."""
        words = ("{*}" if each.is_tail else "{}" if each.is_field else quote(each.text) for each in self.segments)
        return "/" + "/".join(words)

    @property
    def plain(self) -> str:
        """The template as OpenAPI writes it: ``/files/{rest}``."""
        words = ("{" + each.text + "}" if each.is_field else quote(each.text, safe=_SAFE) for each in self.segments)
        return "/" + "/".join(words)


_SAFE = "-._~!$&'()*+,;=:@"


def _segment(part: str) -> Segment:
    if not ("{" in part or "}" in part):
        return Segment(decode(part))
    if not (part.startswith("{") and part.endswith("}")):
        raise ValueError(f"mixes text and a field in `{part}`; a field takes a whole segment")
    name, colon, kind = part[1:-1].partition(":")
    if not name.isidentifier():
        raise ValueError(f"has a field without a proper name: `{part}`")
    if colon and kind != "path":
        raise ValueError(f"has a field of unknown kind: `{part}`; the use case says the type")
    return Segment(name, is_field=True, is_tail=bool(colon))


def _check(segments: tuple[Segment, ...]) -> None:
    if any(each.is_tail for each in segments[:-1]):
        raise ValueError("goes on after a `:path` field, which takes everything that is left")
    if any(each.text in {".", ".."} for each in segments if not each.is_field):
        raise ValueError("contains `.` or `..`")
    names = [each.text for each in segments if each.is_field]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"has the field `{{{name}}}` twice")


def decode(text: str) -> str:
    """Percent-decode one segment.

    Raises:
        Malformed: The bytes are no UTF-8.
    """
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Malformed("the path is not UTF-8") from None


def expander(template: str) -> Callable[[Callable[[str], object]], str]:
    """Return a function that fills *template* from a look-up by field name, percent-encoding each value."""
    parts: list[tuple[str, str]] = []
    rest = template
    while rest:
        text, _, after = rest.partition("{")
        name, _, rest = after.partition("}")
        parts.append((text, name.partition(":")[0]))

    def expand(look_up: Callable[[str], object]) -> str:
        return "".join(text + (quote(str(look_up(name)), safe="-._~") if name else "") for text, name in parts)

    return expand


def names_in(template: str) -> tuple[str, ...]:
    """Return the field names of a location template."""
    return tuple(piece.partition("}")[0].partition(":")[0] for piece in template.split("{")[1:])
