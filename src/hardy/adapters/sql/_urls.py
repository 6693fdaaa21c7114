"""Which database a URL names."""

from hardy.adapters.sql._driver import Driver
from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._watch import Watch
from hardy.core import BuildFailed, Diagnostic

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def is_in_memory(url: str) -> bool:
    """Whether the database is gone with its process."""
    return url == f"{_SQLITE}:memory:"


def driver_for(url: str, settings: DatabaseSettings, counts: Counts, watch: Watch) -> Driver:
    """Return what speaks to the database at *url*; its library is imported now.

    Raises:
        BuildFailed: The URL names no database that is known.
        ImportError: The library is not installed.
    """
    if url.startswith(_POSTGRES):
        from hardy.adapters.sql._postgres_driver import PostgresDriver  # an extra

        return PostgresDriver(url, settings, counts, watch)
    path = url.removeprefix(_SQLITE)
    if path == url or not path:
        raise BuildFailed([_unknown(url)])
    from hardy.adapters.sql._sqlite_driver import SqliteDriver  # an extra

    return SqliteDriver(path, settings, counts, watch)


def _unknown(url: str) -> Diagnostic:
    return Diagnostic(
        code="H0282",
        title=f"`{url.partition(':')[0]}` is no database that hardy.adapters.sql speaks to",
        helps=("postgresql://orders@localhost/orders", "sqlite:///orders.db", "sqlite:///:memory:"),
    )
