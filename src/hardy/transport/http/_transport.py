"""Serves exposed operations over HTTP: the one callable that an engine is given."""

from collections.abc import Coroutine, Mapping, Sequence
from urllib.parse import quote

from hardy.core import BuildFailed, Diagnostic, Emit, Exposed, Kind, Malformed, Unavailable, new_call_id
from hardy.schema import JsonCase
from hardy.server import Prepared, Request, Response, prepare
from hardy.transport.http._answers import Answers
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._call import request_id
from hardy.transport.http._compress import Compression
from hardy.transport.http._endpoint import Endpoint, UnaryEndpoint
from hardy.transport.http._hosts import Hosts
from hardy.transport.http._mount import Mount
from hardy.transport.http._path import Path
from hardy.transport.http._problem import RenderProblem, render_problem
from hardy.transport.http._proxies import ProxyHeader, TrustedProxies
from hardy.transport.http._raw import RawEndpoint, Response as Page
from hardy.transport.http._route import Route
from hardy.transport.http._router import Router
from hardy.transport.http._status import MethodNotAllowed, NoSuchPath, WrongHost
from hardy.transport.http._stream import ClientStreamEndpoint, ServerStreamEndpoint
from hardy.transport.http._websocket import BidiEndpoint

_SOME_ID = "0" * 31 + "1"
_READING = frozenset({"GET", "HEAD"})


class Transport:
    """Answers HTTP requests with the operations exposed over HTTP.

    Args:
        exposed: The operations with their routes and composed chains; those of
            other transports are passed over.
        render_problem: Writes the body of every error.
        headers: Sent with every answer.
        json_case: ``"camel"`` makes ``order_id`` travel as ``orderId``.
        challenges: Values of ``WWW-Authenticate``, sent with every 401.
        bounds: What a request may cost when it is read.
        compression: Whether replies are compressed for clients that ask; see `Compression`.
        origins: Web origins beside the service's own whose pages may open a
            WebSocket: ``"https://shop.example"``.
        pages: Ready answers by path, outside of every chain: the API document.
        mounts: Foreign ASGI applications below a prefix. An own route wins.
        trusted_proxies: Networks of the proxies that are believed about who asks; see `TrustedProxies`.
        proxy_header: Where they say it.
        hosts: The names that are answered for, ``*.example.com``; every name when empty.
        emit: Told of each request that reaches no operation, `hardy.server.RequestRefused`.

    Raises:
        BuildFailed: Two routes answer the same requests (H0609), or a path is
            malformed.
    """

    def __init__(  # noqa: PLR0913  # the settings of a transport, each by name
        self,
        exposed: Sequence[Exposed],
        *,
        render_problem: RenderProblem = render_problem,
        headers: Sequence[tuple[str, str]] = (),
        json_case: JsonCase = "snake",
        challenges: Sequence[str] = (),
        bounds: Bounds | None = None,
        compression: bool = False,
        origins: Sequence[str] = (),
        pages: Mapping[str, Page] | None = None,
        mounts: Sequence[Mount] = (),
        trusted_proxies: Sequence[str] = (),
        proxy_header: ProxyHeader = "x-forwarded-for",
        hosts: Sequence[str] = (),
        emit: Emit = lambda notice: None,
    ) -> None:
        mine = [each for each in exposed if each.binding.transport == "http"]
        if faults := clashes(mine):
            raise BuildFailed(faults)
        self._answers = Answers(render_problem, headers, challenges, emit)
        self._bounds = bounds or Bounds()
        self._compression = Compression() if compression else None
        self._origins = frozenset(origins)
        self._mounts = sorted(mounts, key=lambda mount: -len(mount.path))
        self._pages = {path: page.ready(self._answers.headers) for path, page in (pages or {}).items()}
        self._static: dict[tuple[str, str], Endpoint] = {}
        self._proxies = TrustedProxies(trusted_proxies, proxy_header) if trusted_proxies else None
        self._hosts = Hosts(hosts) if hosts else None
        self._guarded = bool(trusted_proxies or hosts)
        self._shed: tuple[Prepared, list[bytes]] | None = None
        self._router = Router(self._endpoints(mine, json_case))

    def _endpoints(self, exposed: Sequence[Exposed], json_case: JsonCase) -> list[tuple[str, Path, Endpoint]]:
        routes: list[tuple[str, Path, Endpoint]] = []
        for each in exposed:
            endpoint = self._endpoint(each, json_case)
            path = Path.parse(endpoint.route.path)
            routes.append((endpoint.route.method, path, endpoint))
            if not path.fields:
                self._static[endpoint.route.method, quote(path.plain, safe="/%-._~!$&'()*+,;=:@")] = endpoint
        explicit = {(method, path.shape) for method, path, _ in routes}
        for _, path, endpoint in tuple(routes):
            has_head = endpoint.route.method == "GET" and not endpoint.operation.kind.streams_out
            if has_head and ("HEAD", path.shape) not in explicit:
                routes.append(("HEAD", path, endpoint))
        return routes

    def _endpoint(self, exposed: Exposed, json_case: JsonCase) -> Endpoint:
        bounds = self._bounds
        if exposed.binding.raw:
            return RawEndpoint(exposed, self._answers, json_case, bounds=bounds)
        match exposed.operation.kind:
            case Kind.UNARY:
                return UnaryEndpoint(exposed, self._answers, json_case, bounds=bounds)
            case Kind.SERVER_STREAM:
                return ServerStreamEndpoint(exposed, self._answers, json_case, bounds=bounds)
            case Kind.CLIENT_STREAM:
                return ClientStreamEndpoint(exposed, self._answers, json_case, bounds=bounds)
            case Kind.BIDI_STREAM:
                return BidiEndpoint(exposed, self._answers, json_case, bounds=bounds, origins=self._origins)

    def handle(self, request: Request) -> Coroutine[object, object, Response | None]:
        """Answer *request*: with a response, or ``None`` after it was streamed.

        Give this to `hardy.server.Server`.
        """
        if self._guarded and (refused := self._guard(request)) is not None:
            return _given(refused)
        endpoint = self._static.get((request.method, request.path))
        if endpoint is not None:
            answer = endpoint.answer(request, ())
        else:
            try:
                methods, segments = self._router.find(request.path)
            except Malformed as error:
                return _given(self._answers.refuse(request, error))
            endpoint = methods.get(request.method)
            answer = self._elsewhere(request, methods) if endpoint is None else endpoint.answer(request, segments)
        return answer if self._compression is None else _compressed(self._compression, request, answer)

    def _guard(self, request: Request) -> Response | None:
        """Have the request say who asks; refuse it when it is meant for somebody else."""
        if self._proxies is not None:
            self._proxies.apply(request)
        if self._hosts is not None and not self._hosts.allows(request):
            return self._answers.refuse(request, WrongHost("this service does not answer for that host"))
        return None

    async def _elsewhere(self, request: Request, methods: Mapping[str, Endpoint]) -> Response | None:
        page = self._pages.get(request.path)
        allowed: set[str] = set(methods)
        if page is not None:
            allowed |= _READING
        if not allowed:
            for mount in self._mounts:
                if mount.covers(request.path):
                    return await mount.handle(request)
            if (request.method, request.path) == ("OPTIONS", "*"):
                return Response(204, self._answers.headers)
            return self._answers.refuse(request, NoSuchPath("no such path"))
        if page is not None and request.method in _READING:
            return page
        allow = (b"allow", ", ".join(sorted(allowed | {"OPTIONS"})).encode())
        if request.method == "OPTIONS":
            return Response(204, [*self._answers.headers, allow])
        refused = MethodNotAllowed(f"{request.method} is not allowed here", allowed=sorted(allowed | {"OPTIONS"}))
        return self._answers.refuse(request, refused, [allow])

    def shed(self, request: Request) -> Response:
        """Refuse *request* because of overload: 503 and when to come back, for next to nothing.

        The same answer each time but for the call's id, so that no more than this is made anew.
        """
        if self._shed is None:
            error = Unavailable("the service is overloaded", retry_after=1)
            answer = self._answers.error(error, _SOME_ID)
            headers = prepare([pair for pair in answer.headers if pair[0] != b"x-request-id"])
            self._shed = headers, answer.body.split(_SOME_ID.encode())
        headers, parts = self._shed
        call = request_id(request.fields.get(b"x-request-id")) or new_call_id()
        identity = call.encode()
        return Response(503, headers, identity.join(parts), ((b"x-request-id", identity),))

    def refuse(self, status: int, detail: str) -> Response:
        """Answer for the engine what it refuses by itself: give this to `hardy.server.Server` as its renderer."""
        return self._answers.engine(status, detail)


async def _given(response: Response) -> Response:
    return response


async def _compressed(
    compression: Compression, request: Request, answer: Coroutine[object, object, Response | None]
) -> Response | None:
    response = await answer
    return None if response is None else await compression.apply(request, response)


def clashes(exposed: Sequence[Exposed]) -> list[Diagnostic]:
    """Return a diagnostic for every two routes that answer the same requests."""
    faults: list[Diagnostic] = []
    seen: dict[tuple[str, str], Exposed] = {}
    for each in exposed:
        if not isinstance(each.binding, Route):
            continue
        try:
            shape = Path.parse(each.binding.path).shape
        except ValueError:
            faults += [fault for fault in each.binding.check(each.operation) if fault.code == "H0630"]
            continue
        first = seen.setdefault((each.binding.method, shape), each)
        if first is not each:
            faults.append(_clash(first, each))
    return faults


def _clash(first: Exposed, second: Exposed) -> Diagnostic:
    routes = [each.binding for each in (first, second) if isinstance(each.binding, Route)]
    return Diagnostic(
        code="H0609",
        title=f"two routes answer {routes[1].method} {routes[1].path}",
        place=second.operation.place,
        notes=tuple(
            f"{route.method} {route.path} reaches `{each.operation.name}`"
            for route, each in zip(routes, (first, second), strict=True)
        ),
        helps=("give one of them another path or method",),
    )
