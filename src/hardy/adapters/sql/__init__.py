"""SQL, written by hand and typed at both ends: one transaction per call, rows mapped into the user's classes.

Floor 3. SQLite needs the extra ``sql`` (aiosqlite), PostgreSQL the extra ``postgres``
(asyncpg); which of them it is, only the URL says, and ``session.dialect`` where SQL
itself differs. Statements are SQL with ``:named`` parameters; there is no query
builder and no object mapper.

Example:
    >>> import asyncio
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Order:
    ...     id: int
    ...     sku: str
    >>> async def main() -> None:
    ...     settings = DatabaseSettings(url="sqlite:///:memory:")
    ...     async with Database(settings, schema="create table orders (id integer primary key, sku text)") as database:
    ...         async with database.transaction() as session:
    ...             await session.execute("insert into orders (sku) values (:sku)", sku="tea")
    ...             print(await session.all(Order, "select * from orders where sku = :sku", sku="tea"))
    >>> asyncio.run(main())
    [Order(id=1, sku='tea')]
"""

from hardy.adapters.sql._database import Database
from hardy.adapters.sql._memory_table import MemoryRows, MemoryTable
from hardy.adapters.sql._notices import RepeatedStatement, SlowStatement, StatementEnded
from hardy.adapters.sql._page import Keyset, Page
from hardy.adapters.sql._rows import MappingError
from hardy.adapters.sql._schema_step import SchemaStep
from hardy.adapters.sql._session import ReadSession, Session
from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql._statistics import DatabaseStatistics
from hardy.core._module import publish

__all__ = [
    "Database",
    "DatabaseSettings",
    "DatabaseStatistics",
    "Keyset",
    "MappingError",
    "MemoryRows",
    "MemoryTable",
    "Page",
    "ReadSession",
    "RepeatedStatement",
    "SchemaStep",
    "Session",
    "SlowStatement",
    "StatementEnded",
]

publish(__name__, globals())
