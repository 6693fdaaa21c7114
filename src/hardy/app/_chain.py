"""Composes the chain of one operation: built-ins, the user's middleware, scope, use case, encoding."""

from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import cast

from hardy.core import Call, Error, Handler, InvalidMessage, Middleware, Operation, compose, shielded
from hardy.di import Plan
from hardy.resilience import InFlight
from hardy.schema import JsonCase, codec


async def decode(call: Call, proceed: Handler) -> object:
    """Read the message. After ``allow``, so that a stranger is told 401 and not what is wrong with the body."""
    call.message = await call.receive()
    return await proceed(call)


def chain(operation: Operation, plan: Plan, middleware: Sequence[Middleware], in_flight: InFlight) -> Handler:
    """Return the handler of *operation*: *middleware* around its scope and use case."""
    innermost = _streaming(operation, plan, in_flight) if operation.kind.streams_out else _unary(operation, plan)
    return compose(middleware, innermost)


def _unary(operation: Operation, plan: Plan) -> Handler:
    invoke = operation.invoke

    async def carry_out(call: Call, needs: dict[str, object]) -> object:
        try:
            reply = await cast("Awaitable[object]", invoke(call.message, needs))
        except BaseExceptionGroup as group:
            raise _told(group) from group
        # Inside the scope: a reply that cannot be encoded rolls back.
        call.encode(reply)
        return reply

    run = plan.run
    return lambda call: run(call, carry_out)


def _streaming(operation: Operation, plan: Plan, in_flight: InFlight) -> Handler:
    invoke = operation.invoke

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
            raise _told(group) from group
        finally:
            await shielded(items.aclose())

    run = plan.run
    return lambda call: run(call, carry_out)


def _told(group: BaseExceptionGroup) -> BaseException:
    """Return what a task group of the use case means to the caller: its first error, when all are ours."""
    ours, others = group.split(Error)
    if ours is None or others is not None:
        return group
    error: BaseException = ours
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def checking(operation: Operation, json_case: JsonCase) -> Middleware:
    """Make the middleware of the test environment that compares each reply with its declared type."""
    if operation.raw or operation.kind.streams_out or operation.reply is type(None):
        return _pass
    reply_codec = codec(operation.reply, json_case=json_case)

    async def check(call: Call, proceed: Handler) -> object:
        reply = await proceed(call)
        try:
            reply_codec.validate(reply)
        except InvalidMessage as wrong:
            faults = "; ".join(f"{fault.pointer or '/'} {fault.detail}" for fault in wrong.faults)
            raise TypeError(f"`{operation.name}` returned what its annotation does not allow: {faults}") from wrong
        return reply

    return check


async def _pass(call: Call, proceed: Handler) -> object:
    return await proceed(call)
