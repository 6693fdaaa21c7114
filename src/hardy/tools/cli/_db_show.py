"""``hardy db status`` and ``hardy db lint``: look, and change nothing."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hardy.core import Diagnostic
from hardy.tools.cli._db_chosen import choose, database_options
from hardy.tools.cli._style import complain, has_colour, note, paint, print_json, table

if TYPE_CHECKING:
    from hardy.adapters.sql.migrations import Migrator, Standing

BEHIND, FOUND = 6, 1


@click.command("status", short_help="Print every migration, applied or not.")
@database_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(*, as_json: bool, **given: object) -> int:
    """Print every migration: applied, pending, unfinished, changed or unknown.

    It ends with 6 when something is pending or the history is not sound.
    """
    from hardy.adapters.sql.migrations import Standing

    chosen = choose(given)

    async def look(migrator: "Migrator") -> Standing:
        return await migrator.standing()

    standing = chosen.run(look)
    rows = _rows(standing)
    faults = standing.faults()
    if as_json:
        keys = ("migration", "state", "applied_at", "source")
        listed = [dict(zip(keys, row, strict=True)) for row in rows]
        print_json({"database": chosen.shown, "current": standing.is_current, "migrations": listed})
    else:
        if rows:
            table(["migration", "state", "applied at", "source"], rows)
        note(f"{chosen.shown}: {len(standing.applied)} applied, {len(standing.pending)} pending")
    for fault in faults:
        complain(f"\n{fault.render()}")
    if standing.pending and not faults:
        note("apply what is pending with: hardy db migrate")
    return 0 if standing.is_current else BEHIND


def _rows(standing: "Standing") -> list[list[str]]:
    changed = {each.name for each in standing.drifted}
    rows: list[list[str]] = []
    for each in standing.history:
        record = standing.record_of(each)
        when = record.applied_at if record else None
        state = "pending" if record is None else "unfinished" if when is None else "applied"
        if each.name in changed:
            state = "changed"
        rows.append([each.name, state, f"{when:%Y-%m-%d %H:%M:%S}" if when else "", each.source])
    ahead = set(standing.ahead)
    for record in standing.unknown:
        when = record.applied_at
        state = "ahead" if record.name in ahead else "missing"
        rows.append([record.name, state, f"{when:%Y-%m-%d %H:%M:%S}" if when else "", ""])
    return rows


@click.command("lint", short_help="Look for migrations that would stop the service.")
@database_options
def lint(**given: object) -> int:
    """Look for migrations that would stop the service on PostgreSQL, with squawk.

    It ends with 1 when something was found. What does no harm is marked in the
    file: -- squawk-ignore RULE
    """
    chosen = choose(given)
    if chosen.database.dialect != "postgresql":
        note(f"{chosen.shown} is no PostgreSQL; these are looked at as they would run there")
    found = chosen.database.migrations.lint()
    if found:
        print(_shown(found))
        note(f"\n{len(found)} finding{'' if len(found) == 1 else 's'}")
        return FOUND
    print("nothing is wrong")
    return 0


def _shown(found: Sequence[Diagnostic]) -> str:
    text = "\n\n".join(each.render() for each in found)
    return paint(text) if has_colour(sys.stdout) else text
