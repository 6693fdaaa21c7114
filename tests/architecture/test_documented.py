"""What is public is documented, and typed without Any."""

import importlib
import inspect
import re
import typing
from enum import Enum
from types import FunctionType


def public(package: str) -> dict[str, object]:
    """The public classes and functions that are at home in a package."""
    module = importlib.import_module(package)
    values = {name: getattr(module, name) for name in module.__all__}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, type | FunctionType) and value.__module__ == package
    }


def members(owner: type) -> dict[str, object]:
    """The public functions and properties that a class itself defines."""
    return {
        f"{owner.__name__}.{name}": value
        for name, value in vars(owner).items()
        if not name.startswith("_") and isinstance(value, FunctionType | property | classmethod | staticmethod)
    }


def documented(value: object, name: str) -> bool:
    own = vars(value).get("__doc__") if isinstance(value, type) else inspect.getdoc(value)
    # A dataclass without a docstring is given its signature, an enum a sentence of the standard library.
    return bool(own) and not own.startswith((f"{name}(", "An enumeration."))


def inherited(member: str, owner: type) -> bool:
    """Whether a parent has documented the member already."""
    name = member.rpartition(".")[2]
    return any(inspect.getdoc(getattr(parent, name, None)) for parent in owner.__mro__[1:] if hasattr(parent, name))


def test_every_package_says_what_it_is(package):
    assert importlib.import_module(package).__doc__


def test_every_lone_package_shows_an_example_that_runs(lone_package):
    # A folder that only holds packages (transport, adapters) has nothing to show of its own.
    module = importlib.import_module(lone_package)
    assert ">>>" in module.__doc__ or not module.__all__


def test_every_public_name_is_documented(package):
    bare = []
    for name, value in public(package).items():
        if not documented(value, name):
            bare.append(name)
        if isinstance(value, type):
            bare += [
                member
                for member, function in members(value).items()
                if not documented(function, member) and not inherited(member, value)
            ]
    assert bare == []


def test_public_signatures_are_free_of_any(package):
    loose = []
    for name, value in public(package).items():
        loose += [f"{name}: {part}" for part, hint in hints(value).items() if mentions_any(hint)]
        if isinstance(value, type) and not issubclass(value, Enum):
            for member, function in members(value).items():
                loose += [f"{member}: {part}" for part, hint in hints(function).items() if mentions_any(hint)]
    assert loose == []


def hints(value: object) -> dict[str, object]:
    """The annotations of a function, a property or a class, resolved where they can be."""
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "__func__", value)
    if isinstance(value, type):
        return {**vars(value).get("__annotations__", {}), **hints_of_init(value)}
    try:
        return typing.get_type_hints(value, include_extras=True)
    except (NameError, TypeError):
        return dict(getattr(value, "__annotations__", {}))


def hints_of_init(owner: type) -> dict[str, object]:
    init = vars(owner).get("__init__")
    return hints(init) if isinstance(init, FunctionType) else {}


def mentions_any(hint: object) -> bool:
    if isinstance(hint, str):
        return re.search(r"\bAny\b", hint) is not None
    if isinstance(hint, list | tuple):
        return any(mentions_any(part) for part in hint)
    return hint is typing.Any or any(mentions_any(part) for part in typing.get_args(hint))
