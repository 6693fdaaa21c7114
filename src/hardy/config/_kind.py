"""How values of one type are read from text or TOML, described to a person, and shown."""

import dataclasses
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Annotated

import msgspec


class BadValue(Exception):
    """What was written is no value of the kind.

    Args:
        label: What it is instead, in a few words; never the value of a secret.
        nearest: What was probably meant.
    """

    def __init__(self, label: str, nearest: str = "") -> None:
        super().__init__(label)
        self.label = label
        self.nearest = nearest


class Unreadable(Exception):
    """No text can become a value of this type; the argument is the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of setting."""

    name: str
    """As in the reference: ``int``, ``duration``, ``list of url``."""
    one: str
    """``a duration``."""
    many: str
    """``durations``."""
    bounds: str = ""
    """``from 1 to 200``."""
    like: str = ""
    """``30s, 5m or 1h30m``, where the form needs showing."""
    example: str
    """A text that `read` takes, as long as no constraint is added."""
    read: Callable[[object], object]
    """From text or TOML's builtins to the value. Raises `BadValue`."""
    show: Callable[[object], str] = str
    """From the value to what one would write; redacted."""
    secret: bool = False
    unit: str = "character"
    """What the length of a value counts."""

    @property
    def rule(self) -> str:
        """What completes "must be ...": ``a duration above 0s, like 30s, 5m or 1h30m``."""
        phrase = f"{self.one} {self.bounds}".rstrip()
        comma = "," if self.bounds else ""
        return f"{phrase}{comma} like {self.like}" if self.like else phrase

    @property
    def plural(self) -> str:
        """The rule for many: ``whole numbers from 1 to 200``."""
        return f"{self.many} {self.bounds}".rstrip()


def constrained(kind: Kind, base: object, metas: Sequence[msgspec.Meta]) -> Kind:
    """Return *kind* with the constraints of *metas*, checked by msgspec on values of *base*."""
    for meta in metas:
        kind = _constrained(kind, base, meta)
    return kind


def _constrained(kind: Kind, base: object, meta: msgspec.Meta) -> Kind:
    bounds = _bounds(meta, kind)
    if not bounds:
        return kind
    checked = _annotated(base, meta)

    def read(raw: object) -> object:
        value = kind.read(raw)
        try:
            msgspec.convert(value, checked)
        except msgspec.ValidationError:
            raise BadValue(_complaint(value, meta, kind)) from None
        return value

    return dataclasses.replace(
        kind,
        bounds=f"{kind.bounds} {bounds}".strip(),
        example=_example(kind, meta),
        read=read,
    )


def _annotated(base: object, meta: msgspec.Meta) -> object:
    return Annotated[base, meta]


def _bounds(meta: msgspec.Meta, kind: Kind) -> str:
    parts = [_range(meta, kind), _length(meta, kind)]
    parts += [f"matching {meta.pattern}"] if meta.pattern else []
    parts += [f"in steps of {kind.show(meta.multiple_of)}"] if meta.multiple_of else []
    parts += ["with a time zone"] if meta.tz else ["without a time zone"] if meta.tz is False else []
    return " ".join(part for part in parts if part)


def _range(meta: msgspec.Meta, kind: Kind) -> str:
    def show(bound: float) -> str:
        return kind.show(bound)

    if meta.ge is not None and meta.le is not None:
        return f"from {show(meta.ge)} to {show(meta.le)}"
    words = [f"of {show(meta.ge)} or more"] if meta.ge is not None else []
    words += [f"above {show(meta.gt)}"] if meta.gt is not None else []
    words += [f"of {show(meta.le)} or less"] if meta.le is not None else []
    words += [f"below {show(meta.lt)}"] if meta.lt is not None else []
    return " and ".join(words)


def _length(meta: msgspec.Meta, kind: Kind) -> str:
    if meta.min_length is not None and meta.max_length is not None:
        return f"of {meta.min_length} to {_count(meta.max_length, kind)}"
    if meta.min_length is not None:
        return f"of at least {_count(meta.min_length, kind)}"
    return f"of at most {_count(meta.max_length, kind)}" if meta.max_length is not None else ""


def _count(number: int, kind: Kind) -> str:
    return f"{number} {kind.unit}" if number == 1 else f"{number} {kind.unit}s"


def _complaint(value: object, meta: msgspec.Meta, kind: Kind) -> str:
    length = len(value) if isinstance(value, Sized) else 0
    if meta.min_length is not None and length < meta.min_length:
        return f"{_count(length, kind)}, at least {meta.min_length} needed"
    if meta.max_length is not None and length > meta.max_length:
        return f"{_count(length, kind)}, at most {meta.max_length} allowed"
    if meta.pattern:
        return "does not match"
    if isinstance(value, int | float):
        too_small = (meta.ge is not None and value < meta.ge) or (meta.gt is not None and value <= meta.gt)
        too_large = (meta.le is not None and value > meta.le) or (meta.lt is not None and value >= meta.lt)
        return "too small" if too_small else "too large" if too_large else "between two steps"
    return "not allowed"


def _example(kind: Kind, meta: msgspec.Meta) -> str:
    bound = meta.ge if meta.ge is not None else meta.le
    return kind.example if bound is None else kind.show(bound)
