"""One operation in flight over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import grpc.aio

from hardy.core import (
    Call,
    Cancelled,
    ClientCertificate,
    DeadlineExceeded,
    Metadata,
    Operation,
    ResourceExhausted,
    Written,
)
from hardy.schema.proto import Method
from hardy.transport.grpc._metadata import Pairs, metadata_of, request_id
from hardy.transport.grpc._tls import client_certificate

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[bytes, bytes]

_SLACK = 0.05
_ROUNDING = 0.02
_GONE = "the client is gone"


@dataclass(frozen=True, slots=True)
class Plan:
    """How the messages of one method are read and written."""

    operation: Operation
    service: str
    """The full name of the gRPC service."""
    method: Method
    max_message: int
    """Bytes."""


class GrpcCall(Call):
    """A call that came over gRPC, and the reply while it is written."""

    __slots__ = ("_body", "_data", "_pairs", "_plan", "_reply", "context", "gone")

    def __init__(self, plan: Plan, data: bytes, context: Context) -> None:
        pairs = cast("Pairs", context.invocation_metadata() or ())
        remaining = cast("float | None", context.time_remaining())
        super().__init__(
            plan.operation,
            "grpc",
            id=request_id(pairs),
            peer=_address(context.peer()),
            timeout=None if remaining is None else max(0.0, remaining),
        )
        self.context = context
        self.gone = False
        self._plan = plan
        self._data = data
        self._pairs = pairs
        self._body = b""
        self._reply: object = self  # no reply is this call: nothing is encoded yet

    def leave(self) -> None:
        """Take note that the client is gone, and end the call unless it goes on without one."""
        self.gone = True
        if self.operation.finish_on_disconnect:
            return
        if self._out_of_time():
            self.cancel(DeadlineExceeded(f"the caller waited {self.timeout:g} s"))
        else:
            self.cancel(Cancelled(_GONE))

    def _out_of_time(self) -> bool:
        # gRPC cancels in the same way at the client's deadline. The client's clock
        # started a network's way earlier, and the time it sends is rounded up by 1 %.
        if self.timeout is None:
            return False
        remaining = cast("float | None", self.context.time_remaining()) or 0.0
        return remaining <= max(_SLACK, self.timeout * _ROUNDING)

    def read_certificate(self) -> ClientCertificate | None:
        """Return what TLS has proved about the client."""
        return client_certificate(self.context)

    def read_metadata(self) -> Metadata:
        """Return the metadata, bytes as base64."""
        return metadata_of(self._pairs)

    async def receive(self) -> object:
        """Decode the message; of a client stream, return the iterator over its items."""
        if self.operation.kind.streams_in:
            return Items(self, self._plan)
        return self._plan.method.message.decode(self._data)

    def encode(self, reply: object) -> None:
        """Encode the reply of a unary operation."""
        self._body = self._within(self._plan.method.reply.encode(reply))
        self._reply = reply

    def written(self) -> Written | None:
        """Return the bytes of the reply."""
        return Written(self._plan.method.path, self._body)

    def rewrite(self, reply: object, written: Written) -> bool:
        """Answer with the bytes that an earlier call of the same method was answered with."""
        if written.form != self._plan.method.path:
            return False
        self._body, self._reply = written.body, reply
        return True

    def body_of(self, reply: object) -> bytes:
        """Return the bytes of *reply*, which is another than was encoded when a middleware changed it."""
        if reply is not self._reply:
            self.encode(reply)
        return self._body

    async def send(self, item: object) -> None:
        """Send one *item*; waits while the client's flow control says so.

        Raises:
            Cancelled: The client is gone.
        """
        if not self.operation.kind.streams_out:
            await super().send(item)
        data = self._within(self._plan.method.reply.encode(item))
        if self.gone and self.operation.finish_on_disconnect:
            return
        try:
            await self.context.write(data)
        except (grpc.aio.BaseError, asyncio.InvalidStateError):
            if not self.operation.finish_on_disconnect:
                raise Cancelled(_GONE) from None

    def _within(self, data: bytes) -> bytes:
        if len(data) > self._plan.max_message:
            raise ResourceExhausted(f"the reply is larger than {self._plan.max_message} bytes")
        return data


def _address(peer: str) -> str:
    """Return ``[::1]:50051`` for ``ipv6:%5B::1%5D:50051``, and so on."""
    address = peer.partition(":")[2]
    return unquote(address) if "%" in address else address


class Items(AsyncIterator[object]):
    """The items of a client's stream, each decoded when it is asked for."""

    __slots__ = ("_call", "_plan")

    def __init__(self, call: GrpcCall, plan: Plan) -> None:
        self._call = call
        self._plan = plan

    async def __anext__(self) -> object:
        try:
            data = cast("object", await self._call.context.read())
        except (grpc.aio.BaseError, asyncio.InvalidStateError):
            raise Cancelled(_GONE) from None
        if data is grpc.aio.EOF:
            await self._confirm_end()
            raise StopAsyncIteration
        return self._plan.method.message.decode(cast("bytes", data))

    async def _confirm_end(self) -> None:
        """Tell a stream that ended from one whose client broke it off.

        gRPC answers both with EOF, and reports the break a moment later; four of
        five broken streams would otherwise be taken for whole. The report is in
        the queue before a second EOF is, and needs some turns of the loop from
        there to here.
        """
        await self._call.context.read()
        for _ in range(4):
            await asyncio.sleep(0)
        if self._call.gone:
            raise Cancelled(_GONE)
