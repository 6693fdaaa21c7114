"""``hardy run``: serve as in production."""

import click

from hardy.app import serve_here, with_workers
from hardy.tools.cli._options import options_of, service_argument, serving_options
from hardy.transport.command import WrongUsage


@click.command("run")
@service_argument
@serving_options
@click.option("--workers", metavar="N", help="Serve with N processes; auto takes one per CPU.")
def command(*, workers: str | None, **given: object) -> int:
    """Serve as in production: the environment is production unless something says otherwise.

    SIGTERM drains and ends; a second one cancels what is still in flight. With
    workers, SIGHUP replaces them one by one by such that have read code and
    configuration anew, with no request lost; if these are wrong nothing changes.
    """
    if workers is not None:
        try:
            with_workers(workers)
        except WrongUsage as wrong:
            raise click.UsageError(str(wrong).removeprefix("error: ")) from None
    target = options_of(given).target()
    return 0 if serve_here(target.app) else 1
