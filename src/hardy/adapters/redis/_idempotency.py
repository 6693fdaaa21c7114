"""The port `IdempotencyStore` on a server that all replicas share."""

from math import ceil
from secrets import token_bytes
from types import TracebackType
from typing import Self, cast

from hardy.adapters.redis._redis import Redis
from hardy.adapters.redis._script import Script
from hardy.adapters.redis._statistics import RedisIdempotencyStatistics
from hardy.adapters.redis._wait import Wait
from hardy.resilience import Claim, Claimed, IdempotencyStore, Kept

# Under a key lies `c`, the token and the fingerprint; once kept `k`, the token, the fingerprint's length, the
# fingerprint and the outcome. The token stays, so that keeping twice is the same as keeping once.
_TOKEN = 16
_BEGIN = Script("""
local there = redis.call('GET', KEYS[1])
if there then return {there, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0
""")
_KEEP = Script("""
local token = redis.call('GETRANGE', KEYS[1], 1, 16)
if token ~= '' and token ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
""")
_RELEASE = Script("""
if redis.call('GETRANGE', KEYS[1], 0, 16) ~= 'c' .. ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")


class RedisIdempotency(IdempotencyStore):
    """Remembers the outcome of calls for all replicas, on one Redis or Valkey server.

    A component that yields `IdempotencyStore`, a store of its own: what a call
    does elsewhere and what is remembered here cannot become true in one step.
    A process that dies after the effect and before `keep` leaves a claim that
    ends by itself, and the call can then be carried out again; a server that
    loses its data forgets outcomes. Where that matters, remember them in the
    transaction of the effect: the store of ``hardy.adapters.sql``.

    Args:
        redis: The server; manage it before.
        prefix: Put before every key.

    Example:
        >>> async def main(redis: Redis) -> object:
        ...     async with RedisIdempotency(redis) as store:
        ...         return await store.begin("place_order:9f8a", b"fingerprint", lease=30)
    """

    port = IdempotencyStore

    def __init__(self, redis: Redis, *, prefix: str = "idempotency:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._claimed = self._kept = self._found = self._refused = 0

    @property
    def within(self) -> type[object] | None:
        """Nothing: it is a store of its own."""
        return None

    async def __aenter__(self) -> Self:
        """Return itself: the connection is the server's."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close nothing."""

    async def begin(
        self, key: str, fingerprint: bytes, *, lease: float, within: object = None
    ) -> Claim | Claimed | Kept:
        """Claim *key*, or tell who has it or what came of it."""
        token, name = token_bytes(_TOKEN), self._prefix + key

        def give_back(late: object) -> None:
            if late == 0:  # nobody carries the call out
                self._redis._tell("EVAL", _RELEASE.source, 1, name, token)

        words = (b"c" + token + fingerprint, _milliseconds(lease))
        answer = await self._redis._run(_BEGIN, [name], words, Wait(late=give_back))
        if answer == 0:
            self._claimed += 1
            return Claim(key, fingerprint, token.hex())
        there, life = cast("tuple[bytes, int]", answer)
        rest = there[1 + _TOKEN :]
        if there[:1] == b"c":
            self._refused += 1
            return Claimed(rest, retry_after=min(1.0, max(life, 1) / 1000))
        self._found += 1
        return Kept(rest[1 : 1 + rest[0]], rest[1 + rest[0] :])

    async def keep(self, claim: Claim, outcome: bytes, *, lifetime: float, within: object = None) -> bool:
        """Remember *outcome*, unless another call has claimed the key meanwhile."""
        token, fingerprint = bytes.fromhex(claim.token), claim.fingerprint
        record = b"k%s%c%s%s" % (token, len(fingerprint), fingerprint, outcome)
        words, wait = (token, record, _milliseconds(lifetime)), Wait(past_deadline=True)
        kept = await self._redis._run(_KEEP, [self._prefix + claim.key], words, wait) == 1
        self._kept += kept
        return kept

    async def release(self, claim: Claim) -> None:
        """Give *claim* up."""
        words, wait = (bytes.fromhex(claim.token),), Wait(past_deadline=True)
        await self._redis._run(_RELEASE, [self._prefix + claim.key], words, wait)

    def statistics(self) -> RedisIdempotencyStatistics:
        """Return what this process was told."""
        return RedisIdempotencyStatistics(
            claimed=self._claimed, kept=self._kept, found=self._found, refused=self._refused
        )


def _milliseconds(seconds: float) -> int:
    return max(1, ceil(seconds * 1000))
