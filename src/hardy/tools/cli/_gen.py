"""``hardy gen``: write what is made from the service, or say that it is out of date."""

from pathlib import Path

import click

from hardy.tools.cli._files import KINDS, Generated, generate_proto, made_by
from hardy.tools.cli._group import no_such
from hardy.tools.cli._options import options_of, service_argument, settings_options
from hardy.tools.cli._style import complain, note


@click.command("gen")
@click.argument("what", metavar="proto|openapi|env-example|config-docs")
@service_argument
@settings_options
@click.option("--check", is_flag=True, help="Write nothing; end with 1 when something would change.")
@click.option("--out", metavar="PATH", help="Where to, instead of its usual place; - is standard output.")
@click.pass_context
def command(context: click.Context, /, what: str, *, check: bool, out: str | None, **given: object) -> int:
    """Write what is made from the service.

    \b
    proto         the .proto files that grpc.service(..., proto=) names, and their descriptors
    openapi       openapi.json
    env-example   .env.example
    config-docs   docs/settings.md
    """  # noqa: D301  # \b is click's
    if what not in KINDS:
        no_such("thing to generate", what, KINDS, context)
    place = None if out is None or out == "-" else Path(out).resolve()
    target = options_of(given).target()
    if what == "proto":
        return generate_proto(target.for_development(), check=check, out=place, show=out == "-")
    generated = made_by(what, target)
    if out == "-":
        click.echo(generated.text, nl=False)
        return 0
    if place is not None:
        generated = Generated(what, place, generated.text)
    if not generated.is_stale():
        note(f"{generated.shown_path} is up to date")
        return 0
    if check:
        complain(generated.stale().render())
        return 1
    generated.write()
    note(f"wrote {generated.shown_path}")
    return 0
