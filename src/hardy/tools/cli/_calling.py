"""The three ways to call: over REST, over gRPC, in this process. Each writes the reply line by line."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from hardy.app import App, Assembly, Service
from hardy.core import Error, Exposed, Operation, Principal
from hardy.schema import codec

Write = Callable[[bytes], None]
B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to be made."""

    app: App
    exposed: Exposed
    message: object
    timeout: float | None = None

    @property
    def operation(self) -> Operation:
        """What is called."""
        return self.exposed.operation

    def title(self, door: Literal["REST", "gRPC"]) -> str:
        """Return where the call goes, as it is told: ``REST POST /orders``."""
        facts = self.exposed.binding.describe()
        if door == "REST":
            return f"REST {facts['method']} {facts['path']}"
        return f"gRPC {facts['service']}/{facts['method']}"

    def succeeded(self) -> str:
        """Return how a success is told: the status of the route, or ``OK``."""
        facts = self.exposed.binding.describe()
        if facts["transport"] != "http":
            return "OK"
        return str(facts.get("status") or (204 if self.operation.reply is type(None) else 200))

    def failed(self, error: Error) -> str:
        """Return how *error* is told: the code, with the route's status before it."""
        if self.exposed.binding.transport != "http":
            return error.code.name
        from hardy.transport import http

        return f"{http.status_of(error)} {error.code.name}"

    def encoder(self) -> Callable[[object], bytes]:
        """Return what makes a line of a reply."""
        encode = codec(self.operation.reply, json_case=self.app.json_case).encode
        return lambda reply: encode(reply) + b"\n"


async def over_http(call: Call, *, write: Write, host: str, port: int, credentials: Mapping[str, str]) -> None:
    """Call over REST.

    Raises:
        Error: What the service answered.
    """
    from hardy.transport import http

    route, encode = _is(http.Route, call.exposed.binding), call.encoder()
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    async with http.HttpClient(url, headers=credentials, json_case=call.app.json_case) as client:
        if call.operation.kind.streams_out:
            await _each(client.stream(call.operation, route, call.message, timeout=call.timeout), encode, write)
        else:
            _one(call, await client.call(call.operation, route, call.message, timeout=call.timeout), encode, write)


async def over_grpc(call: Call, *, write: Write, host: str, port: int, credentials: Mapping[str, str]) -> None:
    """Call over gRPC.

    Raises:
        Error: What the service answered.
    """
    from hardy.app import described
    from hardy.transport import grpc

    method, encode = _is(grpc.Method, call.exposed.binding), call.encoder()
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    exposed, environment = described(call.app, "grpc"), call.app.settings.environment
    async with grpc.GrpcClient(target, exposed, environment=environment) as client:
        if call.operation.kind.streams_out:
            replies = client.stream(method, call.operation, call.message, metadata=credentials, timeout=call.timeout)
            await _each(replies, encode, write)
        else:
            reply = await client.call(method, call.operation, call.message, metadata=credentials, timeout=call.timeout)
            _one(call, reply, encode, write)


async def carry_out_here(call: Call, *, write: Write, principal: Principal | None) -> None:
    """Carry the operation out in this process, with its components opened and its whole chain.

    Raises:
        Error: What the call ended with.
    """
    from hardy.transport import command

    assembly = Assembly(call.app, log=sys.stderr)
    exposed = Exposed(call.operation, call.exposed.binding, assembly.handler(call.operation))
    async with Service(assembly, lanes=False):
        await command.carry_out(exposed, call.message, write, principal=principal)


async def _each(replies: AsyncIterator[object], encode: Callable[[object], bytes], write: Write) -> None:
    async for reply in replies:
        write(encode(reply))


def _one(call: Call, reply: object, encode: Callable[[object], bytes], write: Write) -> None:
    if call.operation.reply is not type(None):
        write(encode(reply))


def _is(kind: type[B], binding: object) -> B:
    assert isinstance(binding, kind)
    return binding
