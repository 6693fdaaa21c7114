"""The table of outcomes."""

from hardy.adapters.sql._schema_step import SchemaStep

STEPS = (
    SchemaStep(
        name="hardy_idempotency_0001",
        sqlite="""
            create table if not exists hardy_idempotency (
                key text primary key,
                fingerprint blob not null,
                outcome blob not null,
                expires real not null
            ) without rowid;
            create index if not exists hardy_idempotency_expires on hardy_idempotency (expires);
        """,
        postgresql="""
            create table if not exists hardy_idempotency (
                key text primary key,
                fingerprint bytea not null,
                outcome bytea not null,
                expires double precision not null
            );
            create index if not exists hardy_idempotency_expires on hardy_idempotency (expires);
        """,
    ),
)
"""``expires`` is in seconds since 1970: the service's clock writes and reads it."""
