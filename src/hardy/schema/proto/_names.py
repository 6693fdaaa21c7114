"""Python's names in the forms that proto files are written in.

The forms are those that ``buf lint`` asks for, and what protoc itself insists
on: two fields may not share a JSON name, nor two enum values a Pascal name.
"""

import re
from collections.abc import Callable, Iterable

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^A-Za-z0-9]+")


def snake(name: str) -> str:
    """Return *name* as a field: ``buyerId`` becomes ``buyer_id``."""
    words = _OTHER.split(_HUMP.sub("_", name))
    return _startable("_".join(word.lower() for word in words if word), "x_")


def screaming(name: str) -> str:
    """Return *name* as an enum value: ``in-transit`` becomes ``IN_TRANSIT``."""
    return snake(name).upper()


def pascal(name: str) -> str:
    """Return *name* as a message: ``order_line`` becomes ``OrderLine``."""
    words = _OTHER.split(name)
    return _startable("".join(word[0].upper() + word[1:] for word in words if word), "X")


def _startable(name: str, prefix: str) -> str:
    return name if name[:1].isalpha() else f"{prefix}{name}".rstrip("_")


def unique(names: Iterable[str], key: Callable[[str], str], separator: str, taken: Iterable[str] = ()) -> list[str]:
    """Return *names* with a number behind those whose *key* is there already."""
    seen = {key(name) for name in taken}
    result: list[str] = []
    for name in names:
        chosen, number = name, 2
        while key(chosen) in seen:
            chosen, number = f"{name}{separator}{number}", number + 1
        seen.add(key(chosen))
        result.append(chosen)
    return result


def json_name(name: str) -> str:
    """Return the JSON name protoc gives a field: ``order_id`` becomes ``orderId``."""
    return re.sub(r"_+(.?)", lambda match: match[1].upper(), name)


def pascal_value(name: str) -> str:
    """Return the form in which protoc compares enum values: ``IN_TRANSIT`` becomes ``InTransit``."""
    return "".join(word.capitalize() for word in name.split("_"))
