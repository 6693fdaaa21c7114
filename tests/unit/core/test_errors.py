"""Errors are answers: their code, their reason, and how they come back from a peer."""

import pytest

from hardy.core import (
    CANONICAL,
    AlreadyExists,
    Code,
    Error,
    FailedPrecondition,
    Fault,
    InvalidArgument,
    InvalidMessage,
    Malformed,
    NotFound,
    ResourceExhausted,
    Unavailable,
    error_from_wire,
)


class OutOfStock(FailedPrecondition):
    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} is sold out", sku=sku)


class HTTPGone(NotFound): ...


class Renamed(NotFound):
    reason = "not_here"


def test_every_code_has_a_class_named_after_it():
    assert {code: cls.__name__ for code, cls in CANONICAL.items()} == {
        code: "".join(word.capitalize() for word in code.name.split("_")) for code in Code
    }


def test_codes_have_the_numbers_of_grpc():
    assert [code.number for code in Code] == list(range(1, 17))
    assert (Code.of_number(5), Code.of_number(0), Code.of_number(99)) == (Code.NOT_FOUND, Code.UNKNOWN, Code.UNKNOWN)
    assert (Code.of_name("ABORTED"), Code.of_name("OK"), Code.of_name("")) == (Code.ABORTED, Code.UNKNOWN, Code.UNKNOWN)


def test_an_error_carries_a_message_for_the_caller_and_facts():
    error = ResourceExhausted("too many orders", retry_after=3, limit=10)
    assert (str(error), error.message, error.retry_after, error.details) == (
        "too many orders", "too many orders", 3, {"limit": 10},
    )  # fmt: skip
    assert repr(error) == "ResourceExhausted('too many orders')"


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (OutOfStock, "out_of_stock"),
        (HTTPGone, "http_gone"),
        (Renamed, "not_here"),
        (NotFound, None),
        (Error, None),
        (Malformed, "malformed"),
        (InvalidMessage, "invalid_message"),
    ],
)
def test_the_reason_is_the_slug_of_the_class(cls, reason):
    assert cls.reason == reason


def test_a_child_has_the_code_of_its_parent():
    assert OutOfStock("tea").code is Code.FAILED_PRECONDITION
    assert Error("?").code is Code.UNKNOWN


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ([Fault("/quantity", "must be at least 1")], "quantity must be at least 1"),
        ([Fault("/items/0/sku", "is missing")], "items.0.sku is missing"),
        ([Fault("", "must be an object")], "must be an object"),
        ([Fault("/a", "x"), Fault("/b", "y")], "the message has 2 faults"),
    ],
    ids=["one", "deep", "the whole", "two"],
)
def test_an_invalid_message_says_what_is_wrong(faults, message):
    error = InvalidMessage(faults)
    assert (error.message, error.faults, error.code) == (message, tuple(faults), Code.INVALID_ARGUMENT)


@pytest.mark.parametrize("code", list(Code), ids=lambda code: code.name)
def test_each_code_comes_back_as_its_class(code):
    error = error_from_wire(code, "why")
    assert type(error) is CANONICAL[code]
    assert (error.message, error.details, error.reason, error.retry_after) == ("why", {}, None, None)


def test_a_reason_that_is_known_comes_back_as_its_class():
    error = error_from_wire(
        Code.FAILED_PRECONDITION,
        "tea is sold out",
        reason="out_of_stock",
        details={"sku": "tea"},
        retry_after=2,
        raises=[HTTPGone, OutOfStock],
    )
    assert type(error) is OutOfStock
    assert (str(error), error.details, error.retry_after, error.args) == (
        "tea is sold out", {"sku": "tea"}, 2, ("tea is sold out",),
    )  # fmt: skip


def test_a_reason_nobody_knows_comes_back_as_the_class_of_its_code():
    error = error_from_wire(Code.ALREADY_EXISTS, "taken", reason="name_taken", raises=[OutOfStock])
    assert type(error) is AlreadyExists
    assert error.reason == "name_taken"
    assert AlreadyExists.reason is None


def test_a_reason_under_another_code_is_another_reason():
    error = error_from_wire(Code.UNAVAILABLE, "later", reason="out_of_stock", raises=[OutOfStock])
    assert type(error) is Unavailable


def test_faults_come_back_as_an_invalid_message():
    error = error_from_wire(Code.INVALID_ARGUMENT, "no", reason="invalid_message", faults=[Fault("/a", "is missing")])
    assert type(error) is InvalidMessage
    assert error.faults == (Fault("/a", "is missing"),)


def test_malformed_comes_back_as_itself():
    assert type(error_from_wire(Code.INVALID_ARGUMENT, "no", reason="malformed")) is Malformed
    assert type(error_from_wire(Code.INVALID_ARGUMENT, "no")) is InvalidArgument
