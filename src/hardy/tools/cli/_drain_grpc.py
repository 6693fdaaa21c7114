"""Load over gRPC, counted after the attempts that gRPC's own rules allow."""

import asyncio
from dataclasses import dataclass

import grpc
import grpc.aio

from hardy.tools.cli._drain_http import PATIENCE, PAUSE
from hardy.tools.cli._drain_tally import Tally, Watch

ATTEMPTS = 10
AGAIN = 10.0
"""Seconds that a call waits for a connection at a later attempt."""
_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # each client has a connection of its own
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # what a connection may take before it is given up
    ("grpc.max_reconnect_backoff_ms", 200),
]
_UNBEGUN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
"""How a call ends that the connection, and not the service, has answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcTarget:
    """What is called, and where."""

    name: str
    address: str
    path: str
    message: bytes
    streams: bool = False
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _End:
    code: grpc.StatusCode
    told: bool
    """Whether the service itself has ended the call: it sends the call's id along."""
    details: str


async def keep_calling(target: GrpcTarget, watch: Watch) -> None:
    """Call again and again until the service is gone or the load is over."""
    tally = watch.streams if target.streams else watch.grpc
    async with grpc.aio.insecure_channel(target.address, options=_OPTIONS) as channel:
        while not watch.over:
            tally.sent += 1
            if not await _call_until_answered(target, watch, tally, channel):
                return
            await asyncio.sleep(PAUSE * 5 if target.streams else PAUSE)


async def _call_until_answered(target: GrpcTarget, watch: Watch, tally: Tally, channel: grpc.aio.Channel) -> bool:
    """Make one call, anew when its connection ended before it began; return whether the service is still there."""
    attempt = 0
    while True:
        id_ = watch.new_id()
        watch.unanswered[id_] = tally
        end = await (_stream if target.streams else _unary)(target, channel, id_, again=attempt > 0)
        if end.told:
            del watch.unanswered[id_]
            _count(target, watch, tally, end)
            tally.retried += attempt > 0
            return True
        if not watch.is_promised:
            # Whether it had begun, the service's own log tells in the end.
            tally.sent -= 1
            return False
        attempt += 1
        if end.code not in _UNBEGUN or attempt == ATTEMPTS:
            watch.lose(tally, target.name, f"{end.code.name} {end.details}")
            return True
        await asyncio.sleep(PAUSE)


def _count(target: GrpcTarget, watch: Watch, tally: Tally, end: _End) -> None:
    tally.outcomes[end.code.name] += 1
    if not target.streams and end.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}:
        watch.lose(tally, target.name, f"answered {end.code.name} {end.details}")
    else:
        tally.answered += 1


async def _unary(target: GrpcTarget, channel: grpc.aio.Channel, id_: str, *, again: bool) -> _End:
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(target.path)
    patience = AGAIN if again else PATIENCE
    call = method(target.message, timeout=patience, metadata=_metadata(target, id_), wait_for_ready=again)
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return _ended(error)
    return _End(grpc.StatusCode.OK, True, "")


async def _stream(target: GrpcTarget, channel: grpc.aio.Channel, id_: str, *, again: bool) -> _End:
    method: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(target.path)
    call = method(target.message, metadata=_metadata(target, id_), wait_for_ready=again)
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return _ended(error)
    return _End(grpc.StatusCode.OK, True, "")


def _metadata(target: GrpcTarget, id_: str) -> tuple[tuple[str, str], ...]:
    return (*target.metadata, ("x-request-id", id_))


def _ended(error: grpc.aio.AioRpcError) -> _End:
    names = {str(name) for name, _ in error.trailing_metadata() or ()}
    return _End(error.code(), "x-request-id" in names, error.details() or "")
