"""One message in, one reply out, over the real server."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, TypedDict
from uuid import UUID

import msgspec
import pytest

from hardy.core import FailedPrecondition, Kind, NotFound, Unauthenticated, Unavailable, current_call
from hardy.schema import Ge
from hardy.transport import http


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    sku: str
    quantity: Annotated[int, Ge(1)]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: int
    sku: str
    quantity: int
    version: int = 1


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Address(TypedDict):
    city: str


class Point(msgspec.Struct):
    x: int
    y: int = 0


async def place_order(msg: PlaceOrder) -> Order:
    return Order(id=7, sku=msg.sku, quantity=msg.quantity)


async def get_order(order_id: UUID) -> dict[str, str]:
    return {"id": str(order_id)}


async def test_a_message_is_the_json_body_and_the_reply_is_json(serve):
    client = await serve((place_order, http.post("/orders", status=201, location="/orders/{id}")))
    answer = await client.post("/orders", json={"sku": "tea", "quantity": 2, "unknown": 1})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["location"] == "/orders/7"
    assert answer.json() == {"id": 7, "sku": "tea", "quantity": 2, "version": 1}


async def test_every_answer_carries_the_id_of_its_call(serve):
    client = await serve((place_order, http.post("/orders")))
    given = await client.post("/orders", json={"sku": "tea", "quantity": 2}, headers={"x-request-id": "abc-1"})
    made = await client.post("/orders", json={"sku": "tea", "quantity": 0})
    hostile = await client.post("/orders", json={}, headers={"x-request-id": "<script>"})
    assert given.headers["x-request-id"] == "abc-1"
    assert len(made.headers["x-request-id"]) == 32
    assert made.json()["call"] == made.headers["x-request-id"]
    assert "<" not in hostile.headers["x-request-id"]


async def test_all_faults_of_path_query_header_and_body_come_at_once(serve):
    async def change(order_id: UUID, quantity: Annotated[int, Ge(1)], day: date, dry: bool, sku: str) -> None: ...

    route = http.put("/orders/{order_id}", bind={"dry": http.query("dry-run"), "day": http.header("X-Day")})
    client = await serve((change, route))
    answer = await client.put("/orders/x?dry-run=maybe", json={"quantity": 0}, headers={"x-day": "soon"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    faults = {each["pointer"]: each["detail"] for each in answer.json()["errors"]}
    assert set(faults) == {"/order_id", "/dry", "/day", "/quantity", "/sku"}
    assert faults["/order_id"].endswith("(in the path)")
    assert faults["/dry"].endswith("(query dry-run)")
    assert faults["/day"].endswith("(header x-day)")
    assert "(" not in faults["/quantity"]


async def test_path_and_query_become_the_types_of_the_parameters(serve):
    seen = {}

    async def find(
        shop: str,
        since: datetime | None = None,
        tags: list[str] = [],  # noqa: B006
        sizes: set[Size] = set(),  # noqa: B006
        limit: Annotated[int, Ge(1)] = 10,
        exact: bool = False,
        rate: float = 1.0,
    ) -> int:
        seen.update(locals())
        return limit

    client = await serve((find, http.get("/shops/{shop}/orders")))
    answer = await client.get(
        "/shops/caf%C3%A9%2Fbar/orders?tags=a&tags=b+c&sizes=small&limit=3&exact=true&rate=0.5"
        "&since=2024-01-01T00:00:00Z&unknown=1"
    )
    assert (answer.status_code, answer.json()) == (200, 3)
    assert seen["shop"] == "café/bar"
    assert seen["tags"] == ["a", "b c"]
    assert seen["sizes"] == {Size.SMALL}
    assert seen["exact"] is True
    assert seen["since"].year == 2024
    defaults = await client.get("/shops/x/orders")
    assert defaults.json() == 10
    assert (seen["tags"], seen["since"], seen["rate"]) == ([], None, 1.0)


async def test_a_message_class_is_filled_from_path_and_body_alike(serve):
    @dataclass
    class Move:
        order_id: int
        place: str
        note: str | None = None

    async def move(msg: Move) -> str:
        return f"{msg.order_id} {msg.place} {msg.note}"

    client = await serve((move, http.put("/orders/{order_id}/place")))
    answer = await client.put("/orders/7/place", json={"place": "there", "order_id": 9})
    assert answer.json() == "7 there None"


async def test_the_one_remaining_dataclass_is_the_body(serve):
    async def replace(order_id: int, order: PlaceOrder) -> str:
        return f"{order_id} {order.sku}"

    client = await serve((replace, http.put("/orders/{order_id}")))
    good = await client.put("/orders/7", json={"sku": "tea", "quantity": 1})
    bad = await client.put("/orders/x", json={"sku": "tea", "quantity": 0})
    assert good.json() == "7 tea"
    assert {each["pointer"] for each in bad.json()["errors"]} == {"/order_id", "/quantity"}


async def test_a_dataclass_beside_plain_parameters_is_a_member_of_the_body(serve):
    async def replace(order_id: int, order: PlaceOrder, force: bool = False) -> str:
        return f"{order_id} {order.sku} {force}"

    client = await serve((replace, http.put("/orders/{order_id}")))
    answer = await client.put("/orders/7", json={"order": {"sku": "tea", "quantity": 1}, "force": True})
    assert answer.json() == "7 tea True"


async def test_a_tail_takes_the_rest_of_the_path(serve):
    async def read(rest: str) -> str:
        return rest

    async def index() -> str:
        return "index"

    client = await serve((read, http.get("/files/{rest:path}")), (index, http.get("/files/index")))
    assert (await client.get("/files/a/b%20c/d")).json() == "a/b c/d"
    assert (await client.get("/files/index")).json() == "index"
    assert (await client.get("/files/")).status_code == 404


@pytest.mark.parametrize(
    ("use_case_returns", "body", "status"),
    [(None, b"", 204), (3, b"3", 200), ([1, 2], b"[1,2]", 200), ("x", b'"x"', 200)],
    ids=["nothing", "number", "list", "text"],
)
async def test_replies_that_are_no_message_are_json_values(serve, use_case_returns, body, status):
    async def reply():
        return use_case_returns

    reply.__annotations__ = {"return": type(use_case_returns) if use_case_returns is not None else None}
    client = await serve((reply, http.get("/")))
    answer = await client.get("/")
    assert (answer.status_code, answer.content) == (status, body)


async def test_nothing_where_something_optional_may_be_is_null(serve):
    async def find() -> Order | None:
        return None

    client = await serve((find, http.get("/")))
    answer = await client.get("/")
    assert (answer.status_code, answer.content) == (200, b"null")


@pytest.mark.parametrize("message", [Address, Point], ids=["TypedDict", "Struct"])
async def test_other_families_of_messages_are_read_alike(serve, message):
    async def echo(msg):
        return msg

    echo.__annotations__ |= {"msg": message, "return": message}
    client = await serve((echo, http.post("/")), (echo, http.get("/q")))
    sent = {"city": "x"} if message is Address else {"x": 1, "y": 0}
    assert (await client.post("/", json=sent)).json() == sent
    assert (await client.get("/q", params=sent)).json() == sent


async def test_an_empty_body_is_fine_when_nothing_in_it_is_required(serve):
    async def cancel(order_id: int, reason: str = "none") -> str:
        return reason

    client = await serve((cancel, http.post("/orders/{order_id}/cancel")), (place_order, http.post("/orders")))
    assert (await client.post("/orders/7/cancel")).json() == "none"
    missing = await client.post("/orders")
    assert (missing.status_code, missing.json()["detail"]) == (400, "the body is missing")


async def test_members_are_written_in_camel_case_where_the_app_says_so(serve):
    async def place(order_id: int, unit_price: int, page_size: int = 1) -> dict[str, int]:
        return {"a": order_id + unit_price + page_size}

    @dataclass
    class Line:
        unit_price: int

    async def line(msg: Line) -> Line:
        return msg

    route = http.put("/orders/{order_id}", bind={"page_size": http.query("pageSize")})
    client = await serve((place, route), (line, http.post("/lines")), (place, http.get("/all")), json_case="camel")
    assert (await client.put("/orders/1?pageSize=5", json={"unitPrice": 2})).json() == {"a": 8}
    assert (await client.post("/lines", json={"unitPrice": 2})).json() == {"unitPrice": 2}
    assert (await client.get("/all?orderId=1&unitPrice=2&pageSize=3")).json() == {"a": 6}
    bad = await client.put("/orders/x", json={})
    assert {each["pointer"] for each in bad.json()["errors"]} == {"/orderId", "/unitPrice"}


async def test_cookies_and_headers_can_be_bound(serve):
    async def look(theme: str, agent: str, ids: list[int]) -> str:
        return f"{theme} {agent} {ids}"

    bind = {"theme": http.cookie("theme"), "agent": http.header("User-Agent"), "ids": http.header("X-Ids")}
    client = await serve((look, http.get("/", bind=bind)))
    answer = await client.get("/", headers={"cookie": "a=b; theme=dark", "user-agent": "me", "x-ids": "1, 2"})
    assert answer.json() == "dark me [1, 2]"


async def test_the_call_knows_its_headers_its_peer_and_its_timeout(serve):
    async def look() -> list[str]:
        call = current_call()
        assert call is not None
        assert call.operation.kind is Kind.UNARY
        return [call.metadata["x-a"], call.peer.rpartition(":")[0], str(call.timeout)]

    client = await serve((look, http.get("/")))
    answer = await client.get("/", headers={"x-a": "1", "request-timeout": "2.5"})
    assert answer.json() == ["1", "127.0.0.1", "2.5"]
    for odd in ("nan", "-1", "soon", "1e99"):
        assert (await client.get("/", headers={"x-a": "1", "request-timeout": odd})).json()[2] == "None"


async def test_errors_are_problems_with_code_reason_details_and_the_time_to_wait(serve):
    class OutOfStock(FailedPrecondition): ...

    async def buy() -> None:
        raise OutOfStock("sold out", sku="tea", retry=UUID(int=1))

    async def busy() -> None:
        raise Unavailable("not now", retry_after=1.5)

    async def login() -> None:
        raise Unauthenticated("who are you")

    async def broken() -> None:
        raise ValueError("secret")

    client = await serve(
        (buy, http.post("/buy")),
        (busy, http.post("/busy")),
        (login, http.post("/login")),
        (broken, http.post("/broken")),
        challenges=["Bearer", 'ApiKey realm="a"'],
        headers=[("X-Frame", "no")],
    )
    sold_out = await client.post("/buy")
    assert sold_out.status_code == 409
    assert sold_out.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "sold out",
        "code": "FAILED_PRECONDITION",
        "reason": "out_of_stock",
        "call": sold_out.headers["x-request-id"],
        "details": {"sku": "tea", "retry": str(UUID(int=1))},
    }
    assert sold_out.headers["x-frame"] == "no"
    assert (await client.post("/busy")).headers["retry-after"] == "2"
    assert (await client.post("/login")).headers.get_list("www-authenticate") == ["Bearer", 'ApiKey realm="a"']
    defect = await client.post("/broken")
    assert (defect.status_code, defect.json()["detail"]) == (500, "internal error")
    assert "secret" not in defect.text


async def test_the_format_of_errors_can_be_replaced(serve):
    async def missing() -> None:
        raise NotFound("no")

    def render(problem: http.Problem) -> tuple[bytes, str]:
        return f"{problem.status} {problem.detail}".encode(), "text/plain"

    client = await serve((missing, http.get("/")), render_problem=render)
    assert (await client.get("/")).text == "404 no"
    assert (await client.get("/elsewhere")).text == "404 no such path"


async def test_a_reply_that_cannot_be_encoded_is_an_internal_error(serve):
    async def odd() -> int:
        return object()  # type: ignore[return-value]

    client = await serve((odd, http.get("/")))
    assert (await client.get("/")).status_code == 500


async def test_a_message_may_refuse_itself(serve):
    @dataclass
    class Span:
        first: int
        last: int

        def __post_init__(self):
            if self.last < self.first:
                raise ValueError("last is before first")

    async def span(msg: Span) -> int:
        return msg.last - msg.first

    client = await serve((span, http.put("/{first}")))
    assert (await client.put("/1", json={"last": 3})).json() == 2
    refused = await client.put("/5", json={"last": 3})
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"pointer": "", "detail": "last is before first"}])
