"""A function that remembers what it returned."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from functools import partial, update_wrapper
from typing import Generic, ParamSpec, TypeVar, cast

import msgspec

from hardy.cache._cache import Cache
from hardy.cache._freshness import Freshness
from hardy.cache._keyspace import Keyspace
from hardy.cache._lock import Lock
from hardy.core import BuildFailed, Diagnostic, Place

P = ParamSpec("P")
T = TypeVar("T")

# Of any parameters: a type variable here would be bound before the function is known, and then to nothing.
Key = Callable[..., str]
Tagged = Callable[..., Sequence[str]]


class Cached(Generic[P, T]):
    """What `cached` makes of a function: called like it, with what it returned kept for a while.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryCache
        >>> async def price(sku: str) -> int:
        ...     print("asked for", sku)
        ...     return 12
        >>> kept: Cached[[str], int] = cached(MemoryCache(), ttl=60)(price)
        >>> async def main():
        ...     await kept("tea")
        ...     await kept("tea")
        ...     await kept.forget("tea")
        ...     await kept("tea")
        >>> asyncio.run(main())
        asked for tea
        asked for tea
    """

    def __init__(
        self, function: Callable[P, Awaitable[T]], keyspace: Keyspace[T], key: Key, tags: Tagged | None
    ) -> None:
        update_wrapper(self, function)
        self.keyspace = keyspace
        """Where the values are kept, for `Keyspace.forget_tags` and `Keyspace.statistics`."""
        self._function = function
        self._key = key
        self._tags = tags

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returned for these arguments of late, or call it.

        Raises:
            DeadlineExceeded: The call's deadline has come, or the function took too long.
            Exception: What the function raised.
        """
        tags = self._tags(*args, **kwargs) if self._tags is not None else ()
        load = partial(self._function, *args, **kwargs)
        return cast("T", await self.keyspace.find_or_load(self._key(*args, **kwargs), load, tags=tags))

    async def forget(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Keep nothing for these arguments; call it after the change is committed."""
        await self.keyspace.forget(self._key(*args, **kwargs))


def cached(
    cache: Cache,
    *,
    ttl: float | Freshness,
    name: str | None = None,
    key: Key | None = None,
    tags: Tagged | None = None,
    lock: Lock | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Cached[P, T]]:
    """Return a decorator that keeps in *cache* what an ``async`` function returns; ``None`` too, if `ttl` says so.

    Used where the service is put together, on functions and on methods of what lives as long as the app; what
    `Keyspace` says of loads holds for the function. It has no globals: another cache, another memory.

    Args:
        ttl: Seconds for which what was returned is fresh, or a `Freshness`.
        name: Of the keyspace; the function's name with its class if none is given. Renaming the function then
            begins with an empty cache.
        key: Tells from the arguments what the value is kept under; all arguments, as JSON, if nothing is said.
        tags: Tells from the arguments the tags of the value.
        lock: Makes replicas call the function one at a time for each key.

    Raises:
        BuildFailed: The function does not say what it returns, or what messages cannot carry.

    Example:
        >>> import asyncio
        >>> from hardy.cache import MemoryCache
        >>> class SqlPrices:
        ...     async def get(self, sku: str) -> int:
        ...         print("asked the database")
        ...         return 12
        >>> class CachedPrices:
        ...     def __init__(self, prices: SqlPrices, cache: Cache) -> None:
        ...         self.get = cached(cache, ttl=60)(prices.get)
        >>> async def main():
        ...     prices = CachedPrices(SqlPrices(), MemoryCache())
        ...     return await prices.get("tea"), await prices.get("tea")
        >>> asyncio.run(main())
        asked the database
        (12, 12)
    """

    def decorate(function: Callable[P, Awaitable[T]]) -> Cached[P, T]:
        type_ = _returned(function)
        space = Keyspace(cache, name or _name(function), cast("type[T]", type_), ttl=ttl, lock=lock)
        return Cached(function, space, key or _all_arguments(function), tags)

    return decorate


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__)).replace("<locals>.", "")


def _returned(function: object) -> object:
    """Return the annotated type of what *function* returns."""
    hints = typing.get_type_hints(function, include_extras=True) if inspect.isroutine(function) else {}
    if "return" in hints and inspect.iscoroutinefunction(function):
        return hints["return"]
    raise BuildFailed(
        [
            Diagnostic(
                code="H0710",
                title=f"`{_name(function)}` cannot be cached",
                place=Place.of(function, highlight=_name(function).rpartition(".")[2]),
                notes=("what is kept is read back as the type the function says it returns",),
                helps=("make it an `async def` with a return annotation, `async def price(sku: str) -> Price`",),
            )
        ]
    )


def _all_arguments(function: Callable[P, object]) -> Key:
    signature = inspect.signature(function)

    def key(*args: P.args, **kwargs: P.kwargs) -> str:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return msgspec.json.encode(list(bound.arguments.values())).decode()

    return key
