"""Runs the reference service and prints what to try; ``make demo`` starts it.

Arguments go to the service: ``python examples/orders/demo.py --port 0 --grpc-port 0 --admin-port 0``.
"""

import asyncio
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from hardy.adapters.jwt import dev_key, mint
from hardy.app import Service, main

HERE = Path(__file__).resolve().parent
KEYS = HERE / ".hardy"


def start(arguments: list[str]) -> int:
    """Serve in the development environment until told to stop, and return the exit code."""
    os.chdir(HERE)
    sys.path.insert(0, str(HERE / "src"))
    from orders.app import build

    telling: list[asyncio.Task[None]] = []

    def welcome(service: Service) -> None:
        telling.append(asyncio.create_task(tell(service)))

    # Whoever still watches at Ctrl-C is not waited for as long as in production.
    flags = ["--environment", "dev", "--drain-timeout", "1s"]
    return main(build, [*flags, *arguments], program="demo.py", ready=welcome)


async def tell(service: Service) -> None:
    """Place an order as alice and print what can be done next."""
    assert service.http is not None
    assert service.grpc is not None
    assert service.admin is not None
    rest, rpc, admin = str(service.http.addresses[0]), service.grpc.target, str(service.admin.addresses[0])
    token = token_of_alice()
    headers = KEYS / "alice.txt"
    headers.touch(mode=0o600)
    headers.write_text(f"authorization: Bearer {token}\n")
    order = await asyncio.to_thread(place, rest, token)
    lines = [
        "",
        f"REST    http://{rest}",
        f"docs    http://{rest}/docs",
        f"gRPC    {rpc}",
        f"admin   http://{admin}/readyz",
        "",
        f"Try it in another terminal. You are alice: her token, good for 8 hours, is in {headers}",
        *over_rest(f"http://{rest}/orders", f"-H {shlex.quote(f'@{headers}')}", order),
        *over_grpc(f"http://{rpc}/orders.v1.Orders", f"-H {shlex.quote(f'@{headers}')}", order),
        "",
        "Ctrl-C ends it.",
    ]
    print("\n".join(lines), flush=True)


def token_of_alice() -> str:
    """Return a token that only a service in dev on this machine takes; ``hardy token`` mints the same."""
    key = dev_key(KEYS)
    assert key is not None  # it is made when there is none
    return mint(key, "alice", scopes=["orders:read"])


def place(address: str, token: str) -> dict[str, object]:
    """Place an order over REST, and return it."""
    connection = HTTPConnection(address, timeout=10)
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    connection.request("POST", "/orders", b'{"sku": "tea", "quantity": 2}', headers)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    if reply.status != 201:
        raise RuntimeError(f"the first order was answered with {reply.status}: {body.decode()}")
    order: dict[str, object] = json.loads(body)
    return order


def over_rest(url: str, alice: str, order: dict[str, object]) -> Iterator[str]:
    """Yield the lines to try over REST."""
    this = f"{url}/{order['id']}"
    yield from ("", "# place an order")
    yield f"""curl -si {alice} -H 'content-type: application/json' -d '{{"sku": "tea", "quantity": 2}}' {url}"""
    yield from ("", "# place one order, however often it is sent: the second answer is the first one again")
    once = f"{alice} -H 'idempotency-key: {order['id']}' -H 'content-type: application/json'"
    for _ in range(2):
        yield f"""curl -si {once} -d '{{"sku": "tea", "quantity": 1}}' {url}"""
    yield from ("", "# every fault at once")
    yield f"""curl -s {alice} -H 'content-type: application/json' -d '{{"sku": "", "quantity": 0}}' {url}"""
    yield from ("", "# list orders, two at a time")
    yield f"curl -s {alice} '{url}?limit=2'"
    yield from ("", "# look one up; again only if it has changed (304)")
    yield f"curl -si {alice} {this}"
    yield f"""curl -si {alice} -H 'if-none-match: "1"' {this}"""
    yield from ("", "# what sells, counted from the events of placed orders")
    yield f"curl -s {alice} {url.removesuffix('/orders')}/best-sellers"
    yield from ("", "# cancel it, if nobody has changed it (412 the second time)")
    yield f"""curl -si {alice} -H 'if-match: "1"' -X POST {this}/cancel"""
    yield from ("", "# import orders, one JSON object a line")
    lines = r'{"sku": "jam", "quantity": 1}\n{"sku": "bread", "quantity": 3}\n'
    yield f"printf '{lines}' | curl -s {alice} -H 'content-type: application/x-ndjson' --data-binary @- {url}/import"
    yield from ("", "# watch what happens, as server-sent events; it goes on until Ctrl-C")
    yield f"curl -sN {alice} -H 'accept: text/event-stream' '{url}/events?since={order['placed_at']}'"


def over_grpc(url: str, alice: str, order: dict[str, object]) -> Iterator[str]:
    """Yield the lines to try over gRPC."""
    call = f"{buf()} curl --protocol grpc --http2-prior-knowledge {alice}"
    yield from ("", "# the same over gRPC: place, follow, watch")
    yield f"""{call} -d '{{"sku": "tea", "quantity": 2}}' {url}/PlaceOrder"""
    yield f"""{call} -d '{{"order_id": "{order["id"]}"}}' {url}/Track"""
    yield f"""{call} -d '{{"since": "{order["placed_at"]}"}}' {url}/WatchOrders"""


def buf() -> str:
    """Return how buf is started here: from the PATH, or from the virtual environment."""
    ours = Path(sys.executable).with_name("buf")
    return "buf" if shutil.which("buf") or not ours.exists() else shlex.quote(str(ours))


if __name__ == "__main__":
    raise SystemExit(start(sys.argv[1:]))
