"""What a point read costs the client: typed SQL on PostgreSQL beside asyncpg itself and SQLAlchemy.

    python bench/sql.py [reads]

Everything reads the same row by its key from an embedded PostgreSQL into a
dataclass (or an object of the ORM). Client CPU is the process's own, the server
is another process. Each contender runs several rounds in turn with the others,
and the best round counts, for whatever else the machine does only adds to it.
"""

import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hardy.adapters.sql import Database, DatabaseSettings
from hardy.testing import PostgresServer

SQL = "select id, sku, quantity, buyer, placed from orders where id = :id"
NUMBERED = SQL.replace(":id", "$1")
SCHEMA = """
create table if not exists orders (
    id integer primary key, sku text not null, quantity integer not null, buyer text not null, placed timestamptz not null
);
insert into orders select n, 'sku-' || n, n, 'buyer-' || n, now() from generate_series(1, 1000) n;
"""
ROUNDS = 7
Read = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Order:
    """What a row becomes."""

    id: int
    sku: str
    quantity: int
    buyer: str
    placed: datetime


class Base(DeclarativeBase):
    """The ORM's."""


class OrderObject(Base):
    """The same row as an object of the ORM."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    buyer: Mapped[str]
    placed: Mapped[datetime]


async def measure(reads: int, url: str) -> dict[str, float]:
    """Return microseconds of client CPU for each contender."""
    async with Database(DatabaseSettings(url=url, migrate="ignore"), schema=SCHEMA) as database:
        held = await asyncpg.connect(url)
        prepared = await held.prepare(NUMBERED)
        pool = await asyncpg.create_pool(url, min_size=4, max_size=4)
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=4)

        async def raw(number: int) -> object:
            return Order(*await prepared.fetchrow(number))

        async def pooled(number: int) -> object:
            async with pool.acquire() as connection:
                return Order(*await connection.fetchrow(NUMBERED, number))

        async def hardy_transaction(number: int) -> object:
            async with database.transaction() as session:
                return await session.first(Order, SQL, id=number)

        async def core(number: int) -> object:
            async with engine.connect() as connection:
                return Order(*(await connection.execute(text(SQL), {"id": number})).one())

        async def orm(number: int) -> object:
            async with AsyncSession(engine) as session:
                return await session.get(OrderObject, number)

        async def hardy_orm(number: int) -> object:
            async with database.transaction() as session:
                return await (await session.orm()).get(OrderObject, number)

        async with database.transaction() as session:

            async def hardy_held(number: int) -> object:
                return await session.first(Order, SQL, id=number)

            contenders: dict[str, Read] = {
                "asyncpg, prepared, connection held": raw,
                "hardy, session held": hardy_held,
                "hardy, a session for each read": hardy_transaction,
                "asyncpg pool": pooled,
                "SQLAlchemy Core": core,
                "SQLAlchemy ORM": orm,
                "SQLAlchemy ORM on hardy's session": hardy_orm,
            }
            best = dict.fromkeys(contenders, float("inf"))
            for _ in range(ROUNDS):
                for name, read in contenders.items():
                    best[name] = min(best[name], await one_round(read, reads))
        await engine.dispose()
        await pool.close()
        await held.close()
    return best


async def one_round(read: Read, reads: int) -> float:
    """Return microseconds of CPU for one read."""
    for number in range(20):
        await read(number + 1)
    started = time.process_time()
    for number in range(reads):
        await read(number % 1000 + 1)
    return (time.process_time() - started) / reads * 1e6


def main() -> None:
    """Print the table."""
    reads = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
    with PostgresServer() as server, server.database() as url:
        found = uvloop.run(measure(reads, url))
    least = found["asyncpg, prepared, connection held"]
    print(f"{'point read on PostgreSQL':<40}{'client CPU us':>14}{'ratio':>8}")
    for name, microseconds in found.items():
        print(f"{name:<40}{microseconds:>14.1f}{microseconds / least:>8.2f}")


if __name__ == "__main__":
    main()
