"""Defaults that depend on where the service runs."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

Environment = Literal["dev", "test", "production"]
"""Where the service runs; ``production`` unless something says otherwise."""

_KEY = "hardy.by_environment"


def by_environment(*, dev: T, test: T, production: T) -> T:
    """Declare a setting whose default depends on the environment.

    `load` and `Settings` fill in the value; a section that stands outside of
    any `Settings` has ``None`` there.

    Example:
        >>> @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
        ... class MailSettings:
        ...     send: bool = by_environment(dev=False, test=False, production=True)
    """
    values = {"dev": dev, "test": test, "production": production}
    return cast("T", dataclasses.field(default=None, metadata={_KEY: values}))


def values_by_environment(field: dataclasses.Field[object]) -> Mapping[str, object] | None:
    """Return the defaults of a field declared with `by_environment`."""
    return cast("Mapping[str, object] | None", field.metadata.get(_KEY))


def settle(section: T, environment: str) -> T:
    """Return *section* with each default by environment filled in, in nested sections too."""
    if not dataclasses.is_dataclass(section) or isinstance(section, type):
        return section
    changes = unsettled(section, environment)
    return dataclasses.replace(section, **changes) if changes else section


def unsettled(section: object, environment: str) -> dict[str, object]:
    """Return the fields of a dataclass that the environment decides, with what it decides."""
    changes: dict[str, object] = {}
    for field in dataclasses.fields(cast("DataclassInstance", section)):
        value: object = getattr(section, field.name)
        values = values_by_environment(field)
        settled = values[environment] if values is not None and value is None else settle(value, environment)
        if settled is not value:
            changes[field.name] = settled
    return changes
