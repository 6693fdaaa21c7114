"""Calls a service over gRPC, in the user's own types."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self, cast

import grpc.aio

from hardy.core import DeadlineExceeded, Error, Exposed, Kind, Operation, current_call
from hardy.schema import proto
from hardy.transport.grpc._answer import decoded, encoded, told
from hardy.transport.grpc._binding import Method
from hardy.transport.grpc._contracts import Contracts
from hardy.transport.grpc._metadata import REQUEST_ID, Pairs, pairs_of
from hardy.transport.grpc._sender import Sender

if TYPE_CHECKING:
    from types import TracebackType

_MIB = 2**20


class GrpcClient:
    """Calls the operations of a service over gRPC; a component that holds one channel.

    Messages go and replies come in the user's types, errors are raised as the
    service raised them. What is called inside of another call inherits its
    deadline and its id.

    Args:
        target: ``127.0.0.1:9090``, or any other name that gRPC resolves.
        exposed: What the service exposes, with the same methods; handlers are not called.
        environment: In ``"production"`` every service needs its ``.proto``.
        contracts: Made before, such as those of a `Transport`.
        max_message: Bytes of the largest reply taken.

    Raises:
        BuildFailed: Everything that `check` finds.
    """

    def __init__(
        self,
        target: str,
        exposed: Sequence[Exposed],
        *,
        environment: str = "production",
        contracts: Contracts | None = None,
        max_message: int = 4 * _MIB,
    ) -> None:
        self.target = target
        made = contracts or Contracts(exposed, environment=environment)
        self._methods = made.methods()
        self._max_message = max_message
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        """Open the channel; it connects at the first call."""
        self._channel = grpc.aio.insecure_channel(self.target, options=self._options())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the channel; calls in flight are cancelled."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def _options(self) -> list[tuple[str, str | int]]:
        return [
            ("grpc.max_receive_message_length", self._max_message),
            ("grpc.max_metadata_size", 64 * 2**10),
            ("grpc.absolute_max_metadata_size", 128 * 2**10),
            ("grpc.lb_policy_name", "round_robin"),  # else one connection, and one replica, gets everything
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.use_local_subchannel_pool", 1),  # two clients are two connections
        ]

    async def call(
        self,
        method: Method,
        operation: Operation,
        message: object,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
        raises: Sequence[type[Error]] | None = None,
    ) -> object:
        """Call a unary or client-streaming method and return its reply.

        Args:
            method: Where the operation is bound.
            operation: What is called.
            message: Of a client stream, an async iterable of the items: read no
                faster than the service takes them, and closed when it can be.
            metadata: Sent beside the message; values under ``-bin`` names are base64.
            timeout: Seconds to wait; what the current call has left can only shorten it.
            raises: The service's own error classes; those of *operation* when left out.

        Raises:
            Error: What the service answered with, or `Unavailable`,
                `DeadlineExceeded` and their like when no answer came.
            InvalidMessage: The message cannot be sent.
        """
        prepared, channel = self._prepared(method), self._open()
        known = operation.raises if raises is None else raises
        wait, pairs = _timeout(timeout), _pairs(metadata)
        if operation.kind is Kind.UNARY:
            data = encoded(prepared.message, message)
            with told(known):
                unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(prepared.path)
                reply = await unary(data, timeout=wait, metadata=pairs)
            return decoded(prepared, reply)
        streaming: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = channel.stream_unary(prepared.path)
        stream = streaming(timeout=wait, metadata=pairs)
        async with Sender(stream, prepared.message, cast("AsyncIterable[object]", message)):
            with told(known):
                reply = await stream
        return decoded(prepared, reply)

    async def stream(
        self,
        method: Method,
        operation: Operation,
        message: object,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
        raises: Sequence[type[Error]] | None = None,
    ) -> AsyncGenerator[object, None]:
        """Call a streaming method and iterate over the items of its reply.

        Leaving the iteration early cancels the call; close the generator with
        ``contextlib.aclosing`` to be sure when. Arguments and errors are those
        of `call`; of a bidirectional stream *message* is an async iterable.
        """
        prepared, channel = self._prepared(method), self._open()
        known = operation.raises if raises is None else raises
        wait, pairs = _timeout(timeout), _pairs(metadata)
        call: grpc.aio.StreamStreamCall[bytes, bytes] | grpc.aio.UnaryStreamCall[bytes, bytes]
        async with contextlib.AsyncExitStack() as stack:
            if operation.kind.streams_in:
                both: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(prepared.path)
                call = both(timeout=wait, metadata=pairs)
                await stack.enter_async_context(Sender(call, prepared.message, cast("AsyncIterable[object]", message)))
            else:
                data = encoded(prepared.message, message)
                down: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(prepared.path)
                call = down(data, timeout=wait, metadata=pairs)
            stack.callback(call.cancel)
            while True:
                with told(known):
                    reply = await call.read()
                if reply is grpc.aio.EOF:
                    return
                yield decoded(prepared, reply)

    def _prepared(self, method: Method) -> proto.Method:
        found = self._methods.get(method.path)
        if found is None:
            raise LookupError(f"this client does not know {method.path}; give it what the service exposes")
        return found

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            raise RuntimeError("the client is not open; use it inside `async with`")
        return self._channel


def _timeout(asked: float | None) -> float | None:
    call = current_call()
    left = math.inf if call is None else call.deadline.remaining()
    wait = left if asked is None else min(asked, left)
    if wait <= 0:
        raise DeadlineExceeded("no time is left for this call")
    return None if wait == math.inf else wait


def _pairs(metadata: Mapping[str, str] | None) -> Pairs:
    pairs = pairs_of(metadata or {})
    call = current_call()
    if call is None or any(name == REQUEST_ID for name, _ in pairs):
        return pairs
    return (*pairs, (REQUEST_ID, call.id))
