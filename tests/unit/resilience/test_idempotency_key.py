from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from hardy.core import Call, Metadata, Operation, Principal
from hardy.resilience import IdempotencyKeyMalformed, IdempotencyKeyMissing
from hardy.resilience._idempotency_key import fingerprint_of, key_of, stored_key


async def pay() -> None: ...


async def refund() -> None: ...


def call(*keys, use_case=pay, who=None):
    made = Call(Operation.of(use_case), "http", metadata=Metadata([("Idempotency-Key", each) for each in keys]))
    made.principal = who
    return made


READ = {
    "a UUID in quotes": ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
    "a UUID without": ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
    "spaces around": ('  "a b"  ', "a b"),
    "escapes": (r'"a\"b\\c"', r"a\"b\c".replace(r"\"", '"')),
    "a parameter after it": ('"abc";v=1', "abc"),
    "base64": ("YWJj+/=", "YWJj+/="),
    "the longest": ("k" * 255, "k" * 255),
}


@pytest.mark.parametrize(("given", "key"), READ.values(), ids=READ)
def test_a_key_is_read_with_quotes_or_without(given, key):
    assert key_of(call(given), required=True) == key


MALFORMED = {
    "nothing": [""],
    "an empty text": ['""'],
    "too long": ["k" * 256],
    "too long in quotes": [f'"{"k" * 256}"'],
    "a space": ["a b"],
    "a quote that does not end": ['"abc'],
    "a list": ['"a", "b"'],
    "a bare list": ["a,b"],
    "two headers": ["a", "a"],
    "a letter beyond ASCII": ["ä"],
    "a control character": ["a\x07b"],
    "an escape of nothing": [r'"a\bc"'],
}


@pytest.mark.parametrize("given", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("required", [True, False], ids=["required", "accepted"])
def test_what_is_no_key_is_refused(given, required):
    with pytest.raises(IdempotencyKeyMalformed):
        key_of(call(*given), required=required)


def test_a_key_may_be_missing_unless_it_is_required():
    assert key_of(call(), required=False) is None
    with pytest.raises(IdempotencyKeyMissing) as refused:
        key_of(call(), required=True)
    assert refused.value.reason == "idempotency_key_missing"


def test_a_key_belongs_to_one_principal_and_one_operation():
    ann = Principal("ann")
    others = [
        call(who=Principal("bob")),
        call(who=None),
        call(who=Principal("ann", kind="service")),
        call(who=Principal("ann", tenant="acme")),
        call(who=ann, use_case=refund),
    ]
    names = {stored_key(each, "k") for each in others} | {stored_key(call(who=ann), "other")}
    assert len(names) == 6
    assert stored_key(call(who=ann), "k") not in names
    assert stored_key(call(who=ann), "k") == stored_key(call(who=Principal("ann", scopes=frozenset({"a"}))), "k")


def test_what_a_store_is_given_is_short_and_plain():
    async def zahle_straße() -> None: ...

    for use_case in (pay, zahle_straße):
        name = stored_key(call(who=Principal("ü" * 1000), use_case=use_case), "k" * 255)
        assert name.isascii()
        assert len(name) <= 200


@dataclass
class Everything:
    text: str
    number: float
    amount: Decimal
    at: datetime
    id: UUID
    tags: set[str]
    named: dict[str, int]


def everything(**other):
    given = {
        "text": "a",
        "number": 1.5,
        "amount": Decimal("1.10"),
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "id": UUID(int=1),
        "tags": {"a", "b", "c"},
        "named": {"x": 1, "y": 2},
    }
    return Everything(**(given | other))


CHANGES = {
    "text": {"text": "b"},
    "a number": {"number": 1.25},
    "an amount": {"amount": Decimal("1.11")},
    "a moment": {"at": datetime(2026, 1, 2, tzinfo=UTC)},
    "a set": {"tags": {"a", "b"}},
    "a mapping": {"named": {"x": 2, "y": 1}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_message_has_another_fingerprint(change):
    assert fingerprint_of(everything(**change)) != fingerprint_of(everything())


def test_the_same_message_has_the_same_fingerprint_in_whatever_order_it_came():
    again = everything(tags={"c", "b", "a"}, named={"y": 2, "x": 1})
    assert fingerprint_of(again) == fingerprint_of(everything())
    assert len(fingerprint_of(again)) <= 64


def test_models_of_pydantic_have_fingerprints_too():
    pydantic = pytest.importorskip("pydantic")

    class Pay(pydantic.BaseModel):
        amount: Decimal

    assert fingerprint_of(Pay(amount=Decimal(1))) != fingerprint_of(Pay(amount=Decimal(2)))
    assert fingerprint_of(Pay(amount=Decimal(1))) == fingerprint_of(Pay(amount=Decimal(1)))


def test_structs_have_fingerprints_too():
    class Pay(msgspec.Struct):
        amount: int

    assert fingerprint_of(Pay(1)) != fingerprint_of(Pay(2))
