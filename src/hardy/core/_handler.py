"""The narrow waist: what every transport calls and every middleware wraps."""

from collections.abc import Awaitable, Callable, Sequence

from hardy.core._call import Call

Handler = Callable[[Call], Awaitable[object]]
"""Carries a call out and returns its reply; of a stream, returns ``None`` when it ends."""

Middleware = Callable[[Call, Handler], Awaitable[object]]
"""Wraps a handler: ``async def mw(call, proceed)`` awaits ``proceed(call)`` once, or raises."""


def compose(middleware: Sequence[Middleware], innermost: Handler) -> Handler:
    """Nest *middleware* around *innermost*, the first one outermost; done once, at build.

    Example:
        >>> import asyncio
        >>> from hardy.core import Operation
        >>> async def loud(call, proceed):
        ...     return (await proceed(call)).upper()
        >>> async def hello(call):
        ...     return "hello"
        >>> async def greet() -> str: ...
        >>> asyncio.run(compose([loud], hello)(Call(Operation.of(greet), "direct")))
        'HELLO'
    """
    handler = innermost
    for layer in reversed(middleware):
        handler = _wrap(layer, handler)
    return handler


def _wrap(layer: Middleware, proceed: Handler) -> Handler:
    # A lambda that returns the coroutine has no frame of its own while the call
    # waits; functools.partial and an async wrapper were measured slower.
    return lambda call: layer(call, proceed)
