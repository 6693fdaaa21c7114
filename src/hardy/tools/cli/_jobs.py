"""``hardy jobs``: what waits in the queues of the service, and what was given up."""

import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar, cast, get_args

import click

from hardy.app import described, run_loop
from hardy.core import Error, Exposed, InvalidMessage, Malformed, Principal
from hardy.queueing import JobRecord, JobState, JobStore
from hardy.tools.cli._as_it_is import as_it_is
from hardy.tools.cli._call import explained
from hardy.tools.cli._calling import Call, carry_out_here
from hardy.tools.cli._files import sound
from hardy.tools.cli._group import Subcommands, no_such
from hardy.tools.cli._message import read_message
from hardy.tools.cli._options import options_of, service_options
from hardy.tools.cli._style import complain, note, print_json, table

if TYPE_CHECKING:
    from hardy.app import App

R = TypeVar("R")

FAILED = 1
_SHOWN = 60
"""Characters of a reason in the table; all of it is in the JSON."""
_SERVED = ("jobs", "schedule")


async def _store(app: "App", stack: AsyncExitStack) -> JobStore:
    """Open what keeps the jobs, and nothing that would begin to take them."""
    from hardy.adapters.sql import Database
    from hardy.adapters.sql.jobs import SqlJobs

    database: Database | None = None
    for component in app.components:
        if isinstance(component, Database):
            database = component
        elif isinstance(component, SqlJobs) and database is not None:
            if database.worker_local:
                raise click.UsageError("the database of the service is in its memory, where no other process can look")
            component.wire(database=await stack.enter_async_context(as_it_is(database, component.schema_steps)))
            return component
        elif JobStore in type(component).__mro__:
            if getattr(component, "worker_local", False):
                name = type(component).__name__
                raise click.UsageError(f"the {name} of the service is in its memory, where no other process can look")
            return cast("JobStore", await stack.enter_async_context(component))
    raise click.UsageError(f"{app.name} manages nothing that keeps jobs: app.manage(SqlJobs()) after the database")


def _work(given: dict[str, object], work: Callable[[JobStore], Coroutine[object, None, R]]) -> R:
    app = options_of(given).target().for_development().app

    async def main() -> R:
        async with AsyncExitStack() as stack:
            return await work(await _store(app, stack))

    return run_loop(main())


@click.command("list", short_help="Print what waits, what is worked on, and what was given up.")
@service_options
@click.option("--queue", metavar="NAME", help="Only those of this queue.")
@click.option("--state", type=click.Choice(get_args(JobState)), help="Only those.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the messages themselves.")
def list_jobs(*, queue: str | None, state: JobState | None, limit: int, as_json: bool, **given: object) -> int:
    """Print the jobs of the service's queues, the next to be taken first; those that are done are gone."""

    async def look(store: JobStore) -> list[JobRecord]:
        return list(await store.find(queue=queue, state=state, limit=limit))

    found = _work(given, look)
    if as_json:
        print_json([_plain(each) for each in found])
    elif found:
        header = ["id", "queue", "use case", "state", "priority", "attempts", "due", "reason"]
        table(header, [_row(each) for each in found])
    note(f"{len(found)} job{'' if len(found) == 1 else 's'}")
    return 0


@click.command("retry", short_help="Give jobs that were given up another chance.")
@service_options
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--queue", metavar="NAME", help="Only those of this queue.")
def retry(*, ids: tuple[str, ...], every: bool, queue: str | None, **given: object) -> int:
    """Let jobs that were given up be tried again as if for the first time."""
    if bool(ids) is every:
        raise click.UsageError("say the ids of jobs (hardy jobs list --state dead), or --all")

    async def again(store: JobStore) -> int:
        return await store.requeue(*ids, queue=queue)

    count = _work(given, again)
    note(f"{count} job{'' if count == 1 else 's'} will be tried again")
    return 0 if count or every else FAILED


@click.command("run", short_help="Carry a job or a schedule out now, in this process.")
@service_options
@click.argument("name", metavar="USE_CASE")
@click.argument("message", default="{}", metavar="[JSON]")
@click.pass_context
def run(context: click.Context, /, *, name: str, message: str, **given: object) -> int:
    """Carry a use case that is bound to a queue or a schedule out now: hardy jobs run expire_orders.

    It runs in this process, with its whole chain, as its queue or its schedule
    would call it. Nothing is enqueued, and no tick is claimed.
    """
    target = options_of(given).target().for_development()
    sound(target)
    exposed = _find(target.app, name, context)
    operation = exposed.operation
    try:
        made = Call(
            app=target.app,
            exposed=exposed,
            message=read_message(operation, message, json_case=target.app.json_case),
        )
    except (InvalidMessage, Malformed) as error:
        complain("\n".join([f"{error.code.name}   not run", *explained(error)]))
        return FAILED
    started = time.monotonic()
    try:
        run_loop(carry_out_here(made, write=_print, principal=_caller(exposed)))
    except Error as error:
        complain("\n".join([f"{error.code.name}   {_milliseconds(started)}   here", *explained(error)]))
        return FAILED
    note(f"OK   {_milliseconds(started)}   here")
    return 0


def _find(app: "App", name: str, context: click.Context) -> Exposed:
    """Return the use case called *name* behind its queue or its schedule."""
    bound = {each.operation.name: each for door in _SERVED for each in described(app, door)}
    if not bound:
        raise click.UsageError(f"{app.name} binds no use case to a queue or a schedule", ctx=context)
    name = name.removeprefix(f"{app.name}.")
    if name not in bound:
        no_such("job", name, bound, context)
    return bound[name]


def _caller(exposed: Exposed) -> Principal:
    facts = exposed.binding.describe()
    if facts["transport"] == "jobs":
        return Principal(f"job:{facts['queue']}", kind="service")
    return Principal(f"schedule:{exposed.operation.name}", kind="service")


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _milliseconds(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"


def _row(job: JobRecord) -> list[str]:
    reason = job.reason or ""
    shown = reason if len(reason) <= _SHOWN else reason[: _SHOWN - 3] + "..."
    due = "" if job.state == "dead" else f"{job.due:%Y-%m-%d %H:%M:%S}"
    return [job.id, job.queue, job.use_case, job.state, str(job.priority), str(job.attempts), due, shown]


def _plain(job: JobRecord) -> dict[str, object]:
    return {
        "id": job.id,
        "queue": job.queue,
        "use_case": job.use_case,
        "state": job.state,
        "priority": job.priority,
        "attempts": job.attempts,
        "due": job.due.isoformat(),
        "enqueued": job.enqueued.isoformat(),
        "reason": job.reason,
        "message": job.message.decode(errors="replace"),
    }


@click.group("jobs", cls=Subcommands, commands=[list_jobs, run, retry])
def command() -> None:
    """Look at jobs, carry one out here, and let those that were given up be tried again."""
