"""What a probe asks of any HTTP service, asked of the reference service (RFC 9110, RFC 9457)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
UNKNOWN = "/orders/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def ask(orders, unharmed):
    """Send one request as alice and return its reply."""
    token = orders.token("orders:read")

    def ask(method, target, body=b"", *, signed=True, **headers):
        lines = [f"{method} {target} HTTP/1.1", "Host: a", "Connection: close"]
        if signed:
            lines.append(f"Authorization: Bearer {token}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        (reply,) = orders.ask("\r\n".join([*lines, "", ""]).encode() + body, method)
        names = [name for name, _ in reply.headers]
        assert sorted(set(names)) == sorted(names), names  # nothing is said twice
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.header("date") or "")
        assert "server" not in names
        if reply.status >= 400 and method != "HEAD":
            check_problem(reply)
        return reply

    return ask


def check_problem(reply):
    assert reply.header("content-type") == "application/problem+json"
    document = json.loads(reply.body)
    assert document["status"] == reply.status
    assert {"type", "title", "detail", "code"} <= set(document)
    for secret in (b"Traceback", b".py", b"/work", b"site-packages", b"select ", b"sqlite", b"Python", b"hardy"):
        assert secret not in reply.body, reply.body


@pytest.fixture
def order(ask):
    reply = ask("POST", "/orders", b'{"sku":"tea","quantity":2}', Content_Type="application/json")
    assert reply.status == 201
    return json.loads(reply.body)


def test_head_is_get_without_its_body(ask, order):
    for target in (f"/orders/{order['id']}", "/orders", UNKNOWN, "/nowhere"):
        got, head = ask("GET", target), ask("HEAD", target)
        assert (head.status, head.body) == (got.status, b"")
        changing = {"date", "ratelimit", "x-request-id"}
        kept = [[(name, value) for name, value in each.headers if name not in changing] for each in (got, head)]
        assert kept[0] == kept[1]


def test_an_unknown_path_is_404_with_or_without_a_token(ask):
    assert ask("GET", "/nowhere").status == 404
    assert ask("GET", "/nowhere", signed=False).status == 404
    assert ask("GET", UNKNOWN).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "get"])
def test_another_method_is_405_and_says_which_are_allowed(ask, method):
    reply = ask(method, "/orders")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD, OPTIONS, POST")


def test_options_says_what_is_allowed(ask):
    reply = ask("OPTIONS", "/orders")
    assert (reply.status, reply.header("allow"), reply.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    assert ask("OPTIONS", "*").status == 204
    assert ask("OPTIONS", "/nowhere").status == 404


def test_trace_tells_nothing_back(ask):
    reply = ask("TRACE", "/orders", X_Secret="canary")
    assert reply.status == 405
    assert b"canary" not in reply.body


def test_what_is_not_taken_and_what_is_not_given_are_told_apart(ask, order):
    body = b'{"sku":"tea","quantity":2}'
    assert ask("POST", "/orders", body, Content_Type="text/plain").status == 415
    assert ask("POST", "/orders", body, Content_Type="application/json; charset=utf-16").status == 415
    assert ask("POST", "/orders", body, Content_Type="application/x-www-form-urlencoded").status in {201, 415, 422}
    assert ask("GET", f"/orders/{order['id']}", Accept="text/html").status == 406
    assert ask("GET", f"/orders/{order['id']}", Accept="application/json;q=0").status == 406
    assert ask("GET", f"/orders/{order['id']}", Accept="text/html, */*;q=0.1").status == 200


def test_a_version_is_known_by_its_tag(ask, order):
    target = f"/orders/{order['id']}"
    reply = ask("GET", target)
    tag = reply.header("etag")
    assert tag
    same = ask("GET", target, If_None_Match=tag)
    assert (same.status, same.body, same.header("etag")) == (304, b"", tag)
    assert ask("GET", target, If_None_Match='"other"').status == 200
    assert ask("POST", f"{target}/cancel", If_Match='"99"').status == 412
    assert ask("POST", f"{target}/cancel", If_Match="W/" + tag).status == 422
    changed = ask("POST", f"{target}/cancel", If_Match=tag)
    assert changed.status == 200
    assert changed.header("etag") != tag
    assert ask("POST", f"{target}/cancel", If_Match=tag).status == 412


def test_who_is_nobody_is_asked_who_it_is(ask):
    for given in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        reply = ask("GET", "/orders", signed=False, **given)
        assert reply.status == 401, given
        assert (reply.header("www-authenticate") or "").startswith("Bearer")
    assert ask("GET", "/orders?access_token=x", signed=False).status == 401


def test_the_id_of_a_call_comes_back_and_a_hostile_one_does_not(ask):
    assert ask("GET", "/orders", X_Request_Id="mine-1.2_3").header("x-request-id") == "mine-1.2_3"
    for hostile in ("<script>", "a b", "a" * 65, "a%0d%0ab", '"', "\u00e4"):
        answered = ask("GET", "/orders", X_Request_Id=hostile).header("x-request-id")
        assert re.fullmatch("[0-9a-f]{32}", answered or ""), answered


def test_a_part_is_not_given_and_a_method_not_replaced(ask, order):
    target = f"/orders/{order['id']}"
    assert ask("GET", target, Range="bytes=0-1").status == 200
    assert ask("POST", target, X_HTTP_Method_Override="GET").status == 405
    assert ask("GET", "/nowhere", X_Original_URL="/orders").status == 404


@pytest.mark.parametrize(
    "target", ["//evil.example/orders", "/%2f%2fevil.example", "/orders%0d%0aX-Evil:%201", "/\\evil.example"]
)
def test_a_hostile_target_becomes_no_header(ask, target):
    reply = ask("GET", target)
    assert reply.status in {400, 404}
    assert "evil" not in str([(name, value) for name, value in reply.headers if name != "date"])


def test_pages_of_a_list_link_on_without_anything_of_the_clients(ask, order):
    for _ in range(2):
        ask("POST", "/orders", b'{"sku":"tea","quantity":2}', Content_Type="application/json")
    reply = ask("GET", "/orders?limit=1&x=%3E%3B%20rel%3Devil%0D%0A")
    assert reply.status == 200
    if link := reply.header("link"):
        assert re.fullmatch(r'<[^<>"\s]+>; rel="next"', link), link


def test_everything_wrong_with_a_message_is_told_at_once(ask):
    reply = ask("POST", "/orders", b'{"sku":"","quantity":0}', Content_Type="application/json")
    assert reply.status == 422
    assert {each["pointer"] for each in json.loads(reply.body)["errors"]} == {"/sku", "/quantity"}
    assert ask("POST", "/orders", b"{", Content_Type="application/json").status == 400
    assert ask("POST", "/orders", b"", Content_Type="application/json").status == 400


def test_what_a_websocket_needs_is_loaded_before_the_first_one_comes():
    """While modules are loaded, everybody who is served waits."""
    code = "import sys, served, hardy\nhardy.asgi(served.build)\nassert 'wsproto.connection' in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE,
        env={**os.environ, "SERVED_ENVIRONMENT": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
