"""What RFC 9110 asks of every resource: methods, negotiation, conditions."""

import asyncio
from dataclasses import dataclass

import pytest

from hardy.core import Aborted, BuildFailed, FailedPrecondition, NotFound
from hardy.transport import http


@dataclass(frozen=True)
class Order:
    id: str
    version: int


async def get_order(order_id: str) -> Order:
    if order_id == "none":
        raise NotFound("no such order")
    return Order(order_id, 3)


async def put_order(order_id: str, version: int) -> Order:
    if version != 3:
        raise Aborted("somebody was faster")
    return Order(order_id, version + 1)


async def touch(order_id: str, version: int | None = None) -> None:
    if version not in {None, 3}:
        raise FailedPrecondition("changed meanwhile")
    if order_id == "shipped":
        raise FailedPrecondition("shipped")


async def drop(order_id: str) -> None: ...


async def place(sku: str) -> str:
    return sku


ORDERS = [
    (get_order, http.get("/orders/{order_id}", etag="version")),
    (put_order, http.put("/orders/{order_id}", etag="version", bind={"version": http.header("If-Match")})),
    (touch, http.patch("/orders/{order_id}", bind={"version": http.header("If-Match")})),
    (drop, http.delete("/orders/{order_id}")),
    (place, http.post("/orders")),
]


@pytest.fixture
async def client(serve):
    return await serve(*ORDERS)


@pytest.mark.parametrize("method", ["GET", "PUT"], ids=["no such path", "no such method"])
async def test_what_reaches_no_operation_has_an_id_as_every_answer_has(client, method):
    answer = await client.request(method, "/orders" if method == "PUT" else "/nowhere")
    assert answer.json()["call"] == answer.headers["x-request-id"]
    assert len(answer.json()["call"]) == 32


async def test_an_unknown_path_is_a_404_problem(client):
    answer = await client.get("/nowhere", headers={"x-request-id": "me"})
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no such path",
        "code": "NOT_FOUND",
        "reason": "no_such_path",
        "call": "me",
    }


@pytest.mark.parametrize("path", ["/orders/", "/orders/7/", "//orders", "/orders//7", "/Orders"])
async def test_another_slash_or_case_is_another_path(client, path):
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("method", ["POST", "TRACE", "BREW"])
async def test_another_method_is_a_405_that_says_what_is_allowed(client, method):
    answer = await client.request(method, "/orders/7")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert answer.json()["code"] == "UNIMPLEMENTED"


async def test_options_says_what_is_allowed(client):
    answer = await client.options("/orders")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "OPTIONS, POST", b"")
    assert (await client.options("/nowhere")).status_code == 404


async def test_head_has_the_headers_of_get_and_no_body(client):
    get = await client.get("/orders/7")
    head = await client.head("/orders/7")
    assert head.status_code == get.status_code
    assert head.content == b""
    for name in ("content-type", "content-length", "etag"):
        assert head.headers[name] == get.headers[name]
    assert (await client.head("/orders/none")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*;q=0.1", 200),
        ("text/html, */*;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0, */*", 406),
        ("*/*;q=0", 406),
        ("", 406),
    ],
)
async def test_a_client_that_takes_no_json_is_told_so(client, accept, status):
    answer = await client.get("/orders/7", headers={"accept": accept})
    assert answer.status_code == status
    assert answer.headers["content-type"] == ("application/json" if status == 200 else "application/problem+json")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 200),
        ({"content-type": "application/json; charset=UTF-8"}, 200),
        ({"content-type": "application/merge-patch+json"}, 200),
        ({}, 200),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json", "content-encoding": "br"}, 415),
        ({"content-type": "application/json", "content-encoding": "identity"}, 200),
    ],
)
async def test_a_body_that_is_not_json_is_refused(client, headers, status):
    answer = await client.post("/orders", content=b'{"sku":"tea"}', headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 100_000, b'{"sku": NaN}', b'\xef\xbb\xbf{"sku":"a"}', b'{"sku":"\xff"}', b'{"sku":"\\ud800"}'],
    ids=["cut", "deep", "nan", "bom", "utf8", "surrogate"],
)
async def test_hostile_json_is_a_clean_answer(client, body):
    answer = await client.post("/orders", content=body)
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] == "INVALID_ARGUMENT"


async def test_a_body_over_the_limit_is_a_413_problem(client):
    answer = await client.post("/orders", content=b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["code"] == "RESOURCE_EXHAUSTED"


async def test_what_the_engine_refuses_is_a_problem_too(client):
    answer = await client.get("/orders/7", headers={"x": "a" * 40_000})
    assert answer.status_code == 431
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("tags", "status"),
    [('"3"', 304), ('W/"3"', 304), ('"1", "3"', 304), ("*", 304), ('"4"', 200), ("3", 304)],
    ids=["same", "weak", "one of two", "any", "other", "unquoted"],
)
async def test_a_client_that_has_the_version_gets_304(client, tags, status):
    answer = await client.get("/orders/7", headers={"if-none-match": tags})
    assert answer.status_code == status
    assert answer.headers["etag"] == '"3"'
    assert bool(answer.content) == (status == 200)
    assert (await client.head("/orders/7", headers={"if-none-match": tags})).status_code == status


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"3"', 200), ("3", 200), ('"4"', 412), (None, 428), ("*", 428), ('W/"3"', 422), ('"3", "4"', 422), ('"x"', 422)],
    ids=["same", "unquoted", "other", "absent", "any", "weak", "two", "no number"],
)
async def test_if_match_is_the_version(client, tag, status):
    answer = await client.put("/orders/7", headers={"if-match": tag} if tag else {})
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["etag"] == '"4"'
    else:
        assert answer.json()["status"] == status


async def test_an_optional_if_match_makes_a_412_only_when_it_was_sent(client):
    assert (await client.patch("/orders/7")).status_code == 204
    assert (await client.patch("/orders/7", headers={"if-match": "*"})).status_code == 204
    assert (await client.patch("/orders/7", headers={"if-match": '"2"'})).status_code == 412
    assert (await client.patch("/orders/shipped")).status_code == 409
    assert (await client.patch("/orders/shipped", headers={"if-match": "*"})).status_code == 409
    assert (await client.patch("/orders/7", headers={"if-match": ""})).status_code == 422


async def test_query_and_path_that_are_no_utf8_are_refused(client, serve):
    async def find(q: str) -> str:
        return q

    other = await serve((find, http.get("/find")))
    assert (await other.get("/find?q=%ff")).status_code == 400
    assert (await client.get("/orders/%ff")).status_code == 400


async def test_two_routes_for_one_request_are_refused_at_build(serve):
    async def other(x: str) -> None: ...

    with pytest.raises(BuildFailed) as failure:
        await serve((get_order, http.get("/orders/{order_id}")), (other, http.get("/orders/{x}")))
    assert [each.code for each in failure.value.diagnostics] == ["H0609"]
    assert "`get_order`" in str(failure.value)
    assert "`other`" in str(failure.value)


async def test_a_list_in_pages_links_to_the_next(serve):
    @dataclass
    class Page:
        items: list[int]
        next: str | None = None

    async def numbers(cursor: str | None = None, limit: int = 2, q: str = "") -> Page:
        first = int(cursor[1:]) if cursor else 0
        return Page(list(range(first, first + limit)), f"&{first + limit}" if first + limit < 6 else None)

    client = await serve((numbers, http.get("/numbers", next="cursor")))
    path, seen = "/numbers?limit=2&q=a%20b&cursor=", []
    while path:
        answer = await client.get(path)
        seen += answer.json()["items"]
        link = answer.links.get("next")
        path = link["url"] if link else None
    assert seen == [0, 1, 2, 3, 4, 5]
    first = await client.get("/numbers?limit=2&q=a%20b")
    assert first.headers["link"] == '</numbers?limit=2&q=a+b&cursor=%262>; rel="next"'


async def test_a_range_is_not_asked_of_json(client):
    answer = await client.get("/orders/7", headers={"range": "bytes=0-1"})
    assert (answer.status_code, answer.json()["id"]) == (200, "7")


@pytest.mark.parametrize("goes_on", [False, True], ids=["cancelled", "finished"])
async def test_a_client_that_leaves_ends_the_call_unless_it_is_to_be_finished(serve, chain, goes_on):
    began, free, ended = asyncio.Event(), asyncio.Event(), []

    async def slow() -> None:
        began.set()
        try:
            await free.wait()
            ended.append("finished")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    client = await serve(chain(slow, http.post("/slow"), finish_on_disconnect=goes_on))
    _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    await asyncio.wait_for(began.wait(), 5)
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        if goes_on:
            await client.get("/elsewhere")  # another turn of the server, by which it knows
            free.set()
        while not ended:
            await asyncio.sleep(0.01)
    assert ended == ["finished" if goes_on else "cancelled"]
