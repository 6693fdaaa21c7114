"""What the lock needs in the database."""

from hardy.adapters.sql._schema_step import SchemaStep

# One row, whatever is locked: tokens rise over all names, and nothing grows.
STEPS = (
    SchemaStep(
        name="hardy_fence_0001",
        sqlite="select 1",  # locks are PostgreSQL's; one process on SQLite has MemoryLock
        postgresql="create table hardy_fence (one boolean primary key check (one), token bigint not null)",
    ),
)
