"""Names for the components of a schema."""

import re
import typing
from collections.abc import Iterable

from hardy.schema._families import Family
from hardy.schema._shapes import Choice, Record, Shape
from hardy.schema._show import show


def component_names(shapes: Iterable[Shape], *, taken: set[str]) -> dict[object, str]:
    """Give every class and Enum a name of its own, the same whatever the order they come in.

    Args:
        taken: Names that others have already.
    """
    types = {
        each.type: None
        for each in shapes
        if (isinstance(each, Record) and each.family is not Family.PYDANTIC) or (isinstance(each, Choice) and each.name)
    }
    sharing: dict[str, list[object]] = {}
    for type_ in types:
        sharing.setdefault(_short(type_), []).append(type_)
    names: dict[object, str] = {}
    for short, group in sharing.items():
        if len(group) == 1 and short not in taken:
            names[group[0]] = short
            continue
        for type_ in group:
            names[type_] = _long(type_)
    return _distinct(names, taken)


def _distinct(names: dict[object, str], taken: set[str]) -> dict[object, str]:
    """Number what still shares a name: classes that two calls of one function made."""
    used = set(taken)
    for type_, name in names.items():
        candidate, number = name, 1
        while candidate in used:
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate)
        names[type_] = candidate
    return names


def _short(type_: object) -> str:
    return re.sub(r"\W+", "_", show(type_).rpartition(".")[2] if "[" not in show(type_) else show(type_)).strip("_")


def _long(type_: object) -> str:
    cls = typing.cast("type", typing.get_origin(type_) or type_)
    outer = f"{cls.__module__}.{cls.__qualname__}".replace("<locals>.", "").rpartition(".")[0]
    return re.sub(r"\W+", "_", f"{outer}.{_short(type_)}").strip("_")
