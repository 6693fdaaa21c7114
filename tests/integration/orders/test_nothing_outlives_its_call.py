"""Many calls, a third of them left by their clients at any moment: nothing of any of them is there afterwards."""

import asyncio
import gc
import struct
import threading
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from hardy.app import Assembly, Listen, Service

CLIENTS = 20
LEAVE = 0.3
"""The part of the requests whose clients do not wait."""


def request(token: str) -> bytes:
    body = b'{"sku":"tea","quantity":2}'
    head = (
        f"POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def calls(address: tuple[str, int], data: bytes, amount: int, random: Random, statuses: Counter[str]) -> None:
    """Make *amount* requests, on one connection as long as none is left."""
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(amount):
        writer.write(data)
        if random.random() >= LEAVE:
            head = await reader.readuntil(b"\r\n\r\n")
            statuses[head[9:12].decode()] += 1
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            continue
        for _ in range(random.randrange(30)):  # at some step of the call, whichever that is
            await asyncio.sleep(0)
        if random.random() < 0.5:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER: a reset
        writer.transport.abort()
        reader, writer = await asyncio.open_connection(*address)
    writer.close()
    await writer.wait_closed()


def held() -> dict[str, int]:
    """What a call could leave behind in the process."""
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
    }


def all_idle(service: Service) -> bool:
    database = service.statistics()["Database"]
    return database["idle"] == database["connections"]


@pytest.mark.parametrize(
    "amount", [pytest.param(3_000, id="some"), pytest.param(100_000, id="many", marks=pytest.mark.slow)]
)
@pytest.mark.timeout(600)
async def test_nothing_outlives_its_call(app, token, amount):
    statuses: Counter[str] = Counter()
    async with Service(Assembly(app), http=Listen()) as service:
        address = service.http.addresses[0]
        where, data = (address.host, address.port), request(token)
        await calls(where, data, CLIENTS, Random(0), statuses)  # what is made once is there
        before = held()
        left: dict[str, int] = {}
        await asyncio.gather(
            *(calls(where, data, amount // CLIENTS, Random(each), statuses) for each in range(CLIENTS))
        )
        for _ in range(200):
            left = {name: count - before[name] for name, count in held().items() if count > before[name]}
            if not left and all_idle(service):
                break
            await asyncio.sleep(0.1)
        assert left == {}
        assert all_idle(service)
        assert service.statistics()["calls"]["now"] == 0
    assert set(statuses) == {"201"}
    assert statuses["201"] > amount * (1 - LEAVE) * 0.9
