"""The commands by name; each is imported when it is called."""

import difflib
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Never, cast

import click

COMMANDS = {
    "run": "Serve as in production.",
    "dev": "Serve for development, again with every change.",
    "check": "Look for everything that is wrong, without serving.",
    "show": "Print operations, config, graph or env.",
    "call": "Call an operation of the running service.",
    "db": "Look at, migrate, roll back and fill the database.",
    "jobs": "List jobs, run one here, retry those given up.",
    "events": "List dead letters, and replay them.",
    "gen": "Write proto, openapi, env-example or config-docs.",
    "token": "Mint a token for local calls.",
    "drain-test": "Stop a service under load and tell what was lost.",
    "explain": "Print the long form of a diagnostic code.",
}
"""Name to the line that ``hardy --help`` shows."""


def no_such(kind: str, given: str, known: Iterable[str], context: click.Context | None) -> Never:
    """Refuse a word that is none of *known*, naming the closest.

    Raises:
        UsageError: Always.
    """
    raise click.UsageError(closest(kind, given, list(known)), ctx=context)


def closest(kind: str, given: str, names: Sequence[str]) -> str:
    """Return what to say of a word that is none of *names*.

    Example:
        >>> closest("command", "dve", ["run", "dev"])
        'no command "dve"; the closest is "dev"'
    """
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.4)
    there = f'the closest is "{near[0]}"' if near else f"there are {', '.join(names)}"
    return f'no {kind} "{given}"; {there}'


class UnreadError(Exception):
    """Nobody reads what is printed any more: ``hardy show config | head``."""


class LazyGroup(click.Group):
    """A group whose commands are modules: ``dev`` is ``_dev.command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"hardy.tools.cli._{cmd_name.replace('-', '_')}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            UsageError: There is none; it says which is closest.
        """
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            if name.startswith("-"):
                raise click.NoSuchOption(name, ctx=ctx)
            no_such("command", name, COMMANDS, ctx)
        return name if command else None, command, args[1:]

    def invoke(self, ctx: click.Context) -> object:
        """Run the command.

        Raises:
            UnreadError: In place of the `BrokenPipeError` that click would end the process for.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise UnreadError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class Subcommands(click.Group):
    """A group below a command, ``hardy db ...``: in the order of use, and it names the closest to what there is not."""

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
            no_such(f"{self.name} command", args[0], self.commands, ctx)
        return super().resolve_command(ctx, args)


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's shape
    if value:
        from importlib.metadata import version
        from platform import python_version

        click.echo(f"hardy {version('hardy')}, python {python_version()}")
        context.exit()


def _no_color(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's shape
    if value:
        import os

        os.environ["NO_COLOR"] = "1"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.option("--no-color", is_flag=True, is_eager=True, expose_value=False, callback=_no_color, help="Use no colour.")
def cli() -> None:
    """Write a typed async function; serve it over REST and gRPC.

    SERVICE is `orders.app:build`, module and build function; without it
    `[tool.hardy] service` of pyproject.toml is taken.
    """
