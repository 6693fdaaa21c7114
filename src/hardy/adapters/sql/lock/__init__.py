"""Locks on PostgreSQL, where it is there anyway and Redis is not.

Floor 3, extra ``postgres`` (asyncpg). `PostgresLock` fulfils the port
``hardy.cache.Lock`` with advisory locks, on a connection of its own.

Example:
    >>> from hardy.adapters.sql import DatabaseSettings
    >>> lock = PostgresLock(DatabaseSettings(url="postgresql://orders@localhost/orders"))
    >>> [step.name for step in lock.schema_steps]
    ['hardy_fence_0001']
"""

from hardy.adapters.sql.lock._lock import PostgresLock
from hardy.core._module import publish

__all__ = ["PostgresLock"]

publish(__name__, globals())
