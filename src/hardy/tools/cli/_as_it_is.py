"""A database that a command looks into and does not migrate."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardy.adapters.sql import Database, SchemaStep


def as_it_is(database: "Database", steps: Sequence["SchemaStep"]) -> "Database":
    """Return *database* as a command opens it that wants the tables of *steps*: it applies nothing.

    Not even in dev, which the tools assume where nobody says another environment:
    the database may be that of a service in production all the same.
    """
    from hardy.adapters.sql import Database
    from hardy.adapters.sql.migrations import Migrations

    looked_into = Database(replace(database.settings, migrate="verify"), migrations=Migrations())
    looked_into.migrations.require(steps)
    return looked_into
