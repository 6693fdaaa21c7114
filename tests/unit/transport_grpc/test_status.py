"""The table between errors and ``google.rpc.Status``, without a socket."""

from datetime import UTC, datetime
from uuid import UUID

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given, settings, strategies as st

from hardy.core import CANONICAL, Code, FailedPrecondition, Fault, Internal, InvalidMessage, Malformed, NotFound
from hardy.transport.grpc._status import BUDGET, LONGEST_MESSAGE, code_of, error_of, message_of, status_of


class OutOfStock(FailedPrecondition):
    """None is left."""


class Shipped(FailedPrecondition):
    """A reason in the user's own spelling."""

    reason = "alreadyShipped"


def there_and_back(error, raises=()):
    status = status_of(error, domain="shop.v1.Shop", call_id="call-1")
    return error_of(code_of(error), message_of(error), status, raises)


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name.lower())
def test_every_code_is_grpcs_own(code):
    error = CANONICAL[code]("no")
    assert code_of(error).value[0] == code.number
    back = there_and_back(error)
    assert (type(back), back.message, back.reason, back.details) == (CANONICAL[code], "no", None, {})


@pytest.mark.parametrize(
    "value",
    ["tea", "5", 5, "true", True, "null", None, 1.5, "1.5", "", " 5", '"quoted"', "[1]", [1, "1"], {"a": {"b": "2"}}, "é\n", 2**62],
    ids=repr,
)  # fmt: skip
def test_details_keep_their_type(value):
    back = there_and_back(NotFound("no", value=value)).details["value"]
    assert (back, type(back)) == (value, type(value))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,8}\Z"),
        st.text(max_size=20) | st.integers(-(2**63), 2**63) | st.booleans(),
        max_size=4,
    )
)
def test_any_details_survive(details):
    error = NotFound("no")
    error.details = details
    expected = {name: _without_halves(value) for name, value in details.items()}
    assert there_and_back(error).details == expected


def _without_halves(value):
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def test_values_json_has_no_type_for_travel_as_their_text():
    when = datetime(2026, 1, 2, tzinfo=UTC)
    back = there_and_back(NotFound("no", id=UUID(int=1), at=when, odd=object))
    assert back.details["id"] == "00000000-0000-0000-0000-000000000001"
    assert back.details["at"] == "2026-01-02T00:00:00Z"
    assert "object" in back.details["odd"]


def test_texts_are_plain_to_foreign_clients():
    status = status_pb2.Status.FromString(status_of(OutOfStock("no", sku="tea"), domain="shop.v1.Shop", call_id="c"))
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == ("OUT_OF_STOCK", "shop.v1.Shop", {"sku": "tea"})


def test_the_services_own_class_comes_back_when_it_is_known():
    assert type(there_and_back(OutOfStock("no"), [Shipped, OutOfStock])) is OutOfStock
    assert type(there_and_back(Shipped("no"), [Shipped, OutOfStock])) is Shipped
    stranger = there_and_back(OutOfStock("no"))
    assert (type(stranger), stranger.reason) == (FailedPrecondition, "out_of_stock")


def test_malformed_and_invalid_messages_keep_their_kind():
    assert type(there_and_back(Malformed("not proto"))) is Malformed
    faults = [Fault("/a", "is missing"), Fault("", "is odd")]
    back = there_and_back(InvalidMessage(faults))
    assert (type(back), list(back.faults)) == (InvalidMessage, faults)


@pytest.mark.parametrize(
    ("given", "back"),
    [(1.5, 1.5), (0, 0.0), (-3, 0.0), (float("inf"), None), (float("nan"), None), (None, None)],
    ids=["fraction", "zero", "past", "endless", "nonsense", "none"],
)
def test_the_time_to_wait_survives(given, back):
    assert there_and_back(NotFound("no", retry_after=given)).retry_after == back


def test_half_characters_break_nothing():
    back = there_and_back(InvalidMessage([Fault("/\udc00", "is \udcff odd")]))
    assert back.faults[0].detail == "is ? odd"
    assert there_and_back(NotFound("\udcff", name="\udcff")).details == {"name": "?"}


@pytest.mark.parametrize(
    "error",
    [
        InvalidMessage([Fault(f"/items/{n}", "x" * 200) for n in range(100)]),
        NotFound("no", blob="x" * 100_000),
        NotFound("x" * 100_000),
        NotFound("ü" * 100_000, blob="x" * 100_000),
        InvalidMessage([Fault("/" + "x" * 100_000, "is long")]),
    ],
    ids=["faults", "details", "message", "both", "pointer"],
)
def test_no_status_is_larger_than_clients_take(error):
    status = status_of(error, domain="shop.v1.Shop", call_id="c")
    assert len(status) <= BUDGET
    back = there_and_back(error)
    assert back.code is error.code
    assert len(message_of(error).encode()) <= LONGEST_MESSAGE


def test_faults_that_find_no_place_are_counted():
    faults = [Fault(f"/items/{n}", "x" * 200) for n in range(100)]
    back = there_and_back(InvalidMessage(faults))
    kept = len(back.faults) - 1
    assert kept > 10
    assert list(back.faults[:kept]) == faults[:kept]
    assert back.faults[-1].detail == f"and {100 - kept} more"


def test_a_peer_without_details_is_read_by_its_code():
    error = error_of(grpc.StatusCode.NOT_FOUND, "gone", None, [OutOfStock])
    assert (type(error), error.message, error.reason) == (NotFound, "gone", None)


@pytest.mark.parametrize("details", [b"\xff\xff", b"nonsense"], ids=["cut", "text"])
def test_a_peers_nonsense_does_not_hide_its_code(details):
    assert type(error_of(grpc.StatusCode.INTERNAL, "oops", details, [])) is Internal


def test_nonsense_inside_of_a_detail_does_not_hide_the_code():
    odd = any_pb2.Any(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff\xff")
    status = status_pb2.Status(code=5, message="gone", details=[odd]).SerializeToString()
    assert type(error_of(grpc.StatusCode.NOT_FOUND, "", status, [])) is NotFound
