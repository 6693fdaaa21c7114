"""``hardy db``: the schema of the service's database, its history and its data."""

import click

from hardy.tools.cli._db_change import migrate, reset, rollback, seed
from hardy.tools.cli._db_show import lint, status
from hardy.tools.cli._db_write import revision
from hardy.tools.cli._group import no_such


class _Commands(click.Group):
    """Names the closest command to one that there is not."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            UsageError: There is none; it says which is closest.
        """
        if args[0] not in self.commands and not args[0].startswith("-"):
            no_such("db command", args[0], self.commands, ctx)
        return super().resolve_command(ctx, args)


@click.group(
    "db",
    cls=_Commands,
    commands=[status, migrate, revision, rollback, reset, seed, lint],
    epilog="Exit codes: 0 fine; 1 lint found something; 2 wrong usage; 5 the database cannot be reached; "
    "6 the schema is behind, or its history is not sound.",
)
def command() -> None:
    """Bring the database up to the migrations of the service, and look at both.

    Migrations are numbered files in the folder that the service names with
    Database(settings, migrations=...): 0001_create_orders.sql, 0002_add_note.py.
    """
