"""Effects exactly once: an event that its group has dealt with is not given to the use case again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from hardy.core import Need, Operation, current_call
from hardy.messaging import Once
from hardy.transport.events._call import EventCall

_NAME = "hardy_once"

Invoke = Callable[[object, dict[str, object]], object]
"""Calls a use case with its message and needs."""


def marked(operation: Operation) -> Operation:
    """Return *operation* with one need more: `Once`, when the service has a component that brings it.

    What is planned from it has the mark in the scope of the call, so in its
    transaction; `once` takes the need away again before the use case is called.
    """
    return replace(operation, needs=(*operation.needs, Need(_NAME, Once, optional=True)))


def once(invoke: Invoke) -> Invoke:
    """Wrap what calls a use case `marked`: an event that was dealt with before is passed over."""

    async def invoked(message: object, needs: dict[str, object]) -> object:
        mark = cast("Once | None", needs.pop(_NAME, None))
        call = current_call()
        if mark is not None and isinstance(call, EventCall):
            delivery = call.delivery
            if not await mark.first(delivery.group, delivery.envelope.id):
                call.repeated = True
                return None
        return await cast("Awaitable[object]", invoke(message, needs))

    return invoked
