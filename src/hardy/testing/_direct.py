"""Calls that travel no wire: through the whole chain, by the same message rules."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import cast

from hardy.app import Assembly
from hardy.core import Call, Metadata, Operation
from hardy.schema import Codec, codec


class _DirectCall(Call):
    __slots__ = ("_codecs", "_given", "_items")

    def __init__(
        self,
        operation: Operation,
        given: object,
        codecs: "tuple[Codec[object], Codec[object]]",
        metadata: Mapping[str, str],
        timeout: float | None,
    ) -> None:
        super().__init__(operation, "direct", metadata=Metadata(metadata.items()), peer="direct", timeout=timeout)
        self._given = given
        self._codecs = codecs
        self._items: asyncio.Queue[object] = asyncio.Queue(maxsize=1)

    async def receive(self) -> object:
        message, _ = self._codecs
        if self.operation.kind.streams_in:
            return self._validated(cast("AsyncIterator[object]", self._given))
        return message.validate(self._given)

    async def _validated(self, items: AsyncIterator[object]) -> AsyncIterator[object]:
        async for item in items:
            yield self._codecs[0].validate(item)

    def encode(self, reply: object) -> None:
        # A reply that no transport could carry fails here as it would there.
        self._codecs[1].validate(reply)

    async def send(self, item: object) -> None:
        self._codecs[1].validate(item)
        await self._items.put(item)
        await self._items.join()

    async def items(self) -> AsyncIterator[object]:
        """Yield what was sent, telling the sender when each has been taken."""
        while True:
            yield await self._items.get()
            self._items.task_done()


class DirectCarrier:
    """Carries a client's calls to the chain of the service, in the same task tree."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    async def call(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> object:
        """Carry one call and return its reply."""
        call = self._call(operation, message, metadata, timeout)
        # A task of its own, as every transport gives it: middleware may cancel it without the test's.
        return await asyncio.create_task(call.run(self._assembly.handler(operation)))

    async def stream(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> AsyncIterator[object]:
        """Carry one call and yield the items of its reply."""
        call = self._call(operation, message, metadata, timeout)
        running = asyncio.create_task(call.run(self._assembly.handler(operation)))
        items = call.items()
        try:
            while True:
                taking = asyncio.ensure_future(anext(items))
                await asyncio.wait({taking, running}, return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    taking.cancel()
                    with suppress(asyncio.CancelledError):
                        await taking
                    await running
                    return
                yield taking.result()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({running})

    def _call(self, operation: Operation, given: object, metadata: Mapping[str, str], timeout: float | None) -> _DirectCall:
        codecs = (codec(operation.message), codec(operation.reply))
        return _DirectCall(operation, given, codecs, metadata, timeout)
