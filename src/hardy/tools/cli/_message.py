"""Reads what is typed as JSON into the message of an operation."""

import sys
from collections.abc import AsyncIterator, Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Literal

import msgspec

from hardy.core import Malformed, Operation
from hardy.schema import Codec, codec


def read_message(operation: Operation, text: str, *, json_case: Literal["snake", "camel"]) -> object:
    """Return the message that *text* says; of a stream to the service, an async iterator over its items.

    Args:
        operation: What is called.
        text: JSON; ``-`` reads it from standard input. The items of a stream
            are an array, or one JSON value after the other.
        json_case: As the service has it.

    Raises:
        Malformed: It is no JSON.
        InvalidMessage: It breaks the message's rules.
    """
    if text == "-":
        text = sys.stdin.read()
    made: Codec[object] = codec(operation.message, json_case=json_case)
    if not operation.kind.streams_in:
        return made.decode(text.encode())
    return _stream([made.decode(each) for each in _items(text)])


async def _stream(items: list[object]) -> AsyncIterator[object]:
    for item in items:
        yield item


def _items(text: str) -> Iterator[bytes]:
    decoder, rest = JSONDecoder(), text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except JSONDecodeError as error:
            raise Malformed(f"an item is no JSON: {error}") from None
        # Each item is read again from its own text, so that numbers stay as they were typed.
        if rest.startswith("["):
            yield from (bytes(each) for each in msgspec.json.decode(rest[:end], type=list[msgspec.Raw]))
        elif value != {} or end != len(text.strip()):
            yield rest[:end].encode()
        rest = rest[end:].lstrip()
