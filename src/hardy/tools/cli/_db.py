"""``hardy db``: the schema of the service's database, its history and its data."""

import click

from hardy.tools.cli._db_change import migrate, reset, rollback, seed
from hardy.tools.cli._db_show import lint, status
from hardy.tools.cli._db_write import revision
from hardy.tools.cli._group import Subcommands


@click.group(
    "db",
    cls=Subcommands,
    commands=[status, migrate, revision, rollback, reset, seed, lint],
    epilog="Exit codes: 0 fine; 1 lint found something; 2 wrong usage; 5 the database cannot be reached; "
    "6 the schema is behind, or its history is not sound.",
)
def command() -> None:
    """Bring the database up to the migrations of the service, and look at both.

    Migrations are numbered files in the folder that the service names with
    Database(settings, migrations=...): 0001_create_orders.sql, 0002_add_note.py.
    """
