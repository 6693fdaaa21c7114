"""Composes the chain of one operation: built-ins, the user's middleware, scope, use case, encoding."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import cast

from hardy.core import NOT_YET, Call, Error, Handler, InvalidMessage, Layer, Middleware, Operation, compose, shielded
from hardy.di import Plan
from hardy.resilience import Idempotency, InFlight
from hardy.schema import JsonCase, codec

Invoke = Callable[[object, dict[str, object]], object]
"""Calls the use case with its message and needs: returns the coroutine, or the async generator of a stream."""


def _decode(proceed: Handler) -> Handler:
    def decoding(call: Call) -> Awaitable[object]:
        message = call.receive_now()
        if message is NOT_YET:
            return _receive(call, proceed)
        call.message = message
        return proceed(call)

    return decoding


async def _receive(call: Call, proceed: Handler) -> object:
    call.message = await call.receive()
    return await proceed(call)


decode = Layer(_decode)
"""Reads the message. After ``allow``, so that a stranger is told 401 and not what is wrong with the body."""


def chain(
    operation: Operation,
    invoke: Invoke,
    plan: Plan,
    middleware: Sequence[Middleware],
    in_flight: InFlight,
    *,
    once: Idempotency | None = None,
) -> Handler:
    """Return the handler of *operation*: *middleware* around its scope and use case.

    Args:
        operation: What is carried out.
        invoke: Calls the use case.
        plan: Opens the scope.
        middleware: The first one is the outermost.
        in_flight: Told when a stream flows.
        once: Carries a call out once for each of its caller's keys.
    """
    innermost = _streaming(invoke, plan, in_flight) if operation.kind.streams_out else _unary(invoke, plan, once)
    return compose(middleware, innermost)


def _unary(invoke: Invoke, plan: Plan, once: Idempotency | None) -> Handler:
    begin = cast("Callable[[object, dict[str, object]], Awaitable[object]]", invoke)

    async def carry_out(call: Call, needs: dict[str, object]) -> object:
        try:
            reply = await begin(call.message, needs)
        except BaseExceptionGroup as group:
            if (error := _told(group)) is None:
                raise
            raise error from group
        # Inside the scope: a reply that cannot be encoded rolls back.
        call.encode(reply)
        return reply

    if once is None and plan.is_empty:
        return lambda call: carry_out(call, {})
    if once is None:
        return lambda call: plan.run(call, carry_out)
    return once.around(lambda call, body: plan.run(call, body), carry_out)


def _streaming(invoke: Invoke, plan: Plan, in_flight: InFlight) -> Handler:
    async def carry_out(call: Call, needs: dict[str, object]) -> None:
        items = cast("AsyncGenerator[object, None]", invoke(call.message, needs))
        try:
            first = True
            async for item in items:
                await call.send(item)
                if first:
                    in_flight.flowing(call)
                    first = False
        except BaseExceptionGroup as group:
            if (error := _told(group)) is None:
                raise
            raise error from group
        finally:
            await shielded(items.aclose())

    return lambda call: plan.run(call, carry_out)


def _told(group: BaseExceptionGroup) -> Error | None:
    """Return what a task group of the use case means to the caller: its first error when all are ours, else nothing."""
    ours, others = group.split(Error)
    if ours is None or others is not None:
        return None
    first: Error | BaseExceptionGroup[Error] = ours
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def checking(operation: Operation, json_case: JsonCase) -> Invoke:
    """Return what calls the use case in tests: replies, and items of a stream, are compared with their annotation."""
    if operation.raw or operation.reply is type(None):
        return operation.invoke
    validate = codec(operation.reply, json_case=json_case).validate

    def check(reply: object) -> object:
        try:
            validate(reply)
        except InvalidMessage as wrong:
            faults = "; ".join(f"{fault.pointer or '/'} {fault.detail}" for fault in wrong.faults)
            verb = "yielded" if operation.kind.streams_out else "returned"
            raise TypeError(f"`{operation.name}` {verb} what its annotation does not allow: {faults}") from wrong
        return reply

    async def returned(message: object, needs: dict[str, object]) -> object:
        return check(await cast("Awaitable[object]", operation.invoke(message, needs)))

    async def yielded(message: object, needs: dict[str, object]) -> AsyncGenerator[object]:
        items = cast("AsyncGenerator[object]", operation.invoke(message, needs))
        try:
            async for item in items:
                yield check(item)
        finally:
            await items.aclose()

    return yielded if operation.kind.streams_out else returned
