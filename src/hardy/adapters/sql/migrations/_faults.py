"""What can be wrong with migrations, as diagnostics; all of them are of the family H05, exit code 6."""

from collections.abc import Sequence
from pathlib import Path

from hardy.adapters.sql.migrations._migration import Migration, Record
from hardy.adapters.sql.migrations._places import at, shown
from hardy.core import Diagnostic, Place


def behind(pending: Sequence[Migration]) -> Diagnostic:
    """Return the diagnostic for a schema that lacks *pending*."""
    many = len(pending) != 1
    width = max(len(each.name) for each in pending)
    return Diagnostic(
        code="H0501",
        title=f"{len(pending)} migration{'s are' if many else ' is'} not applied to the database",
        body=tuple(f"{each.name.ljust(width)}   {each.source}" for each in pending),
        notes=('in production `migrate = "verify"` refuses to start like this; "apply" would apply them',),
        helps=("hardy db migrate",),
    )


def misplaced_folder(folder: Path) -> Diagnostic:
    """Return the diagnostic for a folder of migrations that is not there."""
    return Diagnostic(
        code="H0502",
        title=f"the folder of migrations {shown(folder)} is not there",
        helps=(f"mkdir -p {shown(folder)}", "hardy db revision 'create orders'"),
    )


def misnamed(path: Path) -> Diagnostic:
    """Return the diagnostic for a file whose name puts it nowhere in the history."""
    return Diagnostic(
        code="H0502",
        title=f"`{path.name}` is no name of a migration",
        place=Place(shown(path)),
        notes=("a migration is NUMBER_words.sql, NUMBER_words.postgresql.sql, NUMBER_words.sqlite.sql or .py",),
        helps=(f"mv {shown(path)} {shown(path.with_name(f'0001_{path.name}'))}", f"or hide it: _{path.name}"),
    )


def same_number(first: Path, second: Path, free: int) -> Diagnostic:
    """Return the diagnostic for two migrations that claim one place in the history."""
    words = second.name.split("_", 1)[1]
    return Diagnostic(
        code="H0502",
        title=f"`{first.name}` and `{second.name}` have the same number",
        place=Place(shown(second)),
        notes=("the history is one line: every migration has a number of its own",),
        helps=(f"mv {shown(second)} {shown(second.with_name(f'{free:04d}_{words}'))}",),
    )


def unreadable(path: Path, what: str, line: int = 0) -> Diagnostic:
    """Return the diagnostic for a file that is no migration."""
    return Diagnostic(
        code="H0502",
        title=f"`{path.name}` {what}",
        place=at(path, line),
        helps=("see what one looks like: hardy explain H0502",),
    )


def not_repeatable(path: Path, line: int, wanted: str) -> Diagnostic:
    """Return the diagnostic for a statement that could not be executed again after a crash."""
    return Diagnostic(
        code="H0506",
        title=f"`{path.name}` runs outside of a transaction, and a statement of it cannot be repeated",
        place=at(path, line),
        notes=("after a crash the statement that was under way is executed again",),
        helps=(wanted,),
    )


def drifted(migration: Migration, record: Record) -> Diagnostic:
    """Return the diagnostic for a migration that was changed after it was applied."""
    when = f" on {record.applied_at:%Y-%m-%d %H:%M}" if record.applied_at else ""
    return Diagnostic(
        code="H0503",
        title=f"`{migration.name}` was changed after it was applied",
        place=None if migration.path is None else Place(shown(migration.path)),
        notes=(f"applied{when} as {record.checksum[:8]}, now it is {migration.checksum[:8]}",),
        helps=(
            *(() if migration.path is None else (f"git checkout -- {shown(migration.path)}",)),
            "put the change into a migration of its own: hardy db revision",
            "in dev, begin anew: hardy db reset",
        ),
    )


def missing(record: Record) -> Diagnostic:
    """Return the diagnostic for an applied migration that the code does not have, though it has newer ones."""
    return Diagnostic(
        code="H0504",
        title=f"`{record.name}` is applied, but the service has no such migration, though it has newer ones",
        helps=(f"bring the file back: git log --all -- '*{record.name}*'", "in dev, begin anew: hardy db reset"),
    )


def late(migration: Migration, newest: str, free: int) -> Diagnostic:
    """Return the diagnostic for a migration that comes before one that is applied already."""
    assert migration.path is not None  # steps have no order
    words = migration.path.name.split("_", 1)[1]
    return Diagnostic(
        code="H0504",
        title=f"`{migration.name}` is not applied, but `{newest}`, which comes after it, is",
        place=Place(shown(migration.path)),
        notes=("applied now it would meet a schema that it was not written for",),
        helps=(f"mv {shown(migration.path)} {shown(migration.path.with_name(f'{free:04d}_{words}'))}",),
    )


def failed(migration: Migration, line: int, said: str, *, kept: str, hints: Sequence[str] = ()) -> Diagnostic:
    """Return the diagnostic for a migration that the database, or its own code, refused."""
    command = "hardy db seed" if migration.name.startswith("seed.") else "hardy db migrate"
    return Diagnostic(
        code="H0505",
        title=f"`{migration.name}` failed: {said}",
        place=None if migration.path is None else at(migration.path, line),
        notes=(kept,),
        helps=(*hints, f"correct it and run it again: {command}"),
    )


def no_way_down(migration: Migration) -> Diagnostic:
    """Return the diagnostic for a migration that cannot be undone."""
    remedy = "add `def downgrade() -> None:`" if migration.kind == "python" else "add the line `-- down`, and SQL below"
    return Diagnostic(
        code="H0507",
        title=f"`{migration.name}` does not say how it is undone",
        place=None if migration.path is None else Place(shown(migration.path)),
        helps=(f"{remedy}; it may be added after the migration was applied",),
    )


def locked_out(seconds: float, holder: str) -> Diagnostic:
    """Return the diagnostic for a process that waited in vain for another one that migrates."""
    return Diagnostic(
        code="H0508",
        title=f"another process has been migrating this database for more than {seconds:.0f} s",
        body=(holder,) if holder else (),
        helps=("wait for it and try again: hardy db status",),
    )


def never_free(migration: Migration, line: int, attempts: int, holder: str) -> Diagnostic:
    """Return the diagnostic for a migration that never got its lock on a table."""
    return Diagnostic(
        code="H0508",
        title=f"`{migration.name}` did not get its lock in {attempts} attempts",
        place=None if migration.path is None else at(migration.path, line),
        body=(holder,) if holder else (),
        notes=("it asks for a second and then lets everybody else go first; nothing of it is kept",),
        helps=("end the long transaction that holds the table, then: hardy db migrate",),
    )


def ahead(names: Sequence[str]) -> Diagnostic:
    """Return the warning for a database that a newer version of the service has migrated."""
    return Diagnostic(
        code="H0511",
        title=f"the database is ahead of this version of the service by {', '.join(names)}",
        notes=("a newer version has migrated it; this one goes on, as it does in a rolling update",),
        helps=("see both sides: hardy db status",),
        severity="warning",
    )
