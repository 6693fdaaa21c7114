"""The small readers: negotiation, queries, tags, statuses, problems, docstrings."""

import json
from decimal import Decimal

import pytest

from hardy.core import CANONICAL, Code, Fault, InvalidMessage, Malformed, NotFound
from hardy.transport import http
from hardy.transport.http._accept import choose_stream, quality
from hardy.transport.http._call import request_id
from hardy.transport.http._endpoint import entity_tag
from hardy.transport.http._examples import split_doc
from hardy.transport.http._problem import Problem, encode_anything
from hardy.transport.http._query import parse_cookies, parse_query, parse_tags, version_of
from hardy.transport.http._status import NotAcceptable


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/json", 1.0),
        ("application/*;q=0.3, */*;q=0.1", 0.3),
        ("application/json;q=0.2, */*", 0.2),
        ("APPLICATION/JSON ; q=0.5", 0.5),
        ("application/json;q=x", 0.0),
        ("application/json;q=7", 1.0),
        ("application/json;charset=utf-8", 1.0),
        ("text/*", 0.0),
        (",,;,", 0.0),
    ],
)
def test_the_most_exact_range_says_how_much_json_is_wanted(accept, wanted):
    assert quality(accept, "application/json") == wanted


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (b"text/event-stream, application/x-ndjson", "application/x-ndjson"),
        (b"text/*", "text/event-stream"),
        (b"application/*", "application/x-ndjson"),
        (b"application/jsonl;q=0.9, application/x-ndjson;q=0.1", "application/jsonl"),
    ],
)
def test_a_stream_takes_the_form_that_is_wanted_most(accept, form):
    assert choose_stream(accept) == form


def test_a_stream_nobody_wants_is_refused():
    with pytest.raises(NotAcceptable):
        choose_stream(b"text/html")


def test_a_query_is_read_in_order_and_bounded():
    assert parse_query("a=1&b&a=&=x&&c=%26%3D") == [("a", "1"), ("b", ""), ("a", ""), ("", "x"), ("c", "&=")]
    with pytest.raises(Malformed):
        parse_query("a&" * 1001)


def test_cookies_keep_the_first_of_a_name():
    assert parse_cookies(b'a=1; a=2; b="q"; odd; c=x=y') == {"a": "1", "b": "q", "c": "x=y"}


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"a"', ['"a"']),
        ('"a", W/"b" ,"c,d"', ['"a"', 'W/"b"', '"c,d"']),
        ("3, 4", ['"3"', '"4"']),
        ('"unclosed', ['"unclosed"']),
        ("", []),
    ],
)
def test_entity_tags_are_taken_apart(value, tags):
    assert parse_tags(value) == tags


@pytest.mark.parametrize("version", [3, "a b", 'quo"te', "50%", "ü", "2024-01-01T00:00:00+00:00"])
def test_a_version_survives_being_an_entity_tag(version):
    assert version_of(entity_tag(version).decode("ascii"), "/version") == str(version)


def test_any_version_is_none():
    assert version_of(" * ", "/version") is None
    with pytest.raises(InvalidMessage):
        version_of("", "/version")


@pytest.mark.parametrize(
    ("given", "kept"),
    [(b"a-b_C.9", True), (b"x" * 64, True), (b"x" * 65, False), (b"", False), (b"a b", False), (b"a\xff", False)],
)
def test_only_a_harmless_request_id_is_kept(given, kept):
    assert request_id(given) == (given.decode() if kept else None)


STATUSES = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 409,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_each_code_has_its_status(code):
    assert http.status_of(CANONICAL[code]("no")) == STATUSES[code.name]


def test_a_class_of_ones_own_has_the_status_of_its_code():
    class Gone(NotFound): ...

    class Wrong(Malformed): ...

    assert http.status_of(Gone("no")) == 404
    assert http.status_of(Wrong("no")) == 400
    assert http.status_of(InvalidMessage([Fault("/a", "is wrong")])) == 422


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, Code.UNAUTHENTICATED), (418, Code.INVALID_ARGUMENT), (503, Code.UNAVAILABLE), (599, Code.UNKNOWN)],
)
def test_a_status_without_a_code_has_the_nearest(status, code):
    assert http.code_of(status) is code


def test_any_error_can_be_told():
    odd = {"price": Decimal("9.99"), "thing": object(), "text": "\ud800"}
    body = encode_anything(Problem.of(NotFound("no \ud800", **odd), call="me").members())
    assert json.loads(body)["detail"] == "no ?"
    fine = json.loads(encode_anything(Problem.of(NotFound("no", price=Decimal("9.99")), call="me").members()))
    assert fine["details"] == {"price": "9.99"}


def test_titles_are_the_words_of_the_status():
    assert Problem(status=499, detail="", code="CANCELLED").title == "Client Closed Request"
    assert Problem(status=422, detail="", code="INVALID_ARGUMENT").title.startswith("Unprocessable")


@pytest.mark.parametrize(
    ("doc", "rest", "example"),
    [
        ("Say.", "Say.", None),
        ("Say.\n\nExample:\n    [1,\n     2]\n\nMore.", "Say.\n\nMore.", [1, 2]),
        ("Say.\n\nExample:\n    >>> 1\n    1", "Say.\n\nExample:\n    >>> 1\n    1", None),
        ("", "", None),
    ],
    ids=["none", "json", "doctest", "empty"],
)
def test_an_example_in_a_docstring_is_json_below_its_line(doc, rest, example):
    assert split_doc(doc) == (rest, example)
