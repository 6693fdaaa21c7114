"""What operators and orchestrators ask: probes and facts, on a port of their own."""

from collections.abc import Callable

import msgspec

from hardy.lifecycle import Health
from hardy.server import Request, Response, prepare

_JSON = prepare([(b"content-type", b"application/json"), (b"cache-control", b"no-store")])
_ALLOW = prepare([(b"allow", b"GET, HEAD"), (b"cache-control", b"no-store")])


class Admin:
    """Answers ``/livez``, ``/readyz``, ``/startupz`` and ``/info``.

    Live says that the process answers at all: it stays 200 until the exit, or
    Kubernetes would kill a service that drains. Ready says that calls may be
    sent here: it goes red first of all at a shutdown.
    """

    def __init__(self, health: Health, info: Callable[[], dict[str, object]]) -> None:
        self._health = health
        self._info = info

    async def handle(self, request: Request) -> Response:
        """Answer one request of the admin port."""
        if request.method not in {"GET", "HEAD"}:
            return Response(405, _ALLOW)
        match request.path:
            case "/livez":
                return _report(ok=True)
            case "/startupz":
                return _report(ok=self._health.started)
            case "/readyz":
                readiness = await self._health.ready()
                return _report(ok=readiness.ready, state=readiness.state, failing=readiness.failing)
            case "/info":
                return Response(200, _JSON, msgspec.json.encode(self._info()))
            case _:
                return _answer(404, {"title": "Not Found", "status": 404, "code": "NOT_FOUND"})


def _report(*, ok: bool, **facts: object) -> Response:
    return _answer(200 if ok else 503, {"ok": ok, **facts})


def _answer(status: int, body: dict[str, object]) -> Response:
    return Response(status, _JSON, msgspec.json.encode(body))
