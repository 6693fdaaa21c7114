"""``hardy run``: serve as in production."""

import click

from hardy.app import serve
from hardy.tools.cli._options import options_of, service_argument, serving_options


@click.command("run")
@service_argument
@serving_options
def command(**given: object) -> int:
    """Serve as in production: the environment is production unless something says otherwise.

    SIGTERM drains and ends; a second one cancels what is still in flight.
    """
    target = options_of(given).target()
    return 0 if serve(target.app) else 1
