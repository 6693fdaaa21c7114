"""A command line is read here without ending the process: whoever asked decides."""

import argparse
import os
import sys
from typing import NoReturn


class WrongUsage(Exception):
    """The command line cannot be read; the text says why and how it is used."""


class Help(Exception):
    """Help was asked for; the text is it.

    Args:
        program: Whose help.
        text: The help.
    """

    def __init__(self, program: str, text: str) -> None:
        super().__init__(text)
        self.program = program


class _Formatter(argparse.HelpFormatter):
    """Knows how wide a terminal is without `shutil`, which argparse would ask: half a MiB for every service."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or 80
    except (OSError, ValueError):
        return 80


class Parser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` that raises `WrongUsage` and `Help` where it would print and exit.

    Example:
        >>> Parser(prog="orders").parse_args(["--colour"])
        Traceback (most recent call last):
        hardy.transport.command.WrongUsage: error: unrecognized arguments: --colour
        usage: orders [-h]
    """

    def _get_formatter(self) -> argparse.HelpFormatter:
        # Asked for at each argument that is added, and not only for help.
        return _Formatter(self.prog)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            WrongUsage: Always.
        """
        raise WrongUsage(f"error: {message}\n{self.format_usage().rstrip()}")

    def print_help(self, file: object = None) -> NoReturn:
        """Answer ``--help``.

        Raises:
            Help: Always.
        """
        raise Help(self.prog, self.format_help())
