"""A table in memory, with transactions: what repositories for tests and demos are built of."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from types import TracebackType
from typing import Generic, TypeVar, cast

from hardy.core import Aborted, AlreadyExists

T = TypeVar("T")

_Items = dict[Hashable, object]
_GONE = object()


class MemoryTable(Generic[T]):
    """Keeps items of one kind, each by its key; what a transaction does is kept whole or not at all.

    Transactions see what was committed when they began and their own changes. Of
    two that changed the same item, or took the same unique value, the first to
    commit wins and the other is ABORTED, as at REPEATABLE READ. Items are kept as
    they are given, so let them be frozen.

    Args:
        key: The field that names an item.
        unique: Fields of which no two items may have the same value, ``None`` apart.

    Example:
        >>> import asyncio
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Order:
        ...     id: int
        ...     sku: str
        >>> class MemoryOrders:
        ...     def __init__(self, rows: MemoryRows[Order]) -> None:
        ...         self._rows = rows
        ...
        ...     async def add(self, order: Order) -> None:
        ...         self._rows.add(order)
        ...
        ...     async def get(self, order_id: int) -> Order | None:
        ...         return self._rows.get(order_id)
        >>> async def main() -> None:
        ...     table = MemoryTable[Order](key="id", unique=["sku"])
        ...     async with table.transaction() as rows:
        ...         await MemoryOrders(rows).add(Order(1, "tea"))
        ...     async with table.transaction() as rows:
        ...         print(await MemoryOrders(rows).get(1), len(rows))
        >>> asyncio.run(main())
        Order(id=1, sku='tea') 1
    """

    process_local = True
    """It is gone with its process, and every process has its own."""

    def __init__(self, *, key: str, unique: Sequence[str] = ()) -> None:
        self.key = key
        self.unique = tuple(unique)
        self._items: _Items = {}

    def transaction(self) -> "MemoryTransaction[T]":
        """Open a transaction: kept at the end of the block, forgotten when it raises."""
        return MemoryTransaction(self)

    def committed(self) -> _Items:
        """Return the items by key, as of now; the mapping itself is never changed."""
        return self._items

    def replace(self, items: _Items) -> None:
        """Let *items* be what is committed."""
        self._items = items


class MemoryTransaction(Generic[T]):
    """What `MemoryTable.transaction` returns, for ``async with``."""

    def __init__(self, table: MemoryTable[T]) -> None:
        self._table = table
        self._rows: MemoryRows[T] | None = None

    async def __aenter__(self) -> "MemoryRows[T]":
        """Return the items as they are now."""
        self._rows = MemoryRows(self._table)
        return self._rows

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep what was changed, unless the block raised.

        Raises:
            Aborted: Somebody else has changed the same meanwhile.
        """
        rows, self._rows = self._rows, None
        if rows is not None and kind is None:
            rows.commit()


class MemoryRows(Generic[T]):
    """The items of a table within one transaction."""

    def __init__(self, table: MemoryTable[T]) -> None:
        self._table = table
        self._before = table.committed()
        self._changed: dict[Hashable, object] = {}

    def get(self, key: Hashable) -> T | None:
        """Return the item with *key*, or ``None``."""
        found = self._changed.get(key, self._before.get(key, _GONE))
        return None if found is _GONE else cast("T", found)

    def add(self, item: T) -> None:
        """Keep a new item.

        Raises:
            AlreadyExists: Its key or a unique value of it is taken (``details["field"]``).
        """
        key = self._key(item)
        if self.get(key) is not None:
            raise AlreadyExists(f"this {self._table.key} is taken", field=self._table.key)
        self._check_unique(key, item)
        self._changed[key] = item

    def put(self, item: T) -> None:
        """Keep *item* in the place of the one with its key, if any.

        Raises:
            AlreadyExists: A unique value of it is taken (``details["field"]``).
        """
        key = self._key(item)
        self._check_unique(key, item)
        self._changed[key] = item

    def change(self, item: T, *, version: str = "version") -> None:
        """Keep *item* in the place of the one it was read as: optimistic locking.

        Args:
            item: With a version one higher than that of the item kept.
            version: The field that has it.

        Raises:
            Aborted: It was changed meanwhile, or is gone.
        """
        kept = self.get(self._key(item))
        if kept is None or getattr(kept, version) != cast("int", getattr(item, version)) - 1:
            raise Aborted("it was changed meanwhile; read it again")
        self.put(item)

    def remove(self, key: Hashable) -> bool:
        """Keep the item with *key* no longer; return whether there was one."""
        found = self.get(key) is not None
        if found:
            self._changed[key] = _GONE
        return found

    def where(self, accept: Callable[[T], bool]) -> list[T]:
        """Return the items that *accept* is true for, in the order they were added."""
        return [item for item in self if accept(item)]

    def __iter__(self) -> Iterator[T]:
        """Go through the items in the order they were added."""
        for item in {**self._before, **self._changed}.values():
            if item is not _GONE:
                yield cast("T", item)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def commit(self) -> None:
        """Keep what was changed.

        Raises:
            Aborted: Somebody else has changed the same meanwhile.
        """
        if not self._changed:
            return
        now = self._table.committed()
        if now is not self._before:
            if any(now.get(key) is not self._before.get(key) for key in self._changed):
                raise Aborted("what this call has read was changed meanwhile; try again")
            self._before = now
            try:
                for key, item in self._changed.items():
                    if item is not _GONE:
                        self._check_unique(key, cast("T", item))
            except AlreadyExists:
                raise Aborted("what this call has read was changed meanwhile; try again") from None
        self._table.replace({key: item for key, item in {**now, **self._changed}.items() if item is not _GONE})

    def _key(self, item: T) -> Hashable:
        return cast("Hashable", getattr(item, self._table.key))

    def _check_unique(self, key: Hashable, item: T) -> None:
        for field in self._table.unique:
            value = cast("object", getattr(item, field))
            if value is not None and any(getattr(each, field) == value and self._key(each) != key for each in self):
                raise AlreadyExists(f"this {field} is taken", field=field)
