"""What is asked, and what counts as one unit of work."""

import json
from dataclasses import dataclass

BODY = json.dumps(
    {
        "sku": "ABC-12345",
        "name": "Adjustable widget",
        "price": 19.99,
        "quantity": 42,
        "in_stock": True,
        "category": "tools",
    },
    separators=(",", ":"),
)
HEAD = "host: 127.0.0.1\r\naccept: */*\r\n"


@dataclass(frozen=True)
class Workload:
    """One kind of load."""

    name: str
    title: str
    request: str
    status: int = 200
    mode: str = "keep"
    """``keep`` asks on the same connection, ``close`` on a new one each time, ``stream`` counts events."""
    only: str = ""
    """The one contender it is for; the others are compared by the workload of the same *title*."""


def get(path: str, more: str = "") -> str:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\n{HEAD}{more}\r\n"


def post(path: str, body: str = BODY) -> str:
    """Return a POST request with a JSON body."""
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{HEAD}{kind}\r\n{body}"


INVALID = post("/items", BODY.replace('"quantity":42', '"quantity":-2'))

WORKLOADS = (
    Workload("plaintext", "plaintext", get("/plaintext")),
    Workload("json", "GET, path parameter to JSON", get("/items/7")),
    Workload("post", "POST, validated", post("/items"), 201),
    Workload("struct", "POST, validated", post("/structs"), 201, only="hardy"),
    Workload("small", "1 KiB of JSON", get("/small")),
    Workload("large", "100 KiB of JSON", get("/large")),
    Workload(
        "events",
        "SSE, events",
        get("/events", "accept: text/event-stream\r\nconnection: close\r\n").replace("accept: */*\r\n", ""),
        mode="stream",
    ),
    Workload("churn", "a connection per request", get("/plaintext", "connection: close\r\n"), mode="close"),
)
