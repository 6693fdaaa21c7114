import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import hardy
from hardy import App, Ge, NotFound, any_of, has_scope, internal, public
from hardy.transport import grpc, http
from hardy.transport.command import command


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.Settings):
    prefix: ClassVar[str] = "SVC"
    greeting: str = "hello"
    broken: bool = False
    slow_start: bool = False
    stubborn_close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    order_id: str
    by: str


async def slow(seconds: float) -> str:
    """Answer after a while."""
    await asyncio.sleep(seconds)
    return "done"


async def stubborn() -> str:
    """Never end, and do not mind being cancelled."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


async def ticks() -> AsyncIterator[int]:
    """Tick for ever."""
    number = 0
    while True:
        yield number
        number += 1
        await asyncio.sleep(0.02)


async def ship(order_id: str, quantity: Annotated[int, Ge(1)] = 1, *, caller: hardy.Principal) -> Shipped:
    """Ship an order."""
    logging.getLogger("carrier").warning("shipping %s", order_id)
    if order_id == "missing":
        raise NotFound("no such order", order_id=order_id)
    return Shipped(order_id=order_id, by=caller.subject)


async def export(first: int, rest: list[int] = []) -> AsyncIterator[Shipped]:  # noqa: B006
    """Print many."""
    for number in (first, *rest):
        yield Shipped(order_id=str(number), by="nobody")


async def secret_export() -> str:
    """Nothing for commands: they have no scopes."""
    return "secret"


class Store:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def __aenter__(self) -> Self:
        if self.settings.broken:
            raise ConnectionRefusedError("nobody listens at db:5432")
        if self.settings.slow_start:
            print("opening", flush=True)
            await asyncio.sleep(3600)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.settings.stubborn_close:
            raise RuntimeError("the store is on fire")
        print("store closed", flush=True)


def build(settings: Settings) -> App:
    app = App("svc", settings)
    app.manage(Store(settings))
    rpc = grpc.service("svc.v1.Svc")
    app.expose(slow, http.get("/slow"), rpc("Slow"), allow=public)
    app.expose(stubborn, http.get("/stubborn"), rpc("Stubborn"), allow=public)
    app.expose(ticks, http.get("/ticks"), rpc("Ticks"), allow=public)
    app.expose(ship, http.post("/ship"), command("ship"), allow=any_of(internal, has_scope("ship")))
    app.expose(export, command("export"), allow=internal)
    app.expose(secret_export, command("secret-export"), allow=has_scope("secrets"))
    return app
