"""What operators and orchestrators ask: probes and facts, on a port of their own."""

from collections.abc import Callable, Mapping
from inspect import isawaitable

import msgspec

from hardy.lifecycle import Health
from hardy.server import RenderError, Request, Response, prepare

_JSON = prepare([(b"content-type", b"application/json"), (b"cache-control", b"no-store")])
_ALLOW = (b"allow", b"GET, HEAD")

Facts = Callable[[], object]
"""Returns something that JSON can tell, or an awaitable of it."""


class Admin:
    """Answers ``/livez``, ``/readyz``, ``/startupz``, and with facts.

    Live says that the process answers at all: it stays 200 until the exit, or
    Kubernetes would kill a service that drains. Ready says that calls may be
    sent here: it goes red first of all at a shutdown.

    Args:
        health: What the probes ask.
        facts: Path to what returns, or awaits, the facts told there: ``/info``, ``/statistics``.
        refuse: Makes the answer to everything else.
    """

    def __init__(self, health: Health, facts: Mapping[str, Facts], refuse: RenderError) -> None:
        self._health = health
        self._facts = facts
        self._refuse = refuse

    async def handle(self, request: Request) -> Response:
        """Answer one request of the admin port."""
        answer = await self._find(request.path)
        if answer is None:
            return self._refuse(404, "no such path")
        if request.method not in {"GET", "HEAD"}:
            refused = self._refuse(405, f"{request.method} is not allowed here")
            return Response(refused.status, [*refused.headers, _ALLOW], refused.body)
        return answer

    async def _find(self, path: str) -> Response | None:
        match path:
            case "/livez":
                return _report(ok=self._health.live)
            case "/startupz":
                return _report(ok=self._health.started)
            case "/readyz":
                readiness = await self._health.ready()
                return _report(ok=readiness.ready, state=readiness.state, failing=readiness.failing)
            case _:
                return await self._tell(path)

    async def _tell(self, path: str) -> Response | None:
        if (facts := self._facts.get(path)) is None:
            return None
        told = facts()
        return Response(200, _JSON, msgspec.json.encode(await told if isawaitable(told) else told))


def _report(*, ok: bool, **facts: object) -> Response:
    return Response(200 if ok else 503, _JSON, msgspec.json.encode({"ok": ok, **facts}))
