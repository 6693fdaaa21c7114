"""Runs a command and turns whatever comes of it into an exit code."""

import os
import sys
from collections.abc import Sequence

import click

from hardy.tools.cli._group import UnreadError, cli, closest

USAGE, INTERRUPTED = 2, 130


def start(argv: Sequence[str]) -> int:
    """Run the command that *argv* names and return the exit code."""
    try:
        result: object = cli.main(args=list(argv), prog_name="hardy", standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.UsageError as wrong:
        print(usage_of(wrong), file=sys.stderr)
        return USAGE
    except click.ClickException as wrong:
        print(f"error: {_lower(wrong.format_message())}", file=sys.stderr)
        return USAGE
    except (UnreadError, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing is left to flush to
        return 0
    except Exception as error:  # the boundary: every failure has its exit code
        from hardy.tools.cli._failure import tell

        return tell(error)
    return result if isinstance(result, int) else 0


def usage_of(wrong: click.UsageError) -> str:
    """Return what is wrong with a command line, and in one line how it is used."""
    lines = [f"error: {_wording(wrong)}"]
    if wrong.ctx is not None:
        lines.append(" ".join(wrong.ctx.get_usage().replace("Usage:", "usage:").split()))
    return "\n".join(lines)


def _wording(wrong: click.UsageError) -> str:
    if isinstance(wrong, click.NoSuchOption):
        known = [name for each in (wrong.ctx.command.params if wrong.ctx else ()) for name in each.opts]
        return closest("option", wrong.option_name, [name for name in known if name.startswith("-")])
    return _lower(wrong.format_message())


def _lower(text: str) -> str:
    """Begin in lower case and end without a full stop, as every message of hardy does."""
    return text[:1].lower() + text[1:].rstrip(".")
