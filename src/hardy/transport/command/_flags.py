"""Turns flags into a message: one flag a member, converted like a query string."""

import argparse
import json
import types
import typing
from collections.abc import Sequence
from typing import NoReturn

from hardy.core import InvalidMessage, Operation, is_message_type
from hardy.schema import Field, codec, fields


class WrongUsage(Exception):
    """The command line cannot be read; the text says why and how it is used."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUsage(f"error: {message}\n{self.format_usage().rstrip()}")


def parse(operation: Operation, program: str, arguments: Sequence[str]) -> object:
    """Return the message of *operation* that *arguments* say.

    Raises:
        WrongUsage: An unknown or malformed flag, or values that break the message's rules.
    """
    members = fields(operation.message)
    given = vars(_parser(operation, program, members).parse_args(arguments))
    value = {each.wire_name: _read(each, given[each.name]) for each in members if given[each.name] is not None}
    try:
        return codec(operation.message).convert(value, lax=True)
    except InvalidMessage as wrong:
        lines = [f"error: {_flag(fault.pointer)} {fault.detail}" for fault in wrong.faults]
        raise WrongUsage("\n".join(lines)) from None


def _parser(operation: Operation, program: str, members: Sequence[Field]) -> _Parser:
    parser = _Parser(prog=program, description=operation.summary, allow_abbrev=False)
    for each in members:
        flag = f"--{each.name.replace('_', '-')}"
        kind = _plain(each.type)
        text = each.doc.replace("%", "%%")
        if kind is bool:
            parser.add_argument(flag, dest=each.name, action=argparse.BooleanOptionalAction, default=None, help=text)
        elif typing.get_origin(kind) in {list, set, tuple, frozenset}:
            parser.add_argument(flag, dest=each.name, action="append", default=None, help=text + " (repeatable)")
        else:
            parser.add_argument(flag, dest=each.name, default=None, help=text, metavar="JSON" if _nested(kind) else None)
    return parser


def _read(field: Field, given: object) -> object:
    if isinstance(given, str) and _nested(_plain(field.type)):
        try:
            return json.loads(given)
        except ValueError as error:
            raise WrongUsage(f"error: {_flag('/' + field.name)} is not JSON: {error}") from None
    return given


def _plain(annotation: object) -> object:
    """Strip ``Annotated`` and ``| None``."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        rest = [each for each in typing.get_args(annotation) if each is not types.NoneType]
        return _plain(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _nested(kind: object) -> bool:
    return is_message_type(kind) or typing.get_origin(kind) is dict


def _flag(pointer: str) -> str:
    first, *rest = pointer.lstrip("/").split("/")
    return "/".join([f"--{first.replace('_', '-')}", *rest])
