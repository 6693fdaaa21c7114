"""Turns flags into a message: one flag a member, converted like a query string."""

import argparse
import json
import types
import typing
from collections.abc import Sequence
from typing import cast

from hardy.core import InvalidMessage, Operation, is_message_type
from hardy.schema import Field, codec, fields
from hardy.transport.command._parser import Parser, WrongUsage

_MANY = {list, set, tuple, frozenset}


def parse(operation: Operation, program: str, arguments: Sequence[str]) -> object:
    """Return the message of *operation* that *arguments* say.

    Raises:
        WrongUsage: An unknown or malformed flag, or values that break the message's rules.
        Help: ``--help`` was given.
    """
    members = fields(operation.message)
    given = cast("dict[str, object]", vars(_parser(operation, program, members).parse_args(list(arguments))))
    value = {each.wire_name: _read(each, given[each.name]) for each in members if given[each.name] is not None}
    try:
        return cast("object", codec(operation.message).convert(value, lax=True))
    except InvalidMessage as wrong:
        lines = [f"error: {_flag(fault.pointer)} {fault.detail}" for fault in wrong.faults]
        raise WrongUsage("\n".join(lines)) from None


def _parser(operation: Operation, program: str, members: Sequence[Field]) -> Parser:
    # A member called `help` has a flag of its own, which is then no help.
    parser = Parser(prog=program, description=operation.summary, allow_abbrev=False, conflict_handler="resolve")
    for each in members:
        flag = f"--{each.name.replace('_', '-')}"
        kind = _plain(each.type)
        text = each.doc.replace("%", "%%")
        metavar = "JSON" if _nested(kind) or _nested(_item(kind)) else None
        if kind is bool:
            parser.add_argument(flag, dest=each.name, action=argparse.BooleanOptionalAction, default=None, help=text)
        elif typing.get_origin(kind) in _MANY:
            again = f"{text} (repeatable)".strip()
            parser.add_argument(flag, dest=each.name, action="append", default=None, help=again, metavar=metavar)
        else:
            parser.add_argument(flag, dest=each.name, default=None, help=text, metavar=metavar)
    return parser


def _read(field: Field, given: object) -> object:
    kind = _plain(field.type)
    if _nested(_item(kind)):
        return [_json(field, text) for text in cast("list[str]", given)]
    return _json(field, cast("str", given)) if _nested(kind) else given


def _json(field: Field, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise WrongUsage(f"error: {_flag('/' + field.name)} is not JSON: {error}") from None


def _plain(annotation: object) -> object:
    """Strip ``Annotated`` and ``| None``."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        rest = [each for each in typing.get_args(annotation) if each is not types.NoneType]
        return _plain(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _item(kind: object) -> object:
    """Return the type of the items, of a type of many."""
    items = typing.get_args(kind) if typing.get_origin(kind) in _MANY else ()
    return _plain(items[0]) if items else None


def _nested(kind: object) -> bool:
    return is_message_type(kind) or typing.get_origin(kind) is dict


def _flag(pointer: str) -> str:
    first, *rest = pointer.lstrip("/").split("/")
    return "/".join([f"--{first.replace('_', '-')}", *rest])
