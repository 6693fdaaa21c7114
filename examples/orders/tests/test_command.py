"""``python -m orders ship``: the same use case at a third door."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from hardy import Principal
from hardy.testing import client as open_client
from orders.usecases import PlaceOrder, get_order, place_order

SOURCES = Path(__file__).parents[1] / "src"


@pytest.fixture
def ship(tmp_path):
    """Run the command beside the database of the fixture ``app``."""
    path = os.pathsep.join(each for each in (str(SOURCES), os.environ.get("PYTHONPATH")) if each)

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orders", "ship", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": path, **variables}, capture_output=True, text=True, timeout=30
        )

    return run


async def test_it_ships_an_order_beside_the_running_service(app, ship, tmp_path):
    in_dev = {"ORDERS_ENVIRONMENT": "dev", "ORDERS_DATABASE__URL": f"sqlite:///{tmp_path}/orders.db"}
    async with open_client(app, caller=Principal("alice")) as alice:
        order = await alice.call(place_order, PlaceOrder(sku="tea", quantity=2))

        # In a thread: the service lives in this process, and what it has begun in the background is to end.
        done = await asyncio.to_thread(ship, "--order-id", str(order.id), **in_dev)

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["status"] == "shipped"
        assert (await alice.call(get_order, order.id)).version == 2

        unknown = await asyncio.to_thread(ship, "--order-id", str(uuid4()), **in_dev)
        assert (unknown.returncode, unknown.stderr.splitlines()[-1]) == (1, "NOT_FOUND  no such order")


def test_its_flags_are_told_without_any_setting(ship):
    done = ship("--help")

    assert done.returncode == 0, done.stderr
    assert "--order-id" in done.stdout
