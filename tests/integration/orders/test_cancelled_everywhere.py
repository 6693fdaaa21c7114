"""Every operation of the reference service, cancelled at each point where it waits, gives everything back."""

from datetime import UTC, datetime

import pytest

from hardy import Principal
from hardy.adapters.sql import DatabaseSettings
from hardy.adapters.sql.outbox import OutboxSettings
from hardy.testing import cancel_everywhere, stream_of
from orders.app import Settings, build
from orders.usecases import (
    PlaceOrder,
    TrackOrder,
    best_sellers,
    cancel_order,
    get_order,
    import_orders,
    list_orders,
    pay_order,
    place_order,
    ship_order,
    track,
    watch_orders,
)

ALICE = Principal("alice", scopes=frozenset({"orders:read", "orders:ship"}))
TEA = PlaceOrder(sku="tea", quantity=2)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def order_id(client):
    return (await client.call(place_order, TEA)).id


async def one_order(client):
    return [await order_id(client)]


async def a_moment_ago(client):
    await order_id(client)
    await order_id(client)
    return [LONG_AGO]


async def teas(client):
    return [stream_of(TEA, TEA, TEA)]


async def two_to_track(client):
    return [stream_of(TrackOrder(order_id=await order_id(client)), TrackOrder(order_id=await order_id(client)))]


async def nothing(client):
    return []


async def tea(client):
    return [TEA]


OPERATIONS = {
    place_order: tea,
    list_orders: nothing,
    get_order: one_order,
    cancel_order: one_order,
    pay_order: one_order,
    best_sellers: nothing,
    ship_order: one_order,
    watch_orders: a_moment_ago,
    import_orders: teas,
    track: two_to_track,
}


@pytest.fixture
def app(tmp_path):
    database = DatabaseSettings(url=f"sqlite:///{tmp_path}/orders.db")
    # Nothing else shall use the database while it is looked at.
    return build(Settings(environment="test", database=database, outbox=OutboxSettings(relay=False)))


@pytest.mark.parametrize("use_case", OPERATIONS, ids=lambda use_case: use_case.__name__)
@pytest.mark.parametrize(
    ("transport", "by"),
    [
        pytest.param("direct", "call", id="direct"),
        pytest.param("http", "client", id="client hangs up"),
        pytest.param("http", "call", id="http", marks=pytest.mark.slow),
        pytest.param("grpc", "client", id="grpc client hangs up", marks=pytest.mark.slow),
    ],
)
async def test_nothing_is_left_behind(app, use_case, transport, by):
    tried = await cancel_everywhere(
        app, use_case, prepare=OPERATIONS[use_case], caller=ALICE, transport=transport, by=by
    )
    assert tried.points
