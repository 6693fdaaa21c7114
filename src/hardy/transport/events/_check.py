"""Compares who publishes with who consumes, within one service: what does not fit is told at build."""

import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import NewType, Union, cast
from uuid import UUID

from hardy.core import Diagnostic, Exposed, Operation, is_message_type
from hardy.messaging import Topic
from hardy.schema import fields
from hardy.transport.events._topic import EventTopic

_TEXTS = (str, UUID, Decimal, datetime, date, time, timedelta, bytes)
_LISTS = frozenset({list, tuple, set, frozenset})


def check(
    bound: Sequence[Exposed], published: Sequence[Mapping[type, Topic]], *, service: str = ""
) -> Sequence[Diagnostic]:
    """Return what does not fit between the consumers and the outboxes of one service.

    That is: a consumer whose message asks for what the event has not or has in
    another form, two consumers that share a group by accident, and a class of
    events that has two topics.

    Args:
        bound: The operations bound to topics.
        published: What each outbox maps classes of events to.
        service: The service's name.
    """
    consumers = [(each.operation, each.binding) for each in bound if isinstance(each.binding, EventTopic)]
    faults: list[Diagnostic] = [*_shared(consumers, service), *_twice(published)]
    for operation, binding in consumers:
        for topics in published:
            for event, topic in topics.items():
                if topic.name == binding.name:
                    faults += _fit(operation, event, topic.name)
    return faults


def _shared(consumers: Sequence[tuple[Operation, EventTopic]], service: str) -> Sequence[Diagnostic]:
    seen: dict[tuple[str, str], Operation] = {}
    faults: list[Diagnostic] = []
    for operation, binding in consumers:
        group = binding.group_of(service, operation)
        first = seen.setdefault((binding.name, group), operation)
        if first is not operation:
            faults.append(
                Diagnostic(
                    code="H0697",
                    title=f"`{first.name}` and `{operation.name}` consume `{binding.name}` as one group, `{group}`",
                    place=operation.place,
                    notes=("each event would go to one of the two, by chance",),
                    helps=(f'events.topic("{binding.name}", group="{group}-{operation.name}")',),
                )
            )
    return faults


def _twice(published: Sequence[Mapping[type, Topic]]) -> Sequence[Diagnostic]:
    seen: dict[type, Topic] = {}
    faults: list[Diagnostic] = []
    for topics in published:
        for event, topic in topics.items():
            first = seen.setdefault(event, topic)
            if first is not topic:
                faults.append(
                    Diagnostic(
                        code="H0696",
                        title=f"`{event.__name__}` has two topics: `{first.name}` and `{topic.name}`",
                        notes=("an event is published once; who wants it subscribes to its topic",),
                        helps=(f"remove `{event.__name__}` from one of the two outboxes",),
                    )
                )
    return faults


def _fit(operation: Operation, event: type, topic: str) -> Sequence[Diagnostic]:
    if operation.message is event:
        return ()
    try:
        wanted, given = fields(operation.message), {each.wire_name: each for each in fields(event)}
    except (NameError, TypeError):  # told where the types themselves are checked
        return ()
    wrong = [
        f"`{each.name}` is not in `{event.__name__}`"
        for each in wanted
        if each.wire_name not in given and each.required
    ]
    wrong += [
        f"`{each.name}` is {_form(each.type)} here and {_form(given[each.wire_name].type)} in `{event.__name__}`"
        for each in wanted
        if each.wire_name in given and not _agree(_form(each.type), _form(given[each.wire_name].type))
    ]
    if not wrong:
        return ()
    return [
        Diagnostic(
            code="H0693",
            title=f"`{operation.name}` cannot take the events of `{topic}`: {wrong[0]}",
            place=operation.place,
            notes=tuple(f"and {each}" for each in wrong[1:]),
            helps=(f"async def {operation.name}(event: {event.__name__}, ...):",),
        )
    ]


def _agree(wanted: str, given: str) -> bool:
    return not wanted or not given or wanted == given or (wanted == "a number" and given == "a whole number")


def _form(annotation: object) -> str:
    """Say what JSON holds for a type; empty when that cannot be said in a word."""
    if isinstance(annotation, NewType):
        return _form(annotation.__supertype__)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _form(typing.get_args(annotation)[0])
    if origin in {Union, UnionType}:
        rest = [each for each in typing.get_args(annotation) if each is not NoneType]
        return _form(rest[0]) if len(rest) == 1 else ""
    if is_message_type(annotation) or (origin or annotation) is dict:
        return "an object"
    kind = origin or annotation
    if kind in _LISTS:
        return "a list"
    return _scalar(cast("type[object]", kind)) if isinstance(kind, type) else ""


def _scalar(kind: type[object]) -> str:
    if issubclass(kind, Enum):
        return ""
    if issubclass(kind, _TEXTS):
        return "a text"
    names = ((bool, "true or false"), (int, "a whole number"), (float, "a number"))
    return next((name for each, name in names if issubclass(kind, each)), "")
