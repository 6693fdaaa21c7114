"""JSON Schema of messages, as OpenAPI 3.1 takes it."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Generic, Literal, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import jsonschema
import msgspec
import pydantic
import pytest

from hardy.core import BuildFailed
from hardy.schema import Ge, Gt, Lt, MaxLen, MinLen, MultipleOf, Pattern, json_schemas

T = TypeVar("T")


class Colour(Enum):
    """What it is painted in."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Item:
    """One thing on an order."""

    sku: Annotated[str, MinLen(2), Pattern("^[a-z]+$")]
    """What is bought."""
    unit_price: Decimal = Decimal("1.50")
    colour: Colour = Colour.RED
    """Its paint."""


@dataclass
class Page(Generic[T]):
    items: list[T]
    next_page: "Page[T] | None" = None


class Card(msgspec.Struct, tag="card"):
    number: str


class Invoice(msgspec.Struct, tag="invoice"):
    due: dt.date


def one(type_, **options):
    (schema,), components = json_schemas([type_], **options)
    return schema, components


INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
SCALARS = {
    "int": (int, {"type": "integer", "format": "int64", **INT64}),
    "bounded int": (
        Annotated[int, Ge(1), Lt(9)],
        {"type": "integer", "format": "int64", "minimum": 1, "exclusiveMaximum": 9},
    ),
    "half bounded int": (
        Annotated[int, Gt(1)],
        {"type": "integer", "format": "int64", "exclusiveMinimum": 1, "maximum": 2**63 - 1},
    ),
    "float": (Annotated[float, MultipleOf(0.5)], {"type": "number", "format": "double", "multipleOf": 0.5}),
    "text": (Annotated[str, MaxLen(3)], {"type": "string", "maxLength": 3}),
    "bytes": (Annotated[bytes, MaxLen(4)], {"type": "string", "contentEncoding": "base64", "maxLength": 8}),
    "moment": (dt.datetime, {"type": "string", "format": "date-time"}),
    "date": (dt.date, {"type": "string", "format": "date"}),
    "uuid": (UUID, {"type": "string", "format": "uuid"}),
    "nothing": (None, {"type": "null"}),
    "literal": (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
    "anything": (object, {}),
    "list": (Annotated[list[bool], MinLen(1)], {"type": "array", "items": {"type": "boolean"}, "minItems": 1}),
    "row": (
        tuple[bool, str],
        {
            "type": "array",
            "prefixItems": [{"type": "boolean"}, {"type": "string"}],
            "items": False,
            "minItems": 2,
            "maxItems": 2,
        },
    ),
    "map": (
        Annotated[dict[UUID, bool], MaxLen(2)],
        {
            "type": "object",
            "additionalProperties": {"type": "boolean"},
            "propertyNames": {"format": "uuid"},
            "maxProperties": 2,
        },
    ),
    "nullable": (bool | None, {"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
}


@pytest.mark.parametrize(("type_", "schema"), SCALARS.values(), ids=SCALARS)
def test_types_have_one_schema(type_, schema):
    assert one(type_) == (schema, {})


def test_a_class_is_a_component_with_its_docs_and_defaults():
    schema, components = one(Item)
    assert schema == {"$ref": "#/components/schemas/Item"}
    assert components["Item"] == {
        "type": "object",
        "description": "One thing on an order.",
        "properties": {
            "sku": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$", "description": "What is bought."},
            "unit_price": {
                "type": "string",
                "format": "decimal",
                "pattern": components["Item"]["properties"]["unit_price"]["pattern"],
                "default": "1.50",
            },
            "colour": {"$ref": "#/components/schemas/Colour", "description": "Its paint.", "default": "red"},
        },
        "required": ["sku"],
    }
    assert components["Colour"] == {"type": "string", "enum": ["red", "blue"], "description": "What it is painted in."}


def test_generics_are_named_by_their_parameters():
    schema, components = one(Page[Item], ref="#/$defs/{name}")
    assert schema == {"$ref": "#/$defs/Page_Item"}
    assert components["Page_Item"]["properties"]["next_page"] == {
        "anyOf": [{"$ref": "#/$defs/Page_Item"}, {"type": "null"}],
        "default": None,
    }


def test_a_union_says_how_to_tell_its_cases_apart():
    schema, components = one(Card | Invoice)
    assert schema == {
        "oneOf": [{"$ref": "#/components/schemas/Card"}, {"$ref": "#/components/schemas/Invoice"}],
        "discriminator": {
            "propertyName": "type",
            "mapping": {"card": "#/components/schemas/Card", "invoice": "#/components/schemas/Invoice"},
        },
    }
    assert components["Card"]["properties"]["type"] == {"const": "card"}
    assert components["Card"]["required"] == ["type", "number"]


@dataclass(frozen=True)
class Place:
    street_name: str


@dataclass
class Holder:
    first_place: Place = Place("Main")
    other_places: list[Place] = field(default_factory=list)


def test_camel_case_renames_members_and_what_defaults_hold():
    _, components = one(Holder, json_case="camel")
    assert components["Holder"]["properties"]["firstPlace"]["default"] == {"streetName": "Main"}
    assert components["Holder"]["properties"]["otherPlaces"]["default"] == []
    assert set(components["Place"]["properties"]) == {"streetName"}


def make(module):
    @dataclass
    class Same:
        a: int

    Same.__module__ = module
    Same.__qualname__ = "Same"
    return Same


def test_classes_of_one_name_get_their_module_whatever_the_order():
    first, second = make("shop.orders"), make("shop.billing")
    schemas, components = json_schemas([first, second])
    assert set(components) == {"shop_orders_Same", "shop_billing_Same"}
    assert json_schemas([second, first]) == (schemas[::-1], components)


def test_even_classes_of_one_full_name_are_kept_apart():
    assert set(json_schemas([make("shop"), make("shop")])[1]) == {"shop_Same", "shop_Same_2"}


class Model(pydantic.BaseModel):
    """A model of pydantic."""

    how_many: int = pydantic.Field(ge=1, description="How many.")
    others: "list[Model]" = []


@dataclass
class Mixture:
    model: Model
    models: dict[str, Model]


def test_a_model_of_pydantic_describes_itself():
    _, components = one(Mixture)
    assert components["Mixture"]["properties"]["model"] == {"$ref": "#/components/schemas/Model"}
    assert components["Model"]["properties"]["how_many"]["minimum"] == 1
    assert components["Model"]["properties"]["others"]["items"] == {"$ref": "#/components/schemas/Model"}


def test_a_model_of_pydantic_is_renamed_with_the_rest():
    _, components = one(Mixture, json_case="camel")
    assert set(components["Model"]["properties"]) == {"howMany", "others"}
    assert components["Model"]["required"] == ["howMany"]


class Loose(TypedDict):
    name: str
    age: NotRequired[int]


@attrs.define
class Attrs:
    low: int
    high: int = 3


@pytest.mark.parametrize("cls", [Loose, Attrs])
def test_every_family_says_what_is_required(cls):
    _, components = one(cls)
    assert len(components[cls.__name__]["required"]) == 1
    assert len(components[cls.__name__]["properties"]) == 2


def test_the_whole_is_json_schema_2020_12():
    types = [Page[Item], Card | Invoice, Mixture, Loose, Attrs, dict[UUID, dt.timedelta], set[dt.time]]
    schemas, components = json_schemas(types, ref="#/$defs/{name}")
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema({**schema, "$defs": components})


def test_what_msgspec_says_of_a_class_is_said_here_too():
    _, ours = one(Page[Item], ref="#/$defs/{name}")
    _, theirs = msgspec.json.schema_components([Page[Item]])
    for name, alias in (("Page_Item", "Page_Item_"), ("Item", "Item")):
        assert ours[name].get("required", []) == theirs[alias]["required"]
        assert list(ours[name]["properties"]) == list(theirs[alias]["properties"])


def test_a_type_that_cannot_travel_is_refused():
    with pytest.raises(BuildFailed) as caught:
        json_schemas([int, complex, list[complex]])
    assert len(caught.value.diagnostics) == 2
