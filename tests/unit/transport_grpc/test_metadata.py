"""Metadata, as gRPC has it and as hardy has it."""

import pytest

from hardy.core import InvalidArgument, Metadata
from hardy.transport.grpc._metadata import metadata_of, pairs_of, request_id


def test_bytes_become_base64_and_names_lower_case():
    metadata = metadata_of([("X-Tenant", "acme"), ("trace-bin", b"\x00\xff")])
    assert metadata.pairs() == (("x-tenant", "acme"), ("trace-bin", "AP8="))


def test_what_is_read_can_be_sent():
    pairs = (("x-tenant", "acme"), ("trace-bin", b"\x00\xff"), ("x-tenant", "again"))
    assert pairs_of(metadata_of(pairs)) == pairs


@pytest.mark.parametrize("text", ["AP8=", "AP8"], ids=["padded", "bare"])
def test_base64_may_go_without_padding(text):
    assert pairs_of({"trace-bin": text}) == (("trace-bin", b"\x00\xff"),)


@pytest.mark.parametrize(
    ("name", "value"),
    [("trace-bin", "no base64!"), ("x-name", "ümlaut"), ("x-name", "a\nb"), ("x name", "a"), ("", "a"), ("x\n", "a")],
    ids=["base64", "letter", "newline", "space in name", "no name", "newline in name"],
)
def test_what_grpc_does_not_carry_is_refused(name, value):
    with pytest.raises(InvalidArgument):
        pairs_of(Metadata([(name, value)]))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("call-7_a.B", "call-7_a.B"),
        ("x" * 64, "x" * 64),
        ("x" * 65, None),
        ("", None),
        ("a b", None),
        ("a\n", None),
        ("é", None),
        (b"bytes", None),
    ],
    ids=["plain", "longest", "too long", "empty", "space", "newline", "letter", "bytes"],
)
def test_a_request_id_is_fit_for_logs_or_none(given, kept):
    assert request_id([("a", "b"), ("x-request-id", given)]) == kept


def test_without_a_request_id_there_is_none():
    assert request_id([("a", "b")]) is None
