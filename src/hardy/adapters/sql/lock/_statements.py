"""What is said to PostgreSQL."""

from hashlib import sha256

# In one transaction: the advisory lock is the session's and outlives it, the token is there when it has committed.
# It is one more than the last, and never less than the time in microseconds: so it rises, too, when the database
# was restored from yesterday.
TAKE = """
with mine as materialized (select pg_try_advisory_lock($1) as taken, {alive})
insert into hardy_fence (one, token)
select true, (extract(epoch from clock_timestamp()) * 1000000)::bigint from mine where taken
on conflict (one) do update set token = greatest(hardy_fence.token + 1, excluded.token)
returning token
"""
RELEASE = "select pg_advisory_unlock($1)"
ALIVE = "set_config('idle_session_timeout', $2, false)"
"""Says for how many milliseconds the session may be idle from now on, which makes it busy at the same time."""
ALIVE_OF_OLD = "$2::text"
"""Before PostgreSQL 14 sessions may be idle for ever."""


def key_of(name: str) -> int:
    """Return the number under which PostgreSQL knows the lock *name*.

    Example:
        >>> key_of("invoices") == key_of("invoices"), key_of("invoices") == key_of("mails")
        (True, False)
    """
    return int.from_bytes(sha256(b"hardy:lock:" + name.encode()).digest()[:8], signed=True)
