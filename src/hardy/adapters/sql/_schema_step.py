"""One step of a schema that a part of hardy brings along: its tables, in the words of each database."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStep:
    """A piece of schema that a component needs, applied once and never changed afterwards.

    A component lists its steps in ``schema_steps``; they are applied, each once
    and in their order, before the migrations of the service's own.

    Example:
        >>> SchemaStep(
        ...     name="hardy_claims_0001",
        ...     sqlite="create table hardy_claims (name text primary key, tick text not null)",
        ...     postgresql="create table hardy_claims (name text primary key, tick timestamptz not null)",
        ... ).name
        'hardy_claims_0001'
    """

    name: str
    """Unique and for ever: what was applied is remembered under it."""
    sqlite: str
    """SQL for SQLite; several statements are ended by semicolons."""
    postgresql: str
    """The same for PostgreSQL."""
