"""Fields are told the same way, whichever family the class comes from."""

from dataclasses import dataclass, field
from typing import Annotated, Generic, NotRequired, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
import pytest

from hardy.core import MISSING
from hardy.schema import Family, family_of, fields

Item = TypeVar("Item")
POSITIVE = msgspec.Meta(ge=1)


@dataclass
class OfDataclass:
    sku: str
    """What is bought."""
    quantity: Annotated[int, POSITIVE] = 1
    """How many."""
    tags: list[str] = field(default_factory=list)


class OfStruct(msgspec.Struct):
    sku: str
    """What is bought."""
    quantity: Annotated[int, POSITIVE] = 1
    """How many."""
    tags: list[str] = []


class OfTypedDict(TypedDict):
    sku: str
    """What is bought."""
    quantity: NotRequired[Annotated[int, POSITIVE]]
    """How many."""
    tags: NotRequired[list[str]]


@attrs.define
class OfAttrs:
    sku: str
    """What is bought."""
    quantity: Annotated[int, POSITIVE] = 1
    """How many."""
    tags: list[str] = attrs.Factory(list)


class OfPydantic(pydantic.BaseModel):
    sku: str
    """What is bought."""
    quantity: Annotated[int, POSITIVE] = 1
    """How many."""
    tags: list[str] = pydantic.Field(default_factory=list)


FAMILIES = [OfDataclass, OfStruct, OfTypedDict, OfAttrs, OfPydantic]


@pytest.mark.parametrize("cls", FAMILIES)
def test_every_family_tells_its_fields_alike(cls):
    told = fields(cls)
    assert [each.name for each in told] == ["sku", "quantity", "tags"]
    assert [each.required for each in told] == [True, False, False]
    assert [each.doc for each in told] == ["What is bought.", "How many.", ""]
    assert [each.constraints for each in told] == [(), (POSITIVE,), ()]
    assert told[1].type == Annotated[int, POSITIVE]
    assert told[2].type == list[str]


@pytest.mark.parametrize("cls", [OfDataclass, OfStruct, OfAttrs, OfPydantic])
def test_defaults_and_factories_are_kept_apart(cls):
    sku, quantity, tags = fields(cls)
    assert (sku.default, sku.default_factory) == (MISSING, None)
    assert (quantity.default, quantity.default_factory) == (1, None)
    assert tags.default is MISSING
    assert tags.default_factory() == []


def test_the_family_is_recognised():
    assert [family_of(cls) for cls in FAMILIES] == list(Family)
    assert family_of(int) is None
    assert family_of(list[OfDataclass]) is None


@dataclass
class Page(Generic[Item]):
    items: list[Item]
    next: "Page[Item] | None" = None


@dataclass
class Orders(Page[OfStruct]):
    total: int = 0


class Box(TypedDict, Generic[Item]):
    inside: Item


class Parcel(Box[int]):
    weight: float


def test_type_variables_are_filled_in():
    assert [each.type for each in fields(Page[int])] == [list[int], Page[int] | None]
    assert [each.type for each in fields(Orders)] == [list[OfStruct], Page[OfStruct] | None, int]
    assert [each.type for each in fields(Box[str])] == [str]
    assert [each.type for each in fields(Parcel)] == [int, float]


class Renamed(msgspec.Struct, rename={"order_id": "ID"}):
    order_id: int
    placed_at: int
    _hidden_thing_: int = 0


def test_camel_case_renames_what_the_class_does_not_rename_itself():
    assert [each.wire_name for each in fields(Renamed)] == ["ID", "placed_at", "_hidden_thing_"]
    assert [each.wire_name for each in fields(Renamed, json_case="camel")] == ["ID", "placedAt", "_hiddenThing_"]


def test_what_is_no_message_has_no_fields():
    with pytest.raises(TypeError) as caught:
        fields(int)
    assert "no message class" in str(caught.value)
