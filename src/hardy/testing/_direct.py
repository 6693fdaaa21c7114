"""Calls that travel no wire: through the whole chain, by the same message rules."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from typing import cast

from hardy.app import Assembly
from hardy.core import Call, Cancelled, Metadata, Operation
from hardy.schema import Codec, codec
from hardy.transport.http import takes_files

Codecs = tuple[Codec[object], Codec[object]]
"""Those of message and reply, or of their items."""


class _DirectCall(Call):
    __slots__ = ("_codecs", "_encoded", "_given", "_items")

    def __init__(
        self,
        operation: Operation,
        given: object,
        codecs: Codecs,
        metadata: Mapping[str, str],
        timeout: float | None,
    ) -> None:
        super().__init__(operation, "direct", metadata=Metadata(metadata.items()), peer="direct", timeout=timeout)
        self._given = given
        self._codecs = codecs
        self._encoded: object = self  # no reply is this call: nothing is encoded yet
        self._items: asyncio.Queue[object] = asyncio.Queue(maxsize=1)

    async def receive(self) -> object:
        if self.operation.kind.streams_in:
            return self._validated(cast("AsyncIterator[object]", self._given))
        if self.operation.raw or takes_files(self.operation):  # a file is what it is, on no wire
            return self._given
        return self._codecs[0].validate(self._given)

    async def _validated(self, items: AsyncIterator[object]) -> AsyncIterator[object]:
        async for item in items:
            yield self._codecs[0].validate(item)

    def encode(self, reply: object) -> None:
        # A reply that no transport could carry fails here as it would there.
        if not self.operation.raw:
            self._codecs[1].encode(reply)
        self._encoded = reply

    async def send(self, item: object) -> None:
        self._codecs[1].encode(item)
        await self._items.put(item)
        await self._items.join()

    async def answer(self, assembly: Assembly) -> object:
        """Run the call to its end and return the reply."""
        reply = await self.run(assembly.handler(self.operation))
        if reply is not self._encoded and not self.operation.kind.streams_out:
            self.encode(reply)  # a middleware has put another in its place
        return reply

    async def take(self) -> object:
        """Return the next item."""
        return await self._items.get()

    def taken(self) -> None:
        """Let the use case go on: the item has been dealt with."""
        self._items.task_done()


class DirectCarrier:
    """Carries a client's calls to the chain of the service, in the same task tree."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._codecs: dict[Operation, Codecs] = {}

    async def call(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> object:
        """Carry one call and return its reply."""
        call = self._call(operation, message, metadata, timeout)
        # A task of its own, as every transport gives it: middleware may cancel it without the test's.
        return await asyncio.create_task(call.answer(self._assembly))

    async def stream(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> AsyncGenerator[object]:
        """Carry one call and yield the items of its reply."""
        call = self._call(operation, message, metadata, timeout)
        running = asyncio.create_task(call.answer(self._assembly))
        try:
            while True:
                taking = asyncio.create_task(call.take())
                try:
                    await asyncio.wait({taking, running}, return_when=asyncio.FIRST_COMPLETED)
                    if not taking.done():
                        await running
                        return
                finally:
                    taking.cancel()
                yield taking.result()
                call.taken()
        finally:
            call.cancel(Cancelled("the client is gone"))
            with suppress(Exception):  # told already, or nobody is there to be told
                await running

    def _call(
        self, operation: Operation, given: object, metadata: Mapping[str, str], timeout: float | None
    ) -> _DirectCall:
        codecs = self._codecs.get(operation)
        if codecs is None:
            types: tuple[object, object] = (object, object) if operation.raw else (operation.message, operation.reply)
            if takes_files(operation):
                types = (object, operation.reply)
            message, reply = (codec(each, json_case=self._assembly.app.json_case) for each in types)
            codecs = self._codecs[operation] = (message, reply)
        return _DirectCall(operation, given, codecs, metadata, timeout)
