"""Models of pydantic keep their own rules, and tell their faults in hardy's words."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import annotated_types
import pydantic
import pytest

from hardy.core import InvalidMessage, Malformed
from hardy.schema import codec


class Line(pydantic.BaseModel):
    sku: Annotated[str, annotated_types.MinLen(2)]
    unit_price: Decimal = pydantic.Field(Decimal(1), gt=0)

    @pydantic.field_validator("sku")
    @classmethod
    def is_lower(cls, value: str) -> str:
        if value != value.lower():
            raise ValueError("must be in lower case")
        return value


class Basket(pydantic.BaseModel):
    basket_id: UUID = pydantic.Field(alias="id")
    all_lines: list[Line] = []
    by_name: dict[str, Line] = {}
    at: dt.datetime | None = None
    state: Literal["open", "closed"] = "open"
    count: int = 0
    weight: float = 0.0


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    at: dt.date


@dataclass
class Visit:
    baskets: list[Basket] = field(default_factory=list)
    strict: Strict | None = None


ID = "00000000-0000-0000-0000-000000000001"


def faults(type_, data, **options):
    with pytest.raises(InvalidMessage) as caught:
        codec(type_, **options).decode(data)
    return [(each.pointer, each.detail) for each in caught.value.faults]


FAULTS = {
    "missing": ('{"all_lines": [{}]}', [("/id", "is missing"), ("/all_lines/0/sku", "is missing")]),
    "a bound": ('{"id": "%s", "all_lines": [{"sku": "ab", "unit_price": 0}]}', [("/all_lines/0/unit_price", "must be greater than 0")]),
    "a length": ('{"id": "%s", "by_name": {"a/b": {"sku": "x"}}}', [("/by_name/a~1b/sku", "must have at least 2 characters")]),
    "a literal": ('{"id": "%s", "state": "ajar"}', [("/state", "must be one of open, closed")]),
    "its own validator": ('{"id": "%s", "all_lines": [{"sku": "AB"}]}', [("/all_lines/0/sku", "must be in lower case")]),
    "a naive moment": ('{"id": "%s", "at": "2024-01-01T00:00:00"}', [("/at", "must have an offset from UTC, such as 2024-12-31T23:59:59Z")]),
    "beyond 64 bits": ('{"id": "%s", "count": 9223372036854775808}', [("/count", "must be from -9223372036854775808 to 9223372036854775807")]),
    "not finite": ('{"id": "%s", "weight": "NaN"}', [("/weight", "must be a finite number")]),
    "no object": ("[]", [("", "must be an object")]),
}  # fmt: skip


@pytest.mark.parametrize(("data", "told"), FAULTS.values(), ids=FAULTS)
def test_faults_are_told_as_for_any_family(data, told):
    data = data.replace("%s", ID)
    assert faults(Basket, data.encode()) == told
    inside = [(f"/baskets/0{pointer}", detail) for pointer, detail in told]
    assert faults(Visit, f'{{"baskets": [{data}]}}'.encode()) == inside


def test_the_models_own_names_are_used_both_ways():
    made = codec(Basket)
    value = made.decode(f'{{"id": "{ID}", "all_lines": [{{"sku": "tea"}}]}}'.encode())
    assert value.basket_id == UUID(ID)
    assert made.to_builtins(value)["id"] == ID
    assert made.decode(made.encode(value)) == value
    assert made.validate(value) == value


def test_camel_case_reaches_into_models():
    made = codec(Visit, json_case="camel")
    value = made.decode(f'{{"baskets": [{{"id": "{ID}", "allLines": [{{"sku": "tea", "unitPrice": "2"}}]}}]}}'.encode())
    assert value.baskets[0].all_lines[0].unit_price == 2
    assert b'"allLines":[{"sku":"tea","unitPrice":"2"}]' in made.encode(value)
    data = f'{{"baskets": [{{"id": "{ID}", "allLines": [{{"sku": "tea", "unitPrice": 0}}]}}]}}'
    assert faults(Visit, data.encode(), json_case="camel") == [
        ("/baskets/0/allLines/0/unitPrice", "must be greater than 0")
    ]


def test_a_strict_model_still_reads_a_date_from_text():
    assert codec(Visit).decode(b'{"strict": {"at": "2024-01-01"}}').strict.at == dt.date(2024, 1, 1)


def test_constants_that_are_no_json_are_malformed():
    with pytest.raises(Malformed):
        codec(Basket).decode(f'{{"id": "{ID}", "weight": NaN}}'.encode())


def test_a_float_that_is_not_finite_is_not_encoded():
    value = Basket(id=UUID(ID), weight=float("nan"))
    for made, each in ((codec(Basket), value), (codec(Visit), Visit([value]))):
        with pytest.raises(ValueError) as caught:
            made.encode(each)
        assert "not finite" in str(caught.value)
        with pytest.raises(InvalidMessage):
            made.validate(each)


def test_texts_of_a_query_are_read_by_the_model():
    assert codec(Basket).convert({"id": ID, "count": "3"}, lax=True).count == 3
