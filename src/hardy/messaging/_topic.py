"""A topic: under which name events are published, and what keeps their order."""

import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import NewType, Union, cast
from uuid import UUID

from hardy.core import Diagnostic, Place
from hardy.schema import Family, check_type, family_of, fields

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\Z")
_LONGEST = 128
_KEYS = (str, int, UUID, Enum, date)


@dataclass(frozen=True, slots=True)
class Topic:
    """A named stream of events of one kind.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class OrderPlaced:
        ...     order_id: int
        >>> Topic("orders.placed", key="order_id").key_of(OrderPlaced(42))
        '42'
    """

    name: str
    """Lower-case words with dots between: ``orders.placed``."""
    key: str | None = None
    """The field of the event by which order is kept; without one there is no order."""

    def key_of(self, event: object) -> str | None:
        """Return the key of *event*; ``None`` when it has none."""
        value: object = None if self.key is None else getattr(event, self.key)
        if isinstance(value, Enum):
            value = value.value
        return None if value is None else str(value)

    def check_name(self, place: Place | None = None) -> Sequence[Diagnostic]:
        """Return what is wrong with the name."""
        if _NAME.match(self.name) and len(self.name) <= _LONGEST:
            return ()
        return [
            Diagnostic(
                code="H0690",
                title=f"`{self.name}` is no name for a topic",
                place=place,
                notes=(f"brokers take lower-case letters, digits, - and _, with dots between, up to {_LONGEST}",),
                helps=('events.topic("orders.placed")',),
            )
        ]

    def check_event(self, event: object) -> Sequence[Diagnostic]:
        """Return what keeps events of class *event* from being published on this topic."""
        name: str = getattr(event, "__name__", None) or str(event)
        place = Place.of(event) if isinstance(event, type) else None
        family = family_of(event)
        if family is None or family is Family.TYPED_DICT or not isinstance(event, type):
            return [
                Diagnostic(
                    code="H0692",
                    title=f"`{name}` cannot be published: its objects do not say that they are one",
                    place=place,
                    helps=(f"make it a class of its own: @dataclass(frozen=True) class {name.title()}: ...",),
                )
            ]
        faults = check_type(event, what=f"the event `{name}`", place=place)
        return [*faults, *self._check_key(event, name, place)]

    def _check_key(self, event: type, name: str, place: Place | None) -> Sequence[Diagnostic]:
        if self.key is None:
            return ()
        try:
            known = {each.name: each.type for each in fields(event)}
        except NameError:  # told by `check_type`
            return ()
        if self.key not in known:
            title = f"`{name}` has no field `{self.key}`, which is to be the key of `{self.name}`"
            simple = [each for each, type_ in known.items() if _is_key(type_)]
            return [_wrong_key(title, place, self.name, simple)]
        if not _is_key(known[self.key]):
            title = f"`{name}.{self.key}` cannot be the key of `{self.name}`: a key is a text, a number or an id"
            simple = [each for each, type_ in known.items() if _is_key(type_)]
            return [_wrong_key(title, place, self.name, simple)]
        return ()


def _wrong_key(title: str, place: Place | None, topic: str, fit: Sequence[str]) -> Diagnostic:
    helps = [f'events.topic("{topic}", key="{each}")' for each in fit[:3]]
    return Diagnostic(
        code="H0691",
        title=title,
        place=place,
        helps=(*helps, f'events.topic("{topic}")  # where order does not matter'),
    )


def _is_key(annotation: object) -> bool:
    if isinstance(annotation, NewType):
        return _is_key(annotation.__supertype__)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _is_key(typing.get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return all(each is NoneType or _is_key(each) for each in typing.get_args(annotation))
    if origin is typing.Literal:
        return all(isinstance(each, str | int) for each in typing.get_args(annotation))
    return isinstance(annotation, type) and issubclass(cast("type[object]", annotation), _KEYS)
