"""Sends a client's stream while its answer is awaited."""

import asyncio
from collections.abc import AsyncIterable
from types import TracebackType
from typing import Protocol, cast

import grpc.aio

from hardy.core import shielded
from hardy.schema.proto import Converter
from hardy.transport.grpc._answer import encoded


class Wire(Protocol):
    """What grpcio's message-sending calls have in common, beneath their surface."""

    async def send_serialized_message(self, message: bytes) -> None:
        """Send one message; waits while the peer is slow."""
        ...


class StreamingCall(Protocol):
    """What grpcio's calls with a client's stream have in common."""

    _cython_call: Wire

    async def wait_for_connection(self) -> None:
        """Wait until the call has begun."""
        ...

    async def done_writing(self) -> None:
        """End the stream."""
        ...

    def cancel(self) -> bool:
        """Give the call up."""
        ...


class Sender:
    """Sends *items* in a task of its own between the two ends of ``async with``.

    The task ends with the call. When *items* raises, the call is cancelled and
    the block ends with that error.
    """

    __slots__ = ("_call", "_converter", "_error", "_items", "_task")

    def __init__(self, call: object, converter: Converter[object], items: AsyncIterable[object]) -> None:
        self._call = cast("StreamingCall", call)
        self._converter = converter
        self._items = items
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._send())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await shielded(self._ended(self._task))
        if self._error is not None:
            raise self._error

    @staticmethod
    async def _ended(task: "asyncio.Task[None]") -> None:
        await asyncio.wait((task,))

    async def _send(self) -> None:
        try:
            await self._send_items()
        except (grpc.aio.BaseError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # answered before the stream's end: the status tells what
        except Exception as error:  # the items' own error goes to whoever gave them
            self._error = error
            self._call.cancel()
        finally:
            close = getattr(self._items, "aclose", None)
            if close is not None:
                await shielded(close())

    async def _send_items(self) -> None:
        await self._call.wait_for_connection()
        # Not `call.write`: when the answer comes before the stream's end, that puts
        # INTERNAL in the place of the status which is on its way.
        wire = self._call._cython_call
        async for item in self._items:
            await wire.send_serialized_message(encoded(self._converter, item))
        await self._call.done_writing()
