"""``hardy db revision``: a new migration."""

from pathlib import Path

import click

from hardy.tools.cli._db_chosen import Chosen, choose, database_options
from hardy.tools.cli._style import note


@click.command("revision", short_help="Write a new migration, in SQL or Python.")
@click.argument("message")
@database_options
@click.option("--python", is_flag=True, help="A revision in Python with Alembic's operations, instead of SQL.")
@click.option(
    "--autogenerate", is_flag=True, help="Let Alembic write it, from the ORM models to the database as it is."
)
def revision(*, message: str, python: bool, autogenerate: bool, **given: object) -> int:
    """Write a new migration with the next free number: hardy db revision "add a note".

    SQL, unless --python is said. With --autogenerate it leads from the database,
    which has to be current, to the models of
    Database(settings, migrations=Migrations(folder, metadata=Base.metadata)).
    """
    chosen = choose(given)
    migrations = chosen.database.migrations
    if migrations.folder is None:
        raise click.UsageError(
            'the service names no folder of migrations; Database(..., migrations=Path(__file__).parent / "migrations")'
        )
    bodies = _draft(chosen) if autogenerate else None
    if bodies is not None and bodies[0] == "pass":
        note(f"{chosen.shown} has what the models say; nothing was written")
        return 0
    path = migrations.write(message, python=python or autogenerate, bodies=bodies)
    here = Path.cwd()
    print(path.relative_to(here) if path.is_relative_to(here) else path)
    note(
        "look through it before it is applied; Alembic sees no renaming"
        if bodies
        else "fill it in, then: hardy db migrate"
    )
    return 0


def _draft(chosen: Chosen) -> tuple[str, str]:
    from hardy.adapters.sql.migrations import Migrator

    metadata = chosen.database.migrations.metadata
    if metadata is None:
        raise click.UsageError(
            "the service names no models; Database(..., migrations=Migrations(folder, metadata=Base.metadata))"
        )

    async def draft(migrator: Migrator) -> tuple[str, str]:
        await migrator.verify()
        return await migrator.draft(metadata)

    return chosen.run(draft)
