"""Ports by type: providers, two scopes, every fault at once, and one plan per operation.

A provider is a function whose return annotation names the port it makes and
whose parameters are its needs; an async generator function also ends what it
made. No decorator, no base class, no global registry.

Example:
    >>> import asyncio
    >>> from collections.abc import AsyncIterator
    >>> from hardy.core import Call, Operation
    >>> async def session() -> AsyncIterator[list[str]]:
    ...     yield ["begin"]
    >>> async def add(text: str, *, session: list[str]) -> list[str]:
    ...     return [*session, text]
    >>> container, operation = Container({}), Operation.of(add)
    >>> _ = container.provide(session)
    >>> async def body(call, needs):
    ...     return await operation.invoke(operation.message(text="tea"), needs)
    >>> asyncio.run(container.plan(operation).run(Call(operation, "direct"), body))
    ['begin', 'tea']
"""

from hardy.core._module import publish
from hardy.di._container import Container
from hardy.di._plan import Body, Plan
from hardy.di._provider import Scope

__all__ = ["Body", "Container", "Plan", "Scope"]

publish(__name__, globals())
