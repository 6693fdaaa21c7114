"""The layer of the chain that carries a call out once, however often it comes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hardy.core import Call, Emit, Error, Handler, Operation, shielded
from hardy.resilience._idempotency import Claim, Claimed, IdempotencyStore, Kept
from hardy.resilience._idempotency_key import (
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    fingerprint_of,
    key_of,
    stored_key,
)
from hardy.resilience._idempotency_outcome import Outcomes
from hardy.resilience._notices import CallReplayed, OutcomeLost
from hardy.resilience._rate_layer import INSIDE
from hardy.schema import JsonCase

Body = Callable[[Call, dict[str, object]], Awaitable[object]]
"""Carries a call out with its needs, and encodes the reply."""

Run = Callable[[Call, Body], Awaitable[object]]
"""Opens the scope of a call, runs a body in it, and closes it."""

LIFETIME = 86400.0
"""Seconds for which an outcome is kept: a day, as Stripe does."""
SLACK = 10.0
"""Seconds that a claim outlives its call's deadline, for the scope to close in."""
LONGEST_LEASE = 3600.0
TRANSACTION = "the transaction of idempotency"
"""The need by which a store in the transaction is given it; no parameter can be called so."""


@dataclass(frozen=True, slots=True)
class IdempotencyStatistics:
    """What came of calls with a key."""

    started: int
    """Carried out."""
    replayed: int
    """Answered with what was kept."""
    in_use: int
    """Refused because the same call was being carried out."""
    reused: int
    """Refused because the key had been used for another message."""
    lost: int
    """Carried out, without keeping the outcome."""


class Idempotency:
    """Carries each call of one operation out once under its key, however often it comes.

    The key is the caller's: the header ``Idempotency-Key``, the same in gRPC
    metadata (draft-ietf-httpapi-idempotency-key-header). It counts for one
    principal and one operation. The first call under a key is carried out and its outcome kept; the same
    message under the same key is answered with the very bytes of then and
    ``Idempotency-Replayed: true``; while the first is under way with 409, and another message under the key with 422.

    **What is kept**: every reply; and of errors those that are an answer of the operation,
    that is the ones it names in ``raises=``, unless their code or a ``retry_after`` says that
    trying again may help. Whatever else a call ends with undoes its transaction, and the key is
    free again. (Stripe keeps 500s, too, since there the effects before one stay. The draft: "respond with
    the result of the previously completed operation, success or an error".) What is refused before it is carried out,
    a message that breaks its rules for example, uses no key up.

    Its place in the chain is the innermost: around the use case and its encoding, inside the
    scope with a store in the transaction, outside of it with one of its own.

    Args:
        operation: A unary one.
        store: Gives the store; asked for each call, for it is opened later.
        required: Whether a call without a key is refused.
        in_transaction: Whether the store is one in the transaction.
        lifetime: Seconds for which outcomes are kept.
        json_case: Of the service.
        emit: Told of `CallReplayed` and `OutcomeLost`.

    Example:
        >>> from hardy.resilience import MemoryIdempotency
        >>> async def pay(amount: int) -> int: ...
        >>> once = Idempotency(Operation.of(pay), MemoryIdempotency)
        >>> once.statistics().started
        0
    """

    def __init__(
        self,
        operation: Operation,
        store: Callable[[], IdempotencyStore],
        *,
        required: bool = False,
        in_transaction: bool = False,
        lifetime: float = LIFETIME,
        json_case: JsonCase = "snake",
        emit: Emit = lambda notice: None,
    ) -> None:
        self._outcomes = Outcomes(operation, json_case)
        self._store = store
        self._required = required
        self._in_transaction = in_transaction
        self._lifetime = lifetime
        self._emit = emit
        self._started = self._replayed = self._in_use = self._reused = self._lost = 0

    def around(self, run: Run, body: Body) -> Handler:
        """Return the handler that has *run* carry *body* out once for each key."""
        once = self._inside if self._in_transaction else self._outside
        without = _dropping(body) if self._in_transaction else body

        async def handle(call: Call) -> object:
            key = None if call.transport in INSIDE else key_of(call, required=self._required)
            if key is None:
                return await run(call, without)
            attempt = _Attempt(stored_key(call, key), fingerprint_of(call.message), _lease(call))
            return await once(call, attempt, run, body)

        return handle

    async def _outside(self, call: Call, attempt: "_Attempt", run: Run, body: Body) -> object:
        """Carry out with a store of its own: what it keeps is kept when the effects are."""
        store = self._store()
        begun = await store.begin(attempt.key, attempt.fingerprint, lease=attempt.lease)
        if not isinstance(begun, Claim):
            return self._again(call, attempt, begun)
        self._started += 1
        outcome = b""

        async def noting(call: Call, needs: dict[str, object]) -> object:
            nonlocal outcome
            reply = await body(call, needs)
            outcome = self._outcomes.reply(call, reply)
            return reply

        try:
            reply = await run(call, noting)
        except BaseException as error:
            await shielded(self._failed(call, store, begun, error))
            raise
        await shielded(self._keep(call, store, begun, outcome))
        return reply

    async def _inside(self, call: Call, attempt: "_Attempt", run: Run, body: Body) -> object:
        """Carry out with a store in the transaction: what it keeps is committed with the effects."""
        store = self._store()
        claim: Claim | None = None

        async def claiming(call: Call, needs: dict[str, object]) -> object:
            nonlocal claim
            session = needs.pop(TRANSACTION)
            begun = await store.begin(attempt.key, attempt.fingerprint, lease=attempt.lease, within=session)
            if not isinstance(begun, Claim):
                return self._again(call, attempt, begun)
            claim = begun
            self._started += 1
            reply = await body(call, needs)
            outcome = self._outcomes.reply(call, reply)
            await store.keep(claim, outcome, lifetime=self._lifetime, within=session)
            return reply

        try:
            reply = await run(call, claiming)
        except BaseException as error:
            if claim is not None:
                await shielded(self._failed(call, store, claim, error))
            raise
        if claim is not None:
            await shielded(self._release(call, store, claim))
        return reply

    def _again(self, call: Call, attempt: "_Attempt", begun: Claimed | Kept) -> object:
        """Answer a call whose key is taken."""
        if begun.fingerprint is not None and begun.fingerprint != attempt.fingerprint:
            self._reused += 1
            raise IdempotencyKeyReused("this Idempotency-Key was used for another message; take a new one")
        if isinstance(begun, Claimed):
            self._in_use += 1
            raise IdempotencyKeyInUse(
                "a call with this Idempotency-Key is being carried out", retry_after=begun.retry_after
            )
        self._replayed += 1
        self._emit(CallReplayed(operation=call.operation.name, transport=call.transport))
        call.attach("idempotency-replayed", "true")
        return self._outcomes.answer(call, begun.outcome)

    async def _failed(self, call: Call, store: IdempotencyStore, claim: Claim, error: BaseException) -> None:
        """Keep an error that is an answer, and free the key after any other."""
        outcome = self._outcomes.failure(error) if isinstance(error, Exception) else None
        if outcome is not None:
            await self._keep(call, store, claim, outcome)
        if outcome is None or self._in_transaction:
            await self._release(call, store, claim)

    async def _keep(self, call: Call, store: IdempotencyStore, claim: Claim, outcome: bytes) -> None:
        """Keep *outcome*, or say that it is lost: what was done is done, and its answer is due."""
        why = "another call has taken the key"
        try:
            if await store.keep(claim, outcome, lifetime=self._lifetime):
                return
        except Error as error:
            why = str(error)
        self._lost += 1
        self._emit(OutcomeLost(operation=call.operation.name, call=call.id, error=why))

    async def _release(self, call: Call, store: IdempotencyStore, claim: Claim) -> None:
        try:
            await store.release(claim)
        except Error as error:  # it ends by itself
            call.log.warning("a claim on an Idempotency-Key was not released", why=str(error))

    def statistics(self) -> IdempotencyStatistics:
        """Return what came of calls with a key."""
        return IdempotencyStatistics(
            started=self._started,
            replayed=self._replayed,
            in_use=self._in_use,
            reused=self._reused,
            lost=self._lost,
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    key: str
    fingerprint: bytes
    lease: float


def _lease(call: Call) -> float:
    return min(max(0.0, call.deadline.remaining()) + SLACK, LONGEST_LEASE)


def _dropping(body: Body) -> Body:
    def without(call: Call, needs: dict[str, object]) -> Awaitable[object]:
        del needs[TRANSACTION]
        return body(call, needs)

    return without
