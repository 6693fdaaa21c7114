"""Rate limits and idempotency: what the lines of an app say about them, checked, and as layers of the chain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from hardy.app._parts import Exposure, Parts
from hardy.app._supplies import Supplies
from hardy.core import Clock, Diagnostic, Emit, Kind, Need, Operation
from hardy.resilience import (
    TRANSACTION,
    Idempotency,
    IdempotencyStore,
    Limit,
    Limiter,
    MemoryLimiter,
    RateLimits,
    Stage,
)
from hardy.transport import http


class Policies:
    """Makes the layers of an app's operations that count and that remember.

    Args:
        app: The lines.
        supplies: Where the stores come from, once they are open.
        clock: What the limiter in memory reads, which counts where no other does.
        emit: Told what the layers notice.
    """

    def __init__(self, app: Parts, supplies: Supplies, clock: Clock, emit: Emit) -> None:
        self._app = app
        self._supplies = supplies
        self._emit = emit
        self._own = MemoryLimiter(clock=clock)
        self._limits: list[tuple[str, RateLimits]] = []
        self._down: set[str] = set()
        self._once: dict[str, Idempotency] = {}

    def limits(self, exposure: Exposure, stage: Stage) -> RateLimits | None:
        """Return what counts the calls of an operation at one place of its chain; ``None`` when nothing does."""
        mine = [(prefix, limit) for prefix, limit in limits_on(self._app, exposure) if limit.stage == stage]
        if not mine:
            return None
        layer = RateLimits(mine, shared=self._limiter, own=lambda: self._own, emit=self._emit, down=self._down)
        self._limits.append((exposure.operation.name, layer))
        return layer

    def once(self, exposure: Exposure) -> Idempotency | None:
        """Return what carries the calls of an operation out once each; ``None`` when it does not matter."""
        operation = exposure.operation
        if operation.idempotency is None:
            return None
        layer = Idempotency(
            operation,
            self._store,
            required=operation.idempotency == "required",
            in_transaction=transaction_of(self._supplies) is not None,
            lifetime=self._app.settings.limits.idempotency_lifetime,
            json_case=self._app.json_case,
            emit=self._emit,
        )
        self._once[operation.name] = layer
        return layer

    def statistics(self) -> Mapping[str, object]:
        """Return what the layers have counted, those that there are."""
        found: dict[str, object] = {}
        if self._limits:
            limits: dict[str, dict[str, object]] = {}
            for name, layer in self._limits:
                limits.setdefault(name, {}).update(layer.statistics())
            found["limits"] = limits
        if self._once:
            found["idempotency"] = {name: layer.statistics() for name, layer in self._once.items()}
        return found

    def _limiter(self) -> Limiter:
        return cast("Limiter | None", self._supplies.value(Limiter)) or self._own

    def _store(self) -> IdempotencyStore:
        store = self._supplies.value(IdempotencyStore)
        assert store is not None
        return cast("IdempotencyStore", store)


def ports_of_policies(app: Parts) -> set[object]:
    """Return what the layers of *app* need from components."""
    ports: set[object] = {Limiter} if any(each.operation.limited for each in app.exposures) else set()
    return ports | ({IdempotencyStore} if any(each.operation.idempotency for each in app.exposures) else set())


def limits_on(app: Parts, exposure: Exposure) -> Sequence[tuple[str, Limit]]:
    """Return the limits of an operation, each under a name of its own, with the prefix of its keys."""
    operation = exposure.operation
    if not operation.limited:
        return ()
    given = [(app.name, limit) for limit in app.limits]
    given += [(f"{app.name}.{operation.name}", limit) for limit in exposure.limits]
    seen: dict[str, int] = {}
    named: list[tuple[str, Limit]] = []
    for prefix, limit in given:
        seen[limit.name] = number = seen.get(limit.name, 0) + 1
        named.append((prefix, limit if number == 1 else replace(limit, name=f"{limit.name}-{number}")))
    return named


def transaction_of(supplies: Supplies) -> type[object] | None:
    """Return the port of the transaction that the store of outcomes writes in; ``None`` for one of its own."""
    store = supplies.value(IdempotencyStore) or supplies.source(IdempotencyStore)
    return cast("type[object] | None", getattr(store, "within", None))


def planned(operation: Operation, supplies: Supplies) -> Operation:
    """Return *operation* with all that a call of it is given: the transaction, too, where its outcome is kept in it."""
    if operation.idempotency is None or (port := transaction_of(supplies)) is None:
        return operation
    return replace(operation, needs=(*operation.needs, Need(TRANSACTION, port)))


def counts_alone(app: Parts) -> bool:
    """Tell whether calls are counted by the limiter in memory that is there when no component is one."""
    if any(getattr(each, "port", None) is Limiter for each in app.components):
        return False
    return any(limit.scope == "service" for each in app.exposures for _, limit in limits_on(app, each))


def check_policies(app: Parts, supplies: Supplies) -> Sequence[Diagnostic]:
    """Return everything that is wrong with what *app* says of limits and idempotency."""
    faults: list[Diagnostic] = []
    for each in app.exposures:
        faults += _unrepeatable(each.operation)
    faults += _unkept(app, supplies)
    faults += _alone(app, supplies)
    faults += _unsaid(app, supplies)
    return faults


def _unrepeatable(operation: Operation) -> Sequence[Diagnostic]:
    """Refuse idempotency where no reply can be kept, or no message recognised."""
    if operation.idempotency is None:
        return ()
    why = ""
    if operation.idempotency not in {"accepted", "required"}:
        why = f'says idempotency={operation.idempotency!r}, which is neither "accepted" nor "required"'
    elif operation.raw:
        why = "is raw, so that hardy does not know what it answers"
    elif operation.kind is not Kind.UNARY:
        why = f"is a {operation.kind.value.replace('_', ' ')}, which cannot be answered again"
    elif http.takes_files(operation):
        why = "takes files, which cannot be compared with those of another call"
    if not why:
        return ()
    return [
        Diagnostic(
            code="H0720",
            title=f"`{operation.name}` {why}",
            place=operation.place,
            helps=(f"leave `idempotency=` out of the `expose` line of `{operation.name}`",)
            if operation.idempotency in {"accepted", "required"}
            else ('idempotency="required"', 'idempotency="accepted"'),
        )
    ]


def _unkept(app: Parts, supplies: Supplies) -> Sequence[Diagnostic]:
    """Refuse idempotency with nothing that remembers."""
    first = next((each.operation for each in app.exposures if each.operation.idempotency is not None), None)
    if first is None or supplies.has(IdempotencyStore):
        return ()
    return [
        Diagnostic(
            code="H0721",
            title=f"`{first.name}` is carried out once for each key, and nothing remembers the keys",
            place=first.place,
            helps=(
                "app.manage(SqlIdempotency()), after the database, which it shares a transaction with",
                "app.manage(RedisIdempotency(...))",
                "in dev: app.manage(MemoryIdempotency()), from hardy.resilience",
            ),
        )
    ]


def _alone(app: Parts, supplies: Supplies) -> Sequence[Diagnostic]:
    """Refuse limits that count in one process where there are several."""
    settings = app.settings
    if settings.environment != "production" or settings.replicas == 1 or supplies.has(Limiter):
        return ()
    first = next(
        ((each, limit) for each in app.exposures for _, limit in limits_on(app, each) if limit.scope == "service"), None
    )
    if first is None:
        return ()
    exposure, limit = first
    name, count = exposure.operation.name, limit.rate.count
    return [
        Diagnostic(
            code="H0722",
            title=f"each of {settings.replicas} replicas would let {count} through to `{name}`",
            place=exposure.operation.place,
            notes=(f"{limit.describe()}: counted in memory, which replicas do not share",),
            helps=(
                "count in one place: app.manage(RedisLimiter(...))",
                f'or say that each process counts for itself: {_call_of(limit)}, scope="process")',
            ),
        )
    ]


def _unsaid(app: Parts, supplies: Supplies) -> Sequence[Diagnostic]:
    """Refuse a limit that may one day have nobody to ask, and does not say what then."""
    source = supplies.value(Limiter) or supplies.source(Limiter)
    if source is None or getattr(source, "process_local", False):
        return ()
    faults: dict[str, Diagnostic] = {}
    for each in app.exposures:
        for prefix, limit in limits_on(app, each):
            if limit.scope == "process" or limit.on_failure is not None:
                continue
            whose = f"`{app.name}`" if prefix == app.name else f"`{each.operation.name}`"
            faults[prefix + limit.name] = Diagnostic(
                code="H0723",
                title=f"{whose} is limited to {limit.describe()}, and not told what happens when nobody can count",
                place=None if prefix == app.name else each.operation.place,
                helps=(
                    f'let everything pass: {_call_of(limit)}, on_failure="open")',
                    f'or nothing: {_call_of(limit)}, on_failure="closed")',
                ),
            )
    return list(faults.values())


def _call_of(limit: Limit) -> str:
    rate = limit.rate
    return f"per_{limit.name.partition('-')[0]}({rate.count}, per={rate.per:g}"
