"""Delivers the partitions of one topic to one group: in each, one event at a time, in whatever process."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from hardy.adapters.nats._client import JetStreamContext, Msg, errors
from hardy.adapters.nats._wire import MESSAGE_ID, dead_subject, from_message, to_headers
from hardy.core import shielded
from hardy.messaging import Again, Dead, Delivery, Done, Envelope, Receive, Verdict

Pull = JetStreamContext.PullSubscription

_WAIT = 1.0
"""Seconds that the server keeps a request for the next event; draining waits for no longer."""
_PAUSE = 0.5
"""Seconds to wait after the server could not be asked."""
_CRASHED = Again(1.0)
"""What becomes of an event whose consumer raised."""


class NatsSubscription:
    """One process's share of a group.

    Every partition is a durable consumer of its own, with at most one event
    unsettled (``max_ack_pending=1``): the server itself keeps the order, over
    processes, retries and crashes. While an event is dealt with, the server is
    told so again and again, so that it is not given to somebody else.
    """

    def __init__(
        self,
        js: JetStreamContext,
        pulls: Sequence[Pull],
        *,
        stream: str,
        group: str,
        receive: Receive,
        concurrency: int,
        ack_wait: float,
    ) -> None:
        self.delivered = self.dead = 0
        self._js = js
        self._stream = stream
        self._group = group
        self._receive = receive
        self._free = asyncio.Semaphore(concurrency)
        self._beat = ack_wait / 3
        self._draining = False
        self._pulls = pulls
        self._tasks = [
            asyncio.create_task(self._serve(pull), name=f"hardy: partition {n} for {group}")
            for n, pull in enumerate(pulls)
        ]

    async def drain(self) -> None:
        """Take nothing new; return when what was taken is settled."""
        self._draining = True
        await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel what is left, which is delivered again at once, and stop."""
        await shielded(self._close())

    async def _close(self) -> None:
        self._draining = True
        for each in self._tasks:
            each.cancel()
        await asyncio.wait(self._tasks)
        for pull in self._pulls:
            with suppress(errors.Error):  # the connection is gone, and the subscription with it
                await pull.unsubscribe()

    async def _serve(self, pull: Pull) -> None:
        while not self._draining:
            try:
                [message] = await pull.fetch(1, timeout=_WAIT)
            except TimeoutError:
                continue
            except errors.Error:
                await asyncio.sleep(_PAUSE)
                continue
            try:
                await self._deal_with(message)
            except errors.Error:  # not settled: it is delivered again
                await asyncio.sleep(_PAUSE)

    async def _deal_with(self, message: Msg) -> None:
        beating = asyncio.create_task(self._keep(message))
        attempt = message.metadata.num_delivered or 1
        try:
            async with self._free:
                verdict = await self._judge(message, attempt)
        except asyncio.CancelledError:
            with suppress(errors.Error):
                await shielded(message.nak())
            raise
        finally:
            beating.cancel()
        await shielded(self._settle(message, verdict, attempt))

    async def _judge(self, message: Msg, attempt: int) -> Verdict:
        try:
            envelope = from_message(message.data, message.headers or {})
        except ValueError as error:
            return Dead(f"INVALID_ARGUMENT: {error}")
        self.delivered += 1
        try:
            return await self._receive(Delivery(envelope=envelope, group=self._group, attempt=attempt))
        except Exception:  # its failures are verdicts; this one is a defect of the consumer, and the event is not lost
            return _CRASHED

    async def _settle(self, message: Msg, verdict: Verdict, attempt: int) -> None:
        if isinstance(verdict, Done):
            await message.ack()
        elif isinstance(verdict, Again):
            await message.nak(delay=verdict.delay)
        else:
            await self._bury(message, verdict, attempt)

    async def _bury(self, message: Msg, verdict: Dead, attempt: int) -> None:
        """Put the event into the stream of dead letters; only when it is there, say that it is dealt with."""
        try:
            envelope = from_message(message.data, message.headers or {})
        except ValueError:
            envelope = Envelope(topic=message.subject, data=message.data)
        facts = {"group": self._group, "reason": verdict.reason, "attempts": str(attempt)}
        headers = to_headers(envelope, **facts)
        headers[MESSAGE_ID] = f"{self._group}:{message.metadata.sequence.stream}"
        subject = dead_subject(self._stream, self._group, envelope.topic)
        try:
            await self._js.publish(subject, message.data, headers=headers)
        except (errors.Error, TimeoutError):
            await message.nak(delay=_CRASHED.delay)
            return
        self.dead += 1
        await message.term()

    async def _keep(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(self._beat)
            with suppress(errors.Error):
                await message.in_progress()
