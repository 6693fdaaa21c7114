"""The typed client: one test body, every transport."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Concatenate, Protocol, TypeVar, cast, overload

from hardy.app import Assembly
from hardy.core import Operation, Principal
from hardy.testing._tokens import MemoryTokens

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
R = TypeVar("R")


class Carrier(Protocol):
    """How a client's calls travel."""

    async def call(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> object:
        """Carry one call and return its reply."""
        ...

    def stream(
        self, operation: Operation, message: object, *, metadata: Mapping[str, str], timeout: float | None
    ) -> AsyncIterator[object]:
        """Carry one call and yield the items of its reply."""
        ...


class Client:
    """Calls use cases of a running service by the functions themselves.

    What comes back is what the use case returns, and what it raises is raised,
    whatever lies between. Arguments are the use case's positional ones; needs
    are not the caller's business.
    """

    def __init__(
        self,
        assembly: Assembly,
        carrier: Carrier,
        tokens: MemoryTokens,
        *,
        caller: Principal | None = None,
        timeout: float | None = None,
        key: str | None = None,
    ) -> None:
        self._assembly = assembly
        self._carrier = carrier
        self._tokens = tokens
        self._caller = caller
        self._timeout = timeout
        self._key = key
        self._metadata = {} if caller is None else {"authorization": tokens.mint(caller)}
        if key is not None:
            self._metadata["idempotency-key"] = key

    def as_(self, caller: Principal | None) -> "Client":
        """Return a client whose calls are made by *caller*; ``None`` for nobody in particular."""
        return Client(self._assembly, self._carrier, self._tokens, caller=caller, timeout=self._timeout, key=self._key)

    def within(self, timeout: float | None) -> "Client":
        """Return a client whose calls say that they wait *timeout* seconds; ``None`` for as long as it takes."""
        return Client(self._assembly, self._carrier, self._tokens, caller=self._caller, timeout=timeout, key=self._key)

    def under(self, key: str | None) -> "Client":
        """Return a client whose calls bring *key* as their ``Idempotency-Key``; ``None`` for none."""
        return Client(self._assembly, self._carrier, self._tokens, caller=self._caller, timeout=self._timeout, key=key)

    @overload
    async def call(self, use_case: Callable[Concatenate[A, ...], Awaitable[R]], message: A, /) -> R: ...
    @overload
    async def call(self, use_case: Callable[Concatenate[A, B, ...], Awaitable[R]], first: A, second: B, /) -> R: ...
    @overload
    async def call(
        self, use_case: Callable[Concatenate[A, B, C, ...], Awaitable[R]], first: A, second: B, third: C, /
    ) -> R: ...
    @overload
    async def call(self, use_case: Callable[..., Awaitable[R]], /, **fields: object) -> R: ...
    async def call(self, use_case: Callable[..., Awaitable[R]], /, *given: object, **fields: object) -> R:
        """Call *use_case* and return its reply.

        Args:
            use_case: The function that was exposed.
            given: Its positional arguments: the message, or the members of one.
            fields: Members of a synthesised message by name.

        Raises:
            Error: What the use case, or the service around it, answered with.
            LookupError: The service does not expose *use_case*, or not over this transport.
            TypeError: These are not its arguments.
        """
        operation = self._assembly.operation(use_case)
        message = operation.message_of(given, fields)
        return cast("R", await self._carrier.call(operation, message, metadata=self._metadata, timeout=self._timeout))

    @overload
    def stream(
        self, use_case: Callable[Concatenate[A, ...], AsyncIterator[R]], message: A, /
    ) -> AsyncGenerator[R, None]: ...
    @overload
    def stream(self, use_case: Callable[..., AsyncIterator[R]], /, **fields: object) -> AsyncGenerator[R, None]: ...
    async def stream(
        self, use_case: Callable[..., AsyncIterator[R]], /, *given: object, **fields: object
    ) -> AsyncGenerator[R, None]:
        """Call a streaming *use_case* and yield the items of its reply.

        Close the generator to hang up: ``async with aclosing(client.stream(...)) as items``.

        Raises:
            Error: What the use case, or the service around it, answered with.
            LookupError: The service does not expose *use_case*, or not over this transport.
            TypeError: These are not its arguments.
        """
        operation = self._assembly.operation(use_case)
        message = operation.message_of(given, fields)
        items = self._carrier.stream(operation, message, metadata=self._metadata, timeout=self._timeout)
        try:
            async for item in items:
                yield cast("R", item)
        finally:
            await cast("AsyncGenerator[object, None]", items).aclose()
