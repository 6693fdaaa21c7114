"""The entrypoints and everything they are wired to: the service's table of contents."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

import hardy
from hardy import App, Ge, any_of, has_scope, internal, signed_in
from hardy.adapters.jwt import Jwt, JwtSettings
from hardy.adapters.nats import Nats, NatsSettings
from hardy.adapters.redis import Redis, RedisCache, RedisLimiter, RedisLock, RedisSettings
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.adapters.sql.idempotency import SqlIdempotency
from hardy.adapters.sql.jobs import SqlJobs
from hardy.adapters.sql.outbox import Inbox, Outbox, OutboxSettings
from hardy.cache import MemoryCache, MemoryLock
from hardy.config import Url
from hardy.messaging import MemoryBroker
from hardy.resilience import MemoryLimiter, per_principal
from hardy.transport import events, grpc, http, schedule
from hardy.transport.command import command
from orders.adapters import cached, feed, lookup, orders, sales, unit_of_work
from orders.domain import OrderChanged, OrderPlaced, OrderShipped
from orders.usecases import (
    best_sellers,
    cancel_order,
    count_sale,
    expire_orders,
    get_order,
    import_orders,
    list_orders,
    pay_order,
    place_order,
    ship_order,
    track,
    watch_orders,
)

HERE = Path(__file__).parent
PROTO = HERE / "proto/orders/v1/orders.proto"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """What replicas share for a while: cached orders, locks, rates."""

    url: Url = ""
    """`redis://host:6379/0`; left out, this process keeps it for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """Where events go."""

    url: Url = ""
    """`nats://host:4222`; left out, this process delivers its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.Settings):
    """Read from ORDERS_* variables: ORDERS_DATABASE__URL, ORDERS_JWT__ISSUER, ORDERS_HTTP__PORT ..."""

    prefix: ClassVar[str] = "ORDERS"

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    """Where orders are kept."""
    cache: CacheSettings = field(default_factory=CacheSettings)
    """What replicas share."""
    events: EventSettings = field(default_factory=EventSettings)
    """Where events go."""
    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    """How events are handed on."""
    jwt: JwtSettings = field(default_factory=JwtSettings)
    """Whose tokens are trusted."""
    calls_per_minute: Annotated[int, Ge(1)] = 60_000
    """How often one caller may call."""


def build(settings: Settings) -> App:
    """Say what the service consists of."""
    rate = per_principal(settings.calls_per_minute, per=60, on_failure="open")
    app = App("orders", settings, auth=Jwt(settings.jwt), version="1.0.0", limit=rate)
    placed = events.topic("orders.placed", key="order_id")
    app.manage(Database(settings.database, migrations=HERE / "migrations"))
    manage_shared(app, settings.cache.url)
    app.manage(Nats(NatsSettings(url=settings.events.url)) if settings.events.url else MemoryBroker())
    app.manage(Outbox({OrderPlaced: placed}, settings.outbox))
    app.manage(Inbox())
    app.manage(SqlIdempotency())
    app.manage(SqlJobs())
    app.provide(cached, scope="app")
    app.provide(lookup, scope="app")
    app.provide(orders)
    app.provide(sales)
    app.provide(unit_of_work, scope="app")
    app.provide(feed, scope="app")

    rpc = grpc.service("orders.v1.Orders", proto=PROTO)
    app.expose(
        place_order,
        http.post("/orders", status=201, location="/orders/{id}"),
        rpc("PlaceOrder"),
        allow=signed_in,
        idempotency="accepted",
    )
    app.expose(list_orders, http.get("/orders", next="cursor"), rpc("ListOrders"), allow=signed_in)
    app.expose(get_order, http.get("/orders/{order_id}", etag="version"), rpc("GetOrder"), allow=signed_in)
    app.expose(
        cancel_order,
        http.post("/orders/{order_id}/cancel", etag="version", bind={"version": http.header("If-Match")}),
        rpc("CancelOrder"),
        allow=signed_in,
        raises=[OrderShipped, OrderChanged],
    )
    app.expose(pay_order, http.post("/orders/{order_id}/pay", etag="version"), rpc("PayOrder"), allow=signed_in)
    app.expose(
        ship_order,
        http.post("/orders/{order_id}/ship", etag="version"),
        rpc("ShipOrder"),
        command("ship"),
        allow=any_of(has_scope("orders:ship"), internal),
        raises=[OrderChanged],
    )
    app.expose(watch_orders, http.get("/orders/events"), rpc("WatchOrders"), allow=has_scope("orders:read"))
    app.expose(import_orders, http.post("/orders/import"), rpc("ImportOrders"), allow=signed_in)
    app.expose(best_sellers, http.get("/best-sellers"), rpc("BestSellers"), allow=signed_in)
    app.expose(count_sale, placed, allow=internal)
    app.expose(expire_orders, schedule.cron("*/5 * * * *"), command("expire"), allow=internal)
    app.expose(track, http.get("/orders/track"), rpc("Track"), allow=signed_in)
    return app


def manage_shared(app: App, url: str) -> None:
    """Keep what replicas share in Redis, or in this process when there is none."""
    if not url:
        app.manage(MemoryCache())
        app.manage(MemoryLock())
        app.manage(MemoryLimiter())
        return
    redis = Redis(RedisSettings(url=url))
    app.manage(redis)
    app.manage(RedisCache(redis, prefix="orders:"))
    app.manage(RedisLock(redis, prefix="orders:"))
    app.manage(RedisLimiter(redis, prefix="orders:"))
