"""The fields of a message class as proto has them."""

from dataclasses import dataclass

from hardy.schema import Field, fields
from hardy.schema.proto._names import json_name, snake, unique
from hardy.schema.proto._shapes import NoForm, Slot, Wrapper, slot_of


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
            found.append(Member(field, name, _slot(field)))
        except NoForm as refusal:
            if refused is None:
                raise
            refused.append((field.name, refusal))
    return tuple(found)


def _slot(field: Field) -> Slot:
    slot = slot_of(field.type)
    # Absent already means the default, so None needs a form of its own.
    if slot.none and not field.required and field.default is not None:
        return Slot(Wrapper(slot, "Value"))
    return slot
