"""The contract that every repository has to keep, whatever it is made of."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

import pytest

from hardy.core import Aborted, AlreadyExists, Unavailable

R = TypeVar("R")
T = TypeVar("T")


class RepositorySuite(ABC, Generic[R, T]):
    """Tests for a repository: make a subclass for each adapter, and pytest runs all of them on each.

    A subclass says how a repository is opened in a transaction of its own, how
    an item is made, and how the port adds and finds one. Its name begins with
    ``Test``; fixtures that open a database go into it as methods, with
    ``autouse=True``.

    Example:
        >>> from dataclasses import dataclass
        >>> from hardy.adapters.sql import MemoryRows, MemoryTable
        >>> @dataclass(frozen=True)
        ... class Order:
        ...     id: int
        >>> class TestMemoryOrders(RepositorySuite[MemoryRows[Order], Order]):
        ...     @pytest.fixture(autouse=True)
        ...     def table(self) -> None:
        ...         self.orders = MemoryTable[Order](key="id")
        ...
        ...     def transaction(self) -> AbstractAsyncContextManager[MemoryRows[Order]]:
        ...         return self.orders.transaction()
        ...
        ...     def make(self, number: int) -> Order:
        ...         return Order(number)
        ...
        ...     async def add(self, repository: MemoryRows[Order], item: Order) -> None:
        ...         repository.add(item)
        ...
        ...     async def get(self, repository: MemoryRows[Order], item: Order) -> Order | None:
        ...         return repository.get(item.id)
    """

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[R]:
        """Open the repository in a transaction of its own: kept at the end, undone when the block raises."""

    @abstractmethod
    def make(self, number: int) -> T:
        """Return an item that differs from those of other numbers in everything that is unique."""

    @abstractmethod
    async def add(self, repository: R, item: T) -> None:
        """Add *item*."""

    @abstractmethod
    async def get(self, repository: R, item: T) -> T | None:
        """Return what is kept under the key of *item*."""

    async def _add(self, *numbers: int, failing: bool = False) -> None:
        async with self.transaction() as repository:
            for number in numbers:
                await self.add(repository, self.make(number))
            if failing:
                raise _Failure

    async def _kept(self, item: T) -> T | None:
        async with self.transaction() as repository:
            return await self.get(repository, item)

    async def test_what_was_added_is_found_and_is_what_it_was(self) -> None:
        """Added in one transaction, found by another."""
        async with self.transaction() as repository:
            await self.add(repository, self.make(1))
            await self.add(repository, self.make(2))
            assert await self.get(repository, self.make(1)) == self.make(1)
        assert await self._kept(self.make(1)) == self.make(1)
        assert await self._kept(self.make(2)) == self.make(2)

    async def test_what_is_not_there_is_not_found(self) -> None:
        """It is ``None``, and no error."""
        assert await self._kept(self.make(1)) is None

    async def test_the_same_is_not_added_twice(self) -> None:
        """The second attempt is ALREADY_EXISTS, in the same transaction and in another."""
        with pytest.raises(AlreadyExists):
            await self._add(1, 1)
        assert await self._kept(self.make(1)) is None
        await self._add(1)
        with pytest.raises(AlreadyExists):
            await self._add(1)

    async def test_nothing_is_kept_of_what_fails(self) -> None:
        """All or nothing."""
        with pytest.raises(_Failure):
            await self._add(1, 2, failing=True)
        assert await self._kept(self.make(1)) is None
        assert await self._kept(self.make(2)) is None

    async def test_nobody_sees_what_is_not_committed(self) -> None:
        """Another transaction looks while the first is still open; one that has to wait is left waiting."""
        async with self.transaction() as repository:
            await self.add(repository, self.make(1))
            looking = asyncio.ensure_future(self._kept(self.make(1)))
            await asyncio.wait([looking], timeout=0.2)
            early = looking.result() if looking.done() and looking.exception() is None else None
        await asyncio.wait([looking])
        assert early is None
        assert await self._kept(self.make(1)) == self.make(1)

    async def test_of_many_that_add_the_same_one_succeeds(self) -> None:
        """The others are told ALREADY_EXISTS or ABORTED."""

        async def add() -> bool:
            try:
                async with self.transaction() as repository:
                    await self.add(repository, self.make(1))
                    await asyncio.sleep(0)
            except (AlreadyExists, Aborted, Unavailable):
                return False
            return True

        assert sum(await asyncio.gather(*(add() for _ in range(8)))) == 1
        assert await self._kept(self.make(1)) == self.make(1)

    async def test_what_is_cancelled_leaves_nothing_by_half(self) -> None:
        """Cancelled after each of its awaits: both items are kept, or none."""
        for turns in range(12):
            adding = asyncio.ensure_future(self._add(1, 2))
            for _ in range(turns):
                await asyncio.sleep(0)
            adding.cancel()
            await asyncio.wait([adding])
            kept = [await self._kept(self.make(1)), await self._kept(self.make(2))]
            assert kept in ([None, None], [self.make(1), self.make(2)])
            if kept != [None, None]:
                return


class _Failure(Exception):
    """What a transaction of the suite fails with."""
