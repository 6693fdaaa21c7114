"""``hardy events``: the dead letters of outbox and broker, and another chance for them."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar

import click

from hardy.app import run_loop
from hardy.lifecycle import Component
from hardy.messaging import DeadLetter, DeadLetters, Envelope
from hardy.tools.cli._as_it_is import as_it_is
from hardy.tools.cli._group import Subcommands
from hardy.tools.cli._options import options_of, service_options
from hardy.tools.cli._style import note, print_json, table

if TYPE_CHECKING:
    from hardy.app import App

R = TypeVar("R")

_SHOWN = 60
"""Characters of a reason in the table; all of it is in the JSON."""


class _Nowhere:
    """What an outbox is wired with that sends nothing."""

    async def publish(self, envelopes: Sequence[Envelope], /) -> None:
        """Refuse: it is not asked.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("this command publishes nothing")


async def _stores(app: "App", stack: AsyncExitStack) -> Sequence[DeadLetters]:
    """Open what keeps dead letters, and nothing that would begin to send or consume."""
    from hardy.adapters.sql import Database
    from hardy.adapters.sql.outbox import Outbox

    found: list[DeadLetters] = []
    hidden: list[str] = []
    database: Database | None = None
    for component in app.components:
        if isinstance(component, Database):
            database = component
        elif isinstance(component, Outbox) and database is not None:
            if _is_shared(database, hidden):
                opened = await stack.enter_async_context(as_it_is(database, component.schema_steps))
                component.wire(database=opened, publisher=_Nowhere())
                found.append(component)
        elif isinstance(component, DeadLetters) and not isinstance(component, Outbox) and _is_shared(component, hidden):
            await stack.enter_async_context(component)  # pyright: ignore[reportArgumentType]  # managed: a component
            found.append(component)
    said = [f"the {each} of the service is in its memory, where no other process can look" for each in hidden]
    if said and not found:
        raise click.UsageError("; ".join(said))
    for each in said:
        note(each)
    return found


def _is_shared(component: Component, hidden: list[str]) -> bool:
    """Tell whether another process can look into *component*; else its name is added to *hidden*."""
    if getattr(component, "worker_local", False):
        hidden.append(type(component).__name__)
        return False
    return True


def _work(given: dict[str, object], work: Callable[[Sequence[DeadLetters]], Coroutine[object, None, R]]) -> R:
    app = options_of(given).target().for_development().app

    async def main() -> R:
        async with AsyncExitStack() as stack:
            stores = await _stores(app, stack)
            if not stores:
                raise click.UsageError(f"{app.name} manages nothing that keeps dead letters: no Outbox, no broker")
            return await work(stores)

    return run_loop(main())


@click.command("list", short_help="Print the events that were given up.")
@service_options
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many of each store.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the events themselves.")
def list_letters(*, limit: int, as_json: bool, **given: object) -> int:
    """Print the dead letters: events that the broker refused, and those that a consumer gave up."""

    async def look(stores: Sequence[DeadLetters]) -> list[DeadLetter]:
        return [each for store in stores for each in await store.dead_letters(limit=limit)]

    letters = _work(given, look)
    if as_json:
        print_json([_plain(each) for each in letters])
    elif letters:
        header = ["id", "topic", "key", "given up by", "attempts", "published", "reason"]
        table(header, [_row(each) for each in letters])
    note(f"{len(letters)} dead letter{'' if len(letters) == 1 else 's'}")
    return 0


@click.command("replay", short_help="Give dead letters another chance.")
@service_options
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All of them.")
def replay(*, ids: tuple[str, ...], every: bool, **given: object) -> int:
    """Let dead letters be tried again as if for the first time, by whoever gave them up."""
    if bool(ids) is every:
        raise click.UsageError("say the ids of dead letters (hardy events list), or --all")

    async def again(stores: Sequence[DeadLetters]) -> int:
        return sum([await store.replay(*ids) for store in stores])

    count = _work(given, again)
    note(f"{count} event{'' if count == 1 else 's'} will be tried again")
    return 0 if count or every else 1


def _row(letter: DeadLetter) -> list[str]:
    reason = letter.reason if len(letter.reason) <= _SHOWN else letter.reason[: _SHOWN - 3] + "..."
    when = f"{letter.time:%Y-%m-%d %H:%M:%S}"
    return [letter.id, letter.topic, letter.key or "", letter.group, str(letter.attempts), when, reason]


def _plain(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "topic": letter.topic,
        "key": letter.key,
        "group": letter.group,
        "type": letter.type,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "time": letter.time.isoformat(),
        "data": letter.data.decode(errors="replace"),
    }


@click.group("events", cls=Subcommands, commands=[list_letters, replay])
def command() -> None:
    """Look at events that were given up, and let them be tried again."""
