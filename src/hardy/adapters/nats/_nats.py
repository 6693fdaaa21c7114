"""The component: a connection, the streams, and the ports on them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self, cast
from urllib.parse import urlsplit

from hardy.adapters.nats._client import (
    AckPolicy,
    Client,
    ConsumerConfig,
    DeliverPolicy,
    JetStreamContext,
    RawStreamMsg,
    StreamConfig,
    errors,
    js_errors,
)
from hardy.adapters.nats._settings import NatsSettings
from hardy.adapters.nats._subscription import NatsSubscription
from hardy.adapters.nats._wire import (
    MESSAGE_ID,
    facts_of,
    from_message,
    letter_of,
    replay_subject,
    subject_of,
    to_headers,
    token,
    translate,
)
from hardy.core import BuildFailed, Diagnostic, Error, Unavailable, shielded
from hardy.messaging import Broker, DeadLetter, Envelope, Receive, Subscription, Unpublished

_IN_FLIGHT = 64
"""Keys that are published side by side."""
_REMEMBERED = 120.0
"""Seconds in which a stream made here drops what it was sent before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsStatistics:
    """Numbers since the connection was opened, and as they are now."""

    connected: bool
    reconnects: int
    published: int
    delivered: int
    """Events handed to groups of this process."""
    dead: int
    """Events that groups of this process gave up."""


class Nats:
    """A broker on NATS JetStream, for services of many processes.

    Events are kept in one stream, each topic on a subject for each of some
    partitions, to which keys are spread; a group has a durable consumer for
    each, with at most one event unsettled. So the order of a key holds over
    processes, retries and crashes, an event that is retried holds back those of
    its partition, and a group deals with as many events at once as there are
    partitions. Dead letters go to a stream of their own.

    What is published twice within two minutes is dropped by the server, by the
    id of the event.

    Streams are made when they are not there, and never changed.

    Args:
        settings: Where it is.

    Example:
        >>> Nats(NatsSettings(url="nats://127.0.0.1:4222")).statistics().connected
        False
    """

    port: ClassVar[type] = Broker

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._client = Client()
        self._js: JetStreamContext | None = None
        self._subscriptions: list[NatsSubscription] = []
        self._published = 0
        self._last: Exception | None = None

    async def __aenter__(self) -> Self:
        """Connect, and make the streams that are not there.

        Raises:
            BuildFailed: No server answers, or the stream has another number of partitions.
        """
        settings = self._settings
        try:
            async with asyncio.timeout(settings.connect_timeout):
                await self._client.connect(
                    servers=settings.url.split(","),
                    error_cb=self._note,
                    connect_timeout=max(1, int(settings.connect_timeout)),
                    reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds, of which it sleeps
                    max_reconnect_attempts=-1,
                )
                self._js = self._client.jetstream(timeout=settings.publish_timeout)
                await self._make_streams(self._js)
        except BaseException as error:
            await shielded(self._disconnect())
            if isinstance(error, TimeoutError | OSError | errors.Error):
                raise BuildFailed([_unreachable(settings.url, self._last or error)]) from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Disconnect."""
        await shielded(self._disconnect())

    async def _disconnect(self) -> None:
        self._js = None
        with suppress(errors.Error, TimeoutError):
            await self._client.close()
        self._client = Client()

    async def _note(self, error: Exception) -> None:
        self._last = error

    async def _make_streams(self, js: JetStreamContext) -> None:
        settings = self._settings
        name, partitions = settings.stream, str(settings.partitions)
        for stream, subjects, remember in (
            (name, [f"{name}.>", f"{name}-replay.>"], {"hardy-partitions": partitions}),
            (f"{name}-dead", [f"{name}-dead.>"], {}),
        ):
            try:
                found = (await js.stream_info(stream)).config.metadata or {}
            except js_errors.NotFoundError:
                await js.add_stream(
                    StreamConfig(
                        name=stream,
                        subjects=subjects,
                        num_replicas=settings.replicas,
                        max_age=settings.keep,
                        duplicate_window=min(_REMEMBERED, settings.keep or _REMEMBERED),
                        metadata=remember,
                    )
                )
                continue
            if remember and found.get("hardy-partitions", partitions) != partitions:
                raise BuildFailed([_other_partitions(stream, found["hardy-partitions"], partitions)])

    async def publish(self, envelopes: Sequence[Envelope], /) -> None:
        """Publish *envelopes* and return when the stream has them; see `Publisher.publish`.

        Raises:
            Unpublished: Some were not confirmed.
        """
        lanes: dict[object, list[Envelope]] = {}
        for each in envelopes:
            lanes.setdefault(each.id if each.key is None else (each.topic, each.key), []).append(each)
        failures: dict[str, Error] = {}
        several = asyncio.Semaphore(_IN_FLIGHT)

        async def send(lane: list[Envelope]) -> None:
            async with several:
                await self._send(lane, failures)

        async with asyncio.TaskGroup() as group:
            for lane in lanes.values():
                group.create_task(send(lane))
        if failures:
            raise Unpublished({each.id: failures[each.id] for each in envelopes if each.id in failures})

    async def _send(self, lane: list[Envelope], failures: dict[str, Error]) -> None:
        for n, each in enumerate(lane):
            try:
                headers = {**to_headers(each), MESSAGE_ID: each.id}
                subject = subject_of(self._settings.stream, each, self._settings.partitions)
                await self._context().publish(subject, each.data, headers=headers)
            except Exception as error:  # whatever it is, nothing behind it may be sent
                failures[each.id] = known = translate(error)
                for other in lane[n + 1 :]:
                    failures[other.id] = Unavailable(f"an event before it was not published: {known.message}")
                return
            self._published += 1

    async def subscribe(self, topic: str, *, group: str, receive: Receive, concurrency: int = 16) -> Subscription:
        """Begin to deliver the events of *topic* to *receive*; see `Broker.subscribe`.

        Raises:
            Unavailable: The server does not answer.
        """
        settings, js = self._settings, self._context()
        try:
            pulls = [await self._pull(js, topic, group, n) for n in range(settings.partitions)]
        except (errors.Error, TimeoutError) as error:
            raise translate(error) from error
        subscription = NatsSubscription(
            js,
            pulls,
            stream=settings.stream,
            group=group,
            receive=receive,
            concurrency=concurrency,
            ack_wait=settings.ack_wait,
        )
        self._subscriptions.append(subscription)
        return subscription

    async def _pull(
        self, js: JetStreamContext, topic: str, group: str, partition: int
    ) -> JetStreamContext.PullSubscription:
        stream, name = self._settings.stream, f"{token(group)}-{token(topic)}-{partition}"
        config = ConsumerConfig(
            name=name,
            durable_name=name,
            filter_subjects=[
                f"{stream}.{topic}.{partition}",
                f"{stream}-replay.{token(group)}.{topic}.{partition}",
            ],
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._settings.ack_wait,
            max_ack_pending=1,
            max_deliver=-1,
        )
        await js.add_consumer(stream, config)
        return await js.pull_subscribe_bind(consumer=name, stream=stream)

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadLetter]:
        """Return the oldest dead letters, of all groups of all services on this stream.

        Raises:
            Unavailable: The server does not answer.
        """
        letters: list[DeadLetter] = []
        async for message in self._dead():
            if len(letters) >= limit:
                break
            letters.append(letter_of(message.data or b"", _headers(message)))
        return letters

    async def replay(self, *ids: str) -> int:
        """Deliver dead letters again, to the group that gave each up; all when no *ids* are given.

        Raises:
            Unavailable: The server does not answer.
        """
        settings, js, count = self._settings, self._context(), 0
        async for message in self._dead():
            headers = _headers(message)
            envelope = from_message(message.data or b"", headers)
            if ids and envelope.id not in ids:
                continue
            group = facts_of(headers).get("group", "")
            subject = replay_subject(settings.stream, group, envelope, settings.partitions)
            again = {**to_headers(envelope), MESSAGE_ID: f"replay:{message.seq}"}
            try:
                await js.publish(subject, envelope.data, headers=again)
                await js.delete_msg(f"{settings.stream}-dead", message.seq or 0)
            except (errors.Error, TimeoutError) as error:
                raise translate(error) from error
            count += 1
        return count

    async def _dead(self) -> AsyncIterator[RawStreamMsg]:
        js, stream = self._context(), f"{self._settings.stream}-dead"
        try:
            last = (await js.stream_info(stream)).state.last_seq
            seq = 0
            while seq < last:
                message = await js.get_msg(stream, seq=seq + 1, next=True, subject=">")
                seq = message.seq or last
                yield message
        except js_errors.NotFoundError:
            return
        except (errors.Error, TimeoutError) as error:
            raise translate(error) from error

    def _context(self) -> JetStreamContext:
        if self._js is None or not self._client.is_connected:
            raise Unavailable("the broker is not connected", retry_after=1)
        return self._js

    async def ping(self) -> None:
        """Ask the server for a sign of life, where the service is of no use without it.

        Raises:
            Unavailable: It does not answer, and the settings say ``required``.
        """
        if not self._settings.required:
            return
        self._context()
        try:
            await self._client.flush(timeout=2)
        except (errors.Error, TimeoutError) as error:
            raise translate(error) from error

    def statistics(self) -> NatsStatistics:
        """Return what happened so far and how it is now."""
        return NatsStatistics(
            connected=self._client.is_connected,
            reconnects=self._client.stats["reconnects"],
            published=self._published,
            delivered=sum(each.delivered for each in self._subscriptions),
            dead=sum(each.dead for each in self._subscriptions),
        )


def _headers(message: RawStreamMsg) -> Mapping[str, str]:
    return cast("Mapping[str, str]", message.headers or {})


def _unreachable(url: str, error: BaseException) -> Diagnostic:
    places = ", ".join(urlsplit(each).netloc.rpartition("@")[2] for each in url.split(","))
    return Diagnostic(
        code="H0401",
        title=f"NATS at {places} cannot be reached: {error or type(error).__name__}",
        helps=(
            "start one with streams: nats-server --jetstream",
            "or say where it is; what the service was told: hardy show config",
        ),
    )


def _other_partitions(stream: str, found: str, wanted: str) -> Diagnostic:
    return Diagnostic(
        code="H0698",
        title=f"the stream `{stream}` has {found} partitions, and the settings say {wanted}",
        notes=("with another number the events of a key change their place, and their order is lost",),
        helps=(f"partitions = {found}", f'or begin a stream with another name: stream = "{stream}-{wanted}"'),
    )
