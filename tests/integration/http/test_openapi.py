"""The API document: valid, deterministic, and true."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import jsonschema
import pytest
from openapi_spec_validator import validate

from hardy.auth import has_scope, public, signed_in
from hardy.core import FailedPrecondition, NotFound
from hardy.schema import Ge, MaxLen
from hardy.transport import http


class OutOfStock(FailedPrecondition):
    """Nothing is left."""


class OrderUnknown(NotFound):
    """There is no such order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """An order to be placed.

    Example:
        {"sku": "tea", "quantity": 2}
    """

    sku: Annotated[str, MaxLen(10)]
    """What to buy."""
    quantity: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True)
class Order:
    """What was ordered."""

    id: UUID
    sku: str
    version: int = 1


async def place_order(msg: PlaceOrder) -> Order:
    """Place an order.

    It is paid later.
    """
    return Order(UUID(int=1), msg.sku)


async def get_order(order_id: UUID) -> Order:
    """Look one order up."""
    return Order(order_id, "tea")


async def change_order(order_id: UUID, version: int, sku: str, note: str | None = None) -> Order:
    """Change an order.

    Example:
        {"sku": "coffee"}
    """
    return Order(order_id, sku, version)


async def list_orders(limit: Annotated[int, Ge(1)] = 10, tags: list[str] = [], since: str | None = None) -> list[Order]:  # noqa: B006
    """List orders."""
    return []


async def drop_order(order_id: UUID) -> None: ...


async def watch() -> AsyncIterator[Order]:
    yield Order(UUID(int=1), "tea")


async def load(items: AsyncIterator[PlaceOrder]) -> int:
    return 0


async def talk(items: AsyncIterator[PlaceOrder]) -> AsyncIterator[Order]:
    yield Order(UUID(int=1), "tea")


async def webhook(request: http.Request) -> http.Response:
    """Take a webhook."""
    return http.Response(body=await request.body())


SCHEMES = {"jwt": {"type": "http", "scheme": "bearer"}}


@pytest.fixture
def exposed(chain):
    return [
        chain(place_order, http.post("/orders", status=201, location="/orders/{id}"), allow=signed_in),
        chain(list_orders, http.get("/orders"), allow=public),
        chain(get_order, http.get("/orders/{order_id}", etag="version"), allow=signed_in, raises=(OrderUnknown,)),
        chain(
            change_order,
            http.patch("/orders/{order_id}", bind={"version": http.header("If-Match")}, summary="Other words."),
            allow=has_scope("orders:write"),
            raises=(OutOfStock, OrderUnknown),
        ),
        chain(drop_order, http.delete("/orders/{order_id}"), allow=signed_in),
        chain(watch, http.prefix("/v1").get("/watch"), allow=public),
        chain(load, http.post("/load"), allow=public),
        chain(talk, http.get("/talk"), allow=public),
        chain(webhook, http.raw.post("/hooks/{name}"), allow=public),
        chain(webhook, http.raw.get("/files/{rest:path}"), allow=public),
    ]


@pytest.fixture
def document(exposed):
    return http.openapi(exposed, title="orders", version="1.2.3", security=SCHEMES)


def test_the_document_is_valid_openapi_3_1(document):
    validate(json.loads(json.dumps(document)))


def test_the_same_service_gives_the_same_bytes(exposed):
    texts = {json.dumps(http.openapi(exposed, title="orders", security=SCHEMES)) for _ in range(3)}
    assert len(texts) == 1


def test_operations_are_named_after_their_use_cases_once_each(document):
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert ids == [
        "place_order", "list_orders", "get_order", "change_order", "drop_order", "watch", "load", "talk", "webhook", "webhook_2",
    ]  # fmt: skip


def test_words_come_from_docstrings_and_the_route(document):
    place = document["paths"]["/orders"]["post"]
    assert (place["summary"], place["description"]) == ("Place an order.", "It is paid later.")
    assert document["paths"]["/orders/{order_id}"]["patch"]["summary"] == "Other words."
    assert document["components"]["schemas"]["PlaceOrder"]["properties"]["sku"]["description"] == "What to buy."


def test_examples_come_from_docstrings_and_fit_their_schemas(document):
    schemas = document["components"]["schemas"]
    assert schemas["PlaceOrder"]["examples"] == [{"sku": "tea", "quantity": 2}]
    assert schemas["PlaceOrder"]["description"] == "An order to be placed."
    jsonschema.validate(schemas["PlaceOrder"]["examples"][0], schemas["PlaceOrder"])
    patch = document["paths"]["/orders/{order_id}"]["patch"]
    assert patch["requestBody"]["content"]["application/json"]["example"] == {"sku": "coffee"}
    assert "Example" not in json.dumps(patch)


def test_parameters_are_where_the_layout_says(document):
    patch = document["paths"]["/orders/{order_id}"]["patch"]
    assert [(each["name"], each["in"], each["required"]) for each in patch["parameters"]] == [
        ("order_id", "path", True),
        ("If-Match", "header", True),
    ]
    body = document["components"]["schemas"]["ChangeOrderBody"]
    assert list(body["properties"]) == ["sku", "note"]
    assert body["required"] == ["sku"]
    query = {each["name"]: each for each in document["paths"]["/orders"]["get"]["parameters"]}
    assert query["limit"]["schema"]["default"] == 10
    assert query["limit"]["schema"]["minimum"] == 1
    assert query["tags"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert query["since"]["schema"]["type"] == "string"


def test_answers_are_grouped_by_status_with_their_reasons(document):
    patch = document["paths"]["/orders/{order_id}"]["patch"]["responses"]
    assert list(patch) == ["200", "400", "401", "403", "404", "412", "422", "428", "default"]
    assert "`out_of_stock`: Nothing is left." in patch["412"]["description"]
    unknown = patch["404"]["content"]["application/problem+json"]["schema"]
    assert unknown["allOf"][1]["properties"]["reason"]["anyOf"][0] == {"enum": ["order_unknown"]}
    get = document["paths"]["/orders/{order_id}"]["get"]["responses"]
    assert "304" in get
    assert "ETag" in get["200"]["headers"]
    assert "Location" in document["paths"]["/orders"]["post"]["responses"]["201"]["headers"]
    assert "content" not in document["paths"]["/orders/{order_id}"]["delete"]["responses"]["204"]


def test_security_is_asked_of_what_is_not_public(document):
    assert document["paths"]["/orders"]["post"]["security"] == [{"jwt": []}]
    assert document["paths"]["/orders"]["get"]["security"] == []
    assert document["paths"]["/orders/{order_id}"]["patch"]["x-allow"] == "has_scope('orders:write')"
    assert document["components"]["securitySchemes"] == SCHEMES


def test_streams_say_what_their_items_are(document):
    item = {"x-itemSchema": {"$ref": "#/components/schemas/Order"}}
    watched = document["paths"]["/v1/watch"]["get"]
    assert watched["responses"]["200"]["content"] == {"application/x-ndjson": item, "text/event-stream": item}
    assert watched["tags"] == ["watch"]
    loaded = document["paths"]["/load"]["post"]["requestBody"]["content"]
    assert loaded == {"application/x-ndjson": {"x-itemSchema": {"$ref": "#/components/schemas/PlaceOrder"}}}
    assert document["paths"]["/talk"]["get"]["responses"]["101"]


def test_names_follow_the_json_case(exposed):
    document = http.openapi(exposed, title="orders", json_case="camel")
    patch = document["paths"]["/orders/{order_id}"]["patch"]
    assert patch["parameters"][0]["name"] == "order_id"


async def test_answers_fit_the_document(serve, exposed, document):
    client = await serve(*exposed, pages=http.pages(document))
    served = (await client.get("/openapi.json")).json()
    assert served == json.loads(json.dumps(document))
    schemas = {"components": served["components"]}
    placed = await client.post("/orders", json={"sku": "tea"})
    jsonschema.validate(placed.json(), {**schemas, "$ref": "#/components/schemas/Order"})
    refused = await client.post("/orders", json={"sku": 1})
    jsonschema.validate(refused.json(), {**schemas, "$ref": "#/components/schemas/Problem"})
    assert (await client.post("/openapi.json")).status_code == 405
    assert (await client.head("/docs")).content == b""
