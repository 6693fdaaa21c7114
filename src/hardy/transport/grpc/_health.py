"""``grpc.health.v1.Health``: whether to send calls here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

if TYPE_CHECKING:
    from grpc.aio import ServicerContext

    Context = ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]

SERVICE = "grpc.health.v1.Health"
_Status = health_pb2.HealthCheckResponse


class Health:
    """Answers for the server as a whole (``""``) and for each of its services, all alike.

    grpcio-health-checking brings a servicer too, whose watches never end: a
    server that stops would wait for them until its grace is over.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset({"", *services})
        self._serving = True
        self._ended = False
        self._turn = asyncio.Event()

    def set(self, *, serving: bool) -> None:
        """Say whether calls are welcome; every watcher is told."""
        self._serving = serving
        self._tell()

    def end(self) -> None:
        """End every watch."""
        self._serving, self._ended = False, True
        self._tell()

    def _tell(self) -> None:
        turn, self._turn = self._turn, asyncio.Event()
        turn.set()

    def _status(self) -> health_pb2.HealthCheckResponse:
        return _Status(status=_Status.SERVING if self._serving else _Status.NOT_SERVING)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:  # noqa: N802  # the method's name
        """Answer for one service; NOT_FOUND for one that is not here."""
        if request.service not in self._services:
            context.set_code(grpc.StatusCode.NOT_FOUND)
            context.set_details(f"no service {request.service} here")
        return self._status()

    async def List(self, _: object, context: object) -> Message:  # noqa: N802  # as above
        """Answer for every service at once."""
        statuses = dict.fromkeys(self._services, self._status())
        response = cast("Callable[..., Message]", vars(health_pb2)["HealthListResponse"])  # its stub is older than it
        return response(statuses=statuses)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802  # as above
        """Answer now and at every change, until the server stops."""
        if request.service not in self._services:
            await context.write(_Status(status=_Status.SERVICE_UNKNOWN))
        while not self._ended:
            turn = self._turn
            if request.service in self._services:
                await context.write(self._status())
            await turn.wait()
        context.set_code(grpc.StatusCode.UNAVAILABLE)
        context.set_details("the service is stopping")
