"""The command line of a service's own program: ``python -m orders [--port N] [COMMAND ...]``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hardy.app._build import Source
from hardy.transport.command import Parser

FLAGS = {
    "--environment": ("environment", "dev, test or production"),
    "--host": ("http.host", "address REST listens on"),
    "--port": ("http.port", "port REST listens on; 0 takes a free one"),
    "--grpc-port": ("grpc.port", "port gRPC listens on; 0 takes a free one"),
    "--admin-port": ("admin.port", "port probes are answered on; 0 takes a free one"),
    "--drain-delay": ("shutdown.drain_delay", "time to go on serving after SIGTERM"),
    "--drain-timeout": ("shutdown.drain_timeout", "time for calls in flight to end"),
}
"""Flag to setting; the same for a service's own program and ``hardy run``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What a command line says."""

    source: Source
    command: str | None = None
    """The service's own command; ``None`` to serve."""
    rest: tuple[str, ...] = ()
    workers: str | None = None
    """How many processes are to serve; one without a parent when left out."""


def parse(program: str, argv: Sequence[str]) -> Arguments:
    """Read *argv*; what follows a command is the command's.

    Raises:
        WrongUsage: An unknown flag, or one without its value.
        Help: ``--help`` was given.
    """
    parser = Parser(prog=program, allow_abbrev=False, description="Serve, or run one of the service's commands.")
    for flag, (setting, text) in FLAGS.items():
        parser.add_argument(flag, dest=setting, help=text, metavar="VALUE")
    parser.add_argument("--config", type=Path, help="TOML file of settings", metavar="FILE")
    parser.add_argument("--env-file", type=Path, help="file of variables", metavar="FILE")
    parser.add_argument("--workers", help="serve with N processes; auto takes one per CPU", metavar="N")
    parser.add_argument("command", nargs="?", help="a command of the service, followed by its own flags")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = cast("dict[str, object]", vars(parser.parse_args(list(argv))))
    flags = {setting: given[setting] for setting, _ in FLAGS.values() if given[setting] is not None}
    return Arguments(
        source=Source(
            flags=flags, config=cast("Path | None", given["config"]), dotenv=cast("Path | None", given["env_file"])
        ),
        command=cast("str | None", given["command"]),
        rest=tuple(cast("list[str]", given["rest"])),
        workers=cast("str | None", given["workers"]),
    )
