"""The settings of a class as a tree: sections, and in them settings with variable, kind and default."""

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Union, cast

from hardy.config._declared import Declaration, declaration_of
from hardy.config._environment import values_by_environment
from hardy.config._kind import Kind
from hardy.core import MISSING

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """What a setting or section is when nobody sets it; `missing` when it must be set."""

    value: object = MISSING
    make: Callable[[], object] | None = None
    by_environment: Mapping[str, object] | None = None

    @property
    def missing(self) -> bool:
        """Whether there is none."""
        return self.value is MISSING and self.make is None and self.by_environment is None

    def get(self, environment: str) -> object:
        """Return the value for *environment*, `MISSING` when there is none."""
        if self.by_environment is not None:
            return self.by_environment[environment]
        return self.make() if self.make is not None else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value that can be set from outside."""

    path: Path
    variable: str
    kind: Kind
    default: Default
    owner: type
    root: type

    @property
    def name(self) -> str:
        """``http.port``, as in a file: table and key."""
        return ".".join(self.path)

    @property
    def declaration(self) -> Declaration:
        """Where the class that owns it declares it, with its docstring."""
        return declaration_of(self.owner, self.path[-1])

    @property
    def used_at(self) -> Declaration:
        """Where the service's own settings class brings it in."""
        return declaration_of(self.root, self.path[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A dataclass of settings, the root included."""

    path: Path
    type: type
    default: Default = field(default_factory=Default)
    optional: bool = False
    children: tuple["Setting | Section", ...] = ()

    def __iter__(self) -> Iterator[Setting]:
        """Iterate over all settings below, in the order of their declaration."""
        for child in self.children:
            if isinstance(child, Section):
                yield from child
            else:
                yield child


def default_of(declared: dataclasses.Field[object]) -> Default:
    """Return the default of a dataclass field."""
    if values := values_by_environment(declared):
        return Default(by_environment=values)
    if declared.default_factory is not dataclasses.MISSING:
        return Default(make=declared.default_factory)
    return Default() if declared.default is dataclasses.MISSING else Default(value=declared.default)


def section_type(hint: object) -> tuple[type | None, bool]:
    """Return the dataclass that *hint* nests, and whether it may be ``None``."""
    while typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    optional = False
    if typing.get_origin(hint) in {Union, UnionType}:
        rest = [each for each in typing.get_args(hint) if each is not NoneType]
        optional = len(rest) < len(typing.get_args(hint))
        hint = rest[0] if len(rest) == 1 else None
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return cast("type", cast("object", hint)), optional
    return None, optional


def variable_of(prefix: str, path: Path) -> str:
    """Return the environment variable of the setting at *path*."""
    return f"{prefix}_{'__'.join(path)}".upper()
