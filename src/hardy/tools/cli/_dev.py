"""``hardy dev``: serve for development, again with every change."""

import asyncio

import click

from hardy.tools.cli._options import options_of, service_argument, serving_options
from hardy.tools.cli._project import enter, find_project


@click.command("dev")
@service_argument
@serving_options
def command(**given: object) -> int:
    """Serve for development, again with every change.

    The environment is dev. A change is tried in a new process: while that
    starts, and when it cannot, the old one goes on serving. Nobody is refused
    meanwhile: the listening sockets are handed on.
    """
    from hardy.tools.cli._supervisor import Supervisor
    from hardy.tools.cli._watch import require_watchfiles

    require_watchfiles()
    options = options_of(given)
    project = find_project(options.service)
    enter(project)
    return asyncio.run(Supervisor(project, options).run())
