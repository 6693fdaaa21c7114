"""The typed caller over HTTP: same codec, same error table as the server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from hardy.core import DeadlineExceeded, Kind, Operation, Unavailable
from hardy.schema import JsonCase
from hardy.transport.http._accept import NDJSON
from hardy.transport.http._dial import Dialled, dial
from hardy.transport.http._outgoing import Header, Method
from hardy.transport.http._route import Route
from hardy.transport.http._upload import upload

if TYPE_CHECKING:
    import httpx2

_NO_HTTPX = "hardy.transport.http.HttpClient needs httpx2. Install it with: pip install 'hardy[http]'"


class HttpClient:
    """Calls the operations of a service over HTTP; what the service raises is raised here.

    Open it with ``async with``; it keeps connections and is safe for any number
    of calls at once. It follows no redirects and reads no proxy settings.

    Args:
        url: Where the service is: ``http://127.0.0.1:8080``; may have a path.
        headers: Sent with every call.
        json_case: What the service was built with.

    Raises:
        ModuleNotFoundError: httpx2 is not installed.

    Example:
        >>> HttpClient("http://127.0.0.1:8080")
        HttpClient('http://127.0.0.1:8080')
    """

    def __init__(self, url: str, *, headers: Mapping[str, str] | None = None, json_case: JsonCase = "snake") -> None:
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._json_case: JsonCase = json_case
        self._methods: dict[tuple[Operation, str, str], Method] = {}
        self._http: httpx2.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"HttpClient({self.url!r})"

    async def __aenter__(self) -> Self:
        """Get ready to connect; the first call does."""
        try:
            import httpx2
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(_NO_HTTPX, name="httpx2") from error
        self._http = httpx2.AsyncClient(
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
            trust_env=False,
            # Certificates take 80 ms to load, and a plain connection has none.
            verify=self.url.startswith("https:"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def call(
        self,
        operation: Operation,
        route: Route,
        message: object,
        *,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        """Call an operation that replies once.

        Args:
            operation: What is called.
            route: Where the service exposes it.
            message: The message; of a client stream, an async iterator over its items.
            timeout: Seconds for the call; they travel to the service, too.
            headers: Sent with this call.

        Raises:
            Error: What the service answered; a class listed in the operation's
                ``raises`` comes back as that class.
            Unavailable: The service cannot be reached.
            DeadlineExceeded: *timeout* is over.
        """
        method = self._method(operation, route)
        async with _bounded(timeout):
            if operation.kind is Kind.CLIENT_STREAM:
                return await self._upload(method, cast("AsyncIterator[object]", message), timeout, headers)
            response = await self._send(method, message, "application/json", timeout, headers)
            try:
                body = await _read(response)
            finally:
                await response.aclose()
        if not response.is_success:
            raise method.error(response.status_code, response.headers.get, body)
        return method.reply(body)

    async def stream(
        self,
        operation: Operation,
        route: Route,
        message: object,
        *,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[object]:
        """Call an operation that streams its replies: yields them as they come.

        Close the generator (``contextlib.aclosing``) to leave early; the service notices.

        Args:
            operation: What is called.
            route: Where the service exposes it.
            message: The message; of a stream both ways, an async iterator over its items.
            timeout: Seconds until the first item; they travel to the service, which
                holds them to be all that the caller wants to wait for.
            headers: Sent with this call.

        Raises:
            Error: What the service answered, before or after items.
        """
        method = self._method(operation, route)
        if operation.kind is Kind.BIDI_STREAM:
            replies = self._talk(method, cast("AsyncIterator[object]", message), timeout, headers)
        else:
            replies = self._listen(method, message, timeout, headers)
        try:
            async for item in replies:
                error = method.error_in(item)
                if error is not None:
                    raise error
                yield method.reply(item)
        finally:
            await replies.aclose()

    async def _upload(
        self,
        method: Method,
        items: AsyncIterator[object],
        timeout: float | None,
        headers: Mapping[str, str] | None,
    ) -> object:
        extra = [("accept", "application/json"), ("content-type", NDJSON), *self._all_headers(timeout, headers)]
        answer = await upload(method.route.method, self.url + method.target(), extra, _lines(method, items))
        if not 200 <= answer.status < 300:
            raise method.error(answer.status, answer.header, answer.body)
        return method.reply(answer.body)

    async def _listen(
        self, method: Method, message: object, timeout: float | None, headers: Mapping[str, str] | None
    ) -> AsyncGenerator[bytes]:
        async with _bounded(timeout):
            response = await self._send(method, message, NDJSON, timeout, headers)
        try:
            if not response.is_success:
                raise method.error(response.status_code, response.headers.get, await _read(response))
            rest = b""
            async for piece in _pieces(response):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line:
                        yield line
            if rest:  # the last line of a foreign service may have no end of its own
                yield rest
        finally:
            await response.aclose()

    async def _talk(
        self,
        method: Method,
        items: AsyncIterator[object],
        timeout: float | None,
        headers: Mapping[str, str] | None,
    ) -> AsyncGenerator[bytes]:
        async with _bounded(timeout):
            socket = await dial(self.url + method.target(), self._all_headers(timeout, headers))
        if not isinstance(socket, Dialled):
            raise method.error(socket.status, socket.header, socket.body)
        sender = asyncio.get_running_loop().create_task(_speak(method, items, socket))
        receiver = asyncio.get_running_loop().create_task(socket.receive())
        try:
            while True:
                await asyncio.wait({receiver} if sender.done() else {receiver, sender}, return_when="FIRST_COMPLETED")
                if sender.done():
                    sender.result()
                if receiver.done():
                    if (text := receiver.result()) is None:
                        break
                    yield text.encode()
                    receiver = asyncio.get_running_loop().create_task(socket.receive())
        finally:
            sender.cancel()
            receiver.cancel()
            await asyncio.gather(sender, receiver, return_exceptions=True)
            await socket.close()

    def _method(self, operation: Operation, route: Route) -> Method:
        key = (operation, route.method, route.path)
        method = self._methods.get(key)
        if method is None:
            method = self._methods[key] = Method(operation, route, self._json_case)
        return method

    def _all_headers(self, timeout: float | None, headers: Mapping[str, str] | None) -> list[Header]:
        every: list[Header] = [*self._headers.items(), *(headers or {}).items()]
        if timeout is not None:
            every.append(("request-timeout", f"{timeout:.6f}"))
        return every

    async def _send(
        self, method: Method, message: object, accept: str, timeout: float | None, headers: Mapping[str, str] | None
    ) -> "httpx2.Response":
        import httpx2

        if self._http is None:
            raise RuntimeError("open the client first: `async with client:`")
        extra = [("accept", accept), *self._all_headers(timeout, headers)]
        out = method.request(message)
        request = self._http.build_request(
            out.method, self.url + out.target, content=out.body, headers=[*extra, *out.headers]
        )
        try:
            return await self._http.send(request, stream=True)
        except httpx2.TransportError as error:
            raise Unavailable(f"the service at {self.url} cannot be reached: {error}") from error


async def _lines(method: Method, items: AsyncIterator[object]) -> AsyncGenerator[bytes, None]:
    try:
        async for item in items:
            yield method.message.encode(item) + b"\n"
    finally:
        await _close(items)


async def _speak(method: Method, items: AsyncIterator[object], socket: Dialled) -> None:
    try:
        async for item in items:
            await socket.send(method.message.encode(item).decode())
    finally:
        await _close(items)
    await socket.send("")


async def _close(items: AsyncIterator[object]) -> None:
    if isinstance(items, AsyncGenerator):  # nobody wants the rest: it lets go of what it holds
        await cast("AsyncGenerator[object, None]", items).aclose()


async def _read(response: "httpx2.Response") -> bytes:
    import httpx2

    try:
        return await response.aread()
    except httpx2.TransportError as error:
        raise Unavailable(f"the answer broke off: {error}") from error


async def _pieces(response: "httpx2.Response") -> AsyncIterator[bytes]:
    import httpx2

    try:
        async for piece in response.aiter_bytes():
            yield piece
    except httpx2.TransportError as error:
        raise Unavailable(f"the answer broke off: {error}") from error


class _bounded:  # noqa: N801  # a context manager that reads as a verb
    """Turns the end of the caller's patience into `DeadlineExceeded`."""

    def __init__(self, seconds: float | None) -> None:
        self._timer = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timer.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timer.__aexit__(kind, error, trace)
        except TimeoutError:
            raise DeadlineExceeded("the service did not answer in time") from None
