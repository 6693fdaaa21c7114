"""The service's promises, each shown on every transport: direct, HTTP, gRPC and ASGI."""

import asyncio
from contextlib import aclosing
from uuid import uuid4

import pytest

from hardy import Aborted, FailedPrecondition, NotFound, PermissionDenied, Principal, Unauthenticated
from hardy.core import InvalidMessage
from hardy.testing import Client, stream_of
from orders.domain import OrderChanged, OrderShipped, Sold, Status
from orders.usecases import (
    Imported,
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

ALICE = Principal("alice", scopes=frozenset({"orders:read"}))
BOB = Principal("bob")
WAREHOUSE = Principal("warehouse", kind="service", scopes=frozenset({"orders:ship"}))
TEA = PlaceOrder(sku="tea", quantity=2)

pytestmark = pytest.mark.every_transport


@pytest.fixture
def alice(client: Client) -> Client:
    return client.as_(ALICE)


async def test_a_placed_order_can_be_looked_up(alice: Client):
    placed = await alice.call(place_order, TEA)

    assert await alice.call(get_order, placed.id) == placed
    assert (placed.buyer, placed.status, placed.version) == ("alice", Status.PLACED, 1)


async def test_who_is_nobody_places_nothing(client: Client):
    with pytest.raises(Unauthenticated):
        await client.call(place_order, TEA)


async def test_every_fault_of_a_message_is_told(alice: Client):
    with pytest.raises(InvalidMessage) as failed:
        await alice.call(place_order, PlaceOrder(sku="", quantity=0))

    pointers = {fault.pointer for fault in failed.value.faults}
    assert pointers == {"/sku", "/quantity"}


async def test_an_unknown_order_is_not_found_and_named(alice: Client):
    unknown = uuid4()

    with pytest.raises(NotFound) as failed:
        await alice.call(get_order, unknown)

    assert failed.value.details == {"order_id": str(unknown)} or failed.value.details == {"order_id": unknown}


async def test_the_order_of_somebody_else_looks_like_none(client: Client, alice: Client):
    placed = await alice.call(place_order, TEA)

    with pytest.raises(NotFound):
        await client.as_(BOB).call(get_order, placed.id)


async def test_a_list_comes_in_pages_that_miss_nothing(alice: Client):
    placed = {(await alice.call(place_order, TEA)).id for _ in range(5)}

    found, cursor = set(), None
    while True:
        page = await alice.call(list_orders, cursor=cursor, limit=2)
        found |= {order.id for order in page.items}
        if (cursor := page.next) is None:
            break

    assert found == placed


async def test_a_limit_out_of_bounds_is_refused(alice: Client):
    with pytest.raises(InvalidMessage) as failed:
        await alice.call(list_orders, limit=101)

    (fault,) = failed.value.faults
    assert (fault.pointer, fault.detail.startswith("must be at most 100")) == ("/limit", True)


async def test_a_cursor_of_another_list_is_refused(alice: Client):
    with pytest.raises(InvalidMessage) as failed:
        await alice.call(list_orders, cursor="nonsense")

    assert [fault.pointer for fault in failed.value.faults] == ["/cursor"]


async def test_an_order_is_cancelled_once(alice: Client):
    placed = await alice.call(place_order, TEA)

    cancelled = await alice.call(cancel_order, order_id=placed.id)
    again = await alice.call(cancel_order, order_id=placed.id)

    assert (cancelled.status, cancelled.version) == (Status.CANCELLED, 2)
    assert again == cancelled


async def test_a_shipped_order_cannot_be_cancelled(client: Client, alice: Client):
    placed = await alice.call(place_order, TEA)
    await client.as_(WAREHOUSE).call(ship_order, placed.id)

    with pytest.raises(OrderShipped) as failed:
        await alice.call(cancel_order, order_id=placed.id)

    assert failed.value.reason == "order_shipped"
    assert (await alice.call(get_order, placed.id)).status is Status.SHIPPED


async def test_a_change_of_a_version_that_is_gone_is_refused(alice: Client):
    placed = await alice.call(place_order, TEA)

    with pytest.raises((OrderChanged, Aborted)) as failed:
        await alice.call(cancel_order, placed.id, 7)

    assert failed.value.details == {"expected": 7, "actual": 1}


async def test_an_order_is_paid_unless_it_was_cancelled(alice: Client):
    placed, other = await alice.call(place_order, TEA), await alice.call(place_order, TEA)
    await alice.call(cancel_order, order_id=other.id)

    assert (await alice.call(pay_order, placed.id)).status is Status.PAID
    assert (await alice.call(get_order, placed.id)).status is Status.PAID
    with pytest.raises(FailedPrecondition):
        await alice.call(pay_order, other.id)


async def test_what_is_placed_is_counted_by_whoever_listens(alice: Client):
    await alice.call(place_order, TEA)
    await alice.call(import_orders, stream_of(TEA, PlaceOrder(sku="jam", quantity=1)))

    wanted = [Sold(sku="tea", quantity=4), Sold(sku="jam", quantity=1)]
    async with asyncio.timeout(20):
        while await alice.call(best_sellers) != wanted:
            await asyncio.sleep(0.01)


async def test_shipping_takes_the_scope(alice: Client):
    placed = await alice.call(place_order, TEA)

    with pytest.raises(PermissionDenied):
        await alice.call(ship_order, placed.id)


async def test_what_happens_to_orders_can_be_watched(alice: Client):
    placed = await alice.call(place_order, TEA)
    seen = []

    async with aclosing(alice.stream(watch_orders, placed.placed_at)) as events:
        async for event in events:
            seen.append((event.order_id, event.status))
            if len(seen) == 1:
                await alice.call(cancel_order, order_id=placed.id)
            if len(seen) == 2:
                break

    assert seen == [(placed.id, Status.PLACED), (placed.id, Status.CANCELLED)]


async def test_watching_takes_the_scope_before_the_first_event(client: Client):
    with pytest.raises(PermissionDenied):
        async with aclosing(client.as_(BOB).stream(watch_orders)) as events:
            await anext(events)


async def test_an_import_places_all_orders(alice: Client):
    imported = await alice.call(import_orders, stream_of(TEA, TEA, PlaceOrder(sku="jam", quantity=1)))

    assert imported == Imported(count=3)
    assert len((await alice.call(list_orders)).items) == 3


async def test_an_import_with_one_bad_item_places_none(alice: Client):
    with pytest.raises(InvalidMessage):
        await alice.call(import_orders, stream_of(TEA, PlaceOrder(sku="jam", quantity=0)))

    assert (await alice.call(list_orders)).items == []


async def test_orders_are_tracked_as_they_are_named(client: Client, alice: Client):
    first, second = [await alice.call(place_order, TEA) for _ in range(2)]
    wanted: asyncio.Queue[TrackOrder | None] = asyncio.Queue()

    async def ids():
        while (each := await wanted.get()) is not None:
            yield each

    await wanted.put(TrackOrder(order_id=first.id))
    seen = []
    async with aclosing(alice.stream(track, ids())) as changes:
        async for change in changes:
            seen.append((change.order_id, change.status))
            if len(seen) == 1:
                await client.as_(WAREHOUSE).call(ship_order, first.id)
            if len(seen) == 2:
                await wanted.put(TrackOrder(order_id=second.id))
            if len(seen) == 3:
                await wanted.put(None)

    assert seen == [
        (first.id, Status.PLACED),
        (first.id, Status.SHIPPED),
        (second.id, Status.PLACED),
    ]


async def test_tracking_an_unknown_order_ends_with_its_error(alice: Client):
    unknown = uuid4()

    with pytest.raises(NotFound):
        async with aclosing(alice.stream(track, stream_of(TrackOrder(order_id=unknown)))) as changes:
            await anext(changes)
