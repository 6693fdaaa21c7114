"""The entrypoints and everything they are wired to: the service's table of contents."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import hardy
from hardy import App, any_of, has_scope, internal, signed_in
from hardy.adapters.jwt import Jwt, JwtSettings
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.transport import grpc, http
from hardy.transport.command import command
from orders.adapters import SCHEMA, feed, orders, unit_of_work
from orders.domain import OrderChanged, OrderShipped
from orders.usecases import (
    cancel_order,
    get_order,
    import_orders,
    list_orders,
    place_order,
    ship_order,
    track,
    watch_orders,
)

PROTO = Path(__file__).parent / "proto/orders/v1/orders.proto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.Settings):
    """Read from ORDERS_* variables: ORDERS_DATABASE__URL, ORDERS_JWT__ISSUER, ORDERS_HTTP__PORT ..."""

    prefix: ClassVar[str] = "ORDERS"

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    """Where orders are kept."""
    jwt: JwtSettings = field(default_factory=JwtSettings)
    """Whose tokens are trusted."""


def build(settings: Settings) -> App:
    """Say what the service consists of."""
    app = App("orders", settings, auth=Jwt(settings.jwt), version="1.0.0")
    app.manage(Database(settings.database, schema=SCHEMA))
    app.provide(orders)
    app.provide(unit_of_work, scope="app")
    app.provide(feed, scope="app")

    rpc = grpc.service("orders.v1.Orders", proto=PROTO)
    app.expose(
        place_order, http.post("/orders", status=201, location="/orders/{id}"), rpc("PlaceOrder"), allow=signed_in
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
    app.expose(track, http.get("/orders/track"), rpc("Track"), allow=signed_in)
    return app
