"""What operators and orchestrators ask of a service with several workers."""

import asyncio
import os
from dataclasses import asdict
from pathlib import Path

from hardy.app._admin import Admin
from hardy.app._link import Checked
from hardy.app._statistics import add_up
from hardy.app._tls import tls_of
from hardy.app._workers_pool import Pool
from hardy.config import TlsSettings
from hardy.lifecycle import Health
from hardy.server import Request, Response, Server, Timeouts
from hardy.transport import http

CLOSE = 1.0
"""Seconds that the admin port gives what it is answering."""


class WorkersAdmin:
    """Answers for all workers on one port, as one process does for itself.

    ``/statistics`` has each worker's counters and their sum; ``/info`` is what
    one of them says, for they all serve the same.
    """

    def __init__(self, pool: Pool, health: Health) -> None:
        self._pool = pool
        self.refuse = http.Transport(()).refuse
        self._admin = Admin(health, {"/info": self._info, "/statistics": self._statistics}, self.refuse)

    async def handle(self, request: Request) -> Response:
        """Answer one request of the admin port."""
        return await self._admin.handle(request)

    async def _statistics(self) -> dict[str, object]:
        children = [child for child in self._pool.children() if child.state in {"serving", "draining"}]
        counted = await asyncio.gather(*[child.ask("statistics") for child in children])
        workers = [{**child.describe(), "statistics": record} for child, record in zip(children, counted, strict=True)]
        return {
            "total": add_up(list(counted)),
            "parent": {"pid": os.getpid(), **asdict(self._pool.statistics())},
            "workers": workers,
        }

    async def _info(self) -> object:
        for child in self._pool.children():
            if child.state in {"checked", "serving"} and (said := await child.ask("info")) is not None:
                return said
        return {}


def workers_admin_server(pool: Pool, health: Health, checked: Checked) -> Server:
    """Return the server of the parent's admin port.

    Raises:
        BuildFailed: Its certificate cannot be used.
    """
    admin = WorkersAdmin(pool, health)

    def failed(error: BaseException, request: Request | None) -> None:
        pool.logger.error("the server failed", path=None if request is None else request.path, exc_info=error)

    # The parent keeps its own descriptor: what the server closes is another one.
    bind = [each.dup() for each in pool.addresses.sockets("admin")]
    timeouts = Timeouts(close=CLOSE)
    tls = None
    if checked.admin_tls is not None:
        certificate, key, ca = checked.admin_tls
        client_ca = None if ca is None else Path(ca)
        tls = tls_of(TlsSettings(certificate=Path(certificate), key=Path(key), client_ca=client_ca))
    return Server(admin.handle, bind=bind, tls=tls, timeouts=timeouts, on_error=failed, render_error=admin.refuse)
