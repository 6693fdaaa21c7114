"""Whatever the OpenAPI document allows or forbids: no answer is a 5xx, and none is one that is not documented.

The cases are made by Schemathesis, half of them to be taken and half of them to be refused.
"""

import json
import urllib.request

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NOT_SET
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from orders.domain import Feed

CONFIG = SchemathesisConfig.from_dict(
    {
        # Unknown parameters are ignored, and who is calling has tests of its own.
        "generation": {"allow-extra-parameters": False, "with-security-parameters": False},
        # A version that is not the order's is well formed, and refused.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "412"]}},
    }
)


class Past:
    """A feed that ends: what it tells has happened already. Schemathesis does not hang up by itself."""

    async def events(self, *, since=None):
        return self._nothing()

    async def _nothing(self):
        return
        yield


@pytest.fixture
def app(app):
    with app.override({Feed: Past()}):
        yield app


@pytest.fixture
def placed(served):
    """Ids of orders that are there, so that not every case ends at 404."""

    def place() -> str:
        request = urllib.request.Request(f"{served.http}/orders", b'{"sku": "tea", "quantity": 1}', served.headers)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)["id"]

    return [place() for _ in range(20)]


@pytest.mark.parametrize("total", [200, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_no_case_is_answered_by_a_failure_or_in_another_shape(served, placed, total):
    schema = schemathesis.openapi.from_dict(document(served), config=CONFIG)
    operations = [each.ok() for each in schema.get_all_operations()]
    called: list[int] = []

    def try_out(operation, mode):
        @settings(
            max_examples=-(-total // (len(operations) * len(modes_of(operation)))),
            deadline=None,
            database=None,
            derandomize=total == 200,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), known=st.sampled_from([None, *placed]))
        def one(case, known):
            if known and "order_id" in (case.path_parameters or {}):
                case.path_parameters["order_id"] = known
            case.body = without_fractions(case.body)
            response = case.call(base_url=served.http, headers=served.headers, timeout=10)
            called.append(response.status_code)
            case.validate_response(response, headers=served.headers, excluded_checks=list(mistaken(case)))

        one()

    # An operation without parameters has few different cases: the others make up for it.
    while len(called) < total:
        for operation in operations:
            for mode in modes_of(operation):
                try_out(operation, mode)

    assert {200, 201, 422} <= set(called)


def mistaken(case):
    """Checks that do not know what they look at."""
    if case.body is NOT_SET:
        yield negative_data_rejection  # a body that may be left out, left out
    if "x-websocket" in case.operation.definition.raw:
        yield positive_data_acceptance  # plain HTTP


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """Write a list as one JSON value a line, and anything else as the only one."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in (value if isinstance(value, list) else [value]))


def document(served):
    """The OpenAPI document, with streams in the words of 3.1: those of 3.2 are not read yet."""
    with urllib.request.urlopen(f"{served.http}/openapi.json") as reply:
        document = json.load(reply)
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                if "x-itemSchema" in content:
                    content["schema"] = {"type": "array", "items": content["x-itemSchema"]}
    return document


def modes_of(operation) -> list[GenerationMode]:
    """Requests to be taken, and to be refused where the document says anything that a request may break."""
    can_be_wrong = [*operation.iter_parameters(), *operation.body]
    return list(GenerationMode) if can_be_wrong else [GenerationMode.POSITIVE]


def without_fractions(value):
    """Write 3.0 as 3: JSON Schema takes both for an integer, hardy takes what clients in other languages can send."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [without_fractions(each) for each in value]
        case dict():
            return {name: without_fractions(each) for name, each in value.items()}
        case _:
            return value
