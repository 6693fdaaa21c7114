"""The fields of a message class as proto has them."""

import typing
from dataclasses import dataclass

from hardy.schema import Family, Field, family_of, fields
from hardy.schema.proto._names import json_name, snake, unique
from hardy.schema.proto._shapes import NoForm, Scalar, Slot, Wrapper, slot_of


@dataclass(frozen=True, slots=True)
class Member:
    """One field: what Python says about it, its name in proto, and its shape."""

    field: Field
    name: str
    slot: Slot


def members(type_: object, refused: list[tuple[str, NoForm]] | None = None) -> tuple[Member, ...]:
    """Return the fields of a message class.

    Args:
        type_: The class, parametrised where it is generic.
        refused: Where to put the fields that have no form; without it they raise.

    Raises:
        NoForm: Proto cannot carry one of them.
    """
    known = fields(type_)
    names = unique((snake(each.name) for each in known), json_name, "_")
    found: list[Member] = []
    for field, name in zip(known, names, strict=True):
        try:
            slot = _slot(field)
            if _holds_bytes(slot) and not _bytes_are_base64(type_):
                raise NoForm(bytes, "give the model `ConfigDict(val_json_bytes='base64', ser_json_bytes='base64')`")
            found.append(Member(field, name, slot))
        except NoForm as refusal:
            if refused is None:
                raise
            refused.append((field.name, refusal))
    return tuple(found)


class Known:
    """Remembers the fields of classes while a contract is built; reading them from source takes time."""

    def __init__(self) -> None:
        self._members: dict[object, tuple[Member, ...]] = {}

    def members(self, type_: object) -> tuple[Member, ...]:
        """Return the fields of a message class that proto can carry."""
        if type_ not in self._members:
            self._members[type_] = members(type_)
        return self._members[type_]


def _holds_bytes(slot: Slot) -> bool:
    leaf = slot.leaf
    return _holds_bytes(leaf.slot) if isinstance(leaf, Wrapper) else leaf == Scalar(bytes)


def _bytes_are_base64(type_: object) -> bool:
    """Whether bytes are what the message rules say; a model of pydantic takes them for text unless told."""
    if family_of(type_) is not Family.PYDANTIC:
        return True
    configuration: dict[str, object] = getattr(typing.get_origin(type_) or type_, "model_config", {})
    return configuration.get("val_json_bytes") == configuration.get("ser_json_bytes") == "base64"


def _slot(field: Field) -> Slot:
    slot = slot_of(field.type)
    # Absent already means the default, so None needs a form of its own.
    if slot.none and not field.required and field.default is not None:
        return Slot(Wrapper(slot, "Value"))
    return slot
