"""``hardy token``: a token that a service on this machine takes, in dev."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from hardy.core import BuildFailed
from hardy.tools.cli._project import enter, find_project
from hardy.tools.cli._style import note
from hardy.tools.cli._target import Options, stated_environment

KEYS = Path(".hardy")


def mint_token(subject: str, scopes: Sequence[str], roles: Sequence[str], lifetime: float) -> str:
    """Return a token signed with this folder's key, which is made when there is none.

    Raises:
        UsageError: The key cannot be used.
        ImportError: The extra ``auth`` is not installed.
    """
    from hardy.adapters import jwt

    try:
        key = jwt.dev_key(KEYS)
        assert key is not None  # it is created
        return jwt.mint(key, subject, scopes=scopes, roles=roles, lifetime=lifetime)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from None


def refuse_outside_dev(prefix: str) -> None:
    """Mint nothing where the project says that it is not in dev.

    Raises:
        UsageError: It says so.
    """
    environment = stated_environment(prefix)
    if environment not in {None, "dev"}:
        raise click.UsageError(
            f"tokens are minted in dev only, and {prefix}_ENVIRONMENT is {environment}; "
            "ask your identity provider for one"
        )


@click.command("token")
@click.argument("service", required=False)
@click.option("--as", "subject", required=True, metavar="NAME", help="Who calls: the token's subject.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What the caller may do; repeatable.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="What the caller is; repeatable.")
@click.option("--ttl", "lifetime", default="8h", show_default=True, metavar="TIME", help="How long it is valid.")
def command(service: str | None, subject: str, scopes: tuple[str, ...], roles: tuple[str, ...], lifetime: str) -> int:
    """Mint a token for a service that runs on this machine in dev.

    It is signed with the key in .hardy/, which only such a service trusts.
    """
    refuse_outside_dev(_prefix(service))
    token = mint_token(subject, scopes, roles, seconds(lifetime))
    if sys.stdout.isatty():
        note(f"{subject} for {lifetime}; send it as: authorization: Bearer TOKEN")
    click.echo(token)
    return 0


def seconds(text: str) -> float:
    """Return a length as settings write it, ``30s``, ``5m``, ``8h``, in seconds.

    Raises:
        UsageError: It is none.
    """
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        length = float(number) * units[unit]
    except ValueError:
        length = 0
    if not 0 < length < 10**9:
        raise click.UsageError(f'"{text}" is no length of time; write 30s, 5m or 8h')
    return length


def _prefix(service: str | None) -> str:
    """Return the prefix of the service's variables; hardy's own where no service is named."""
    if service is None:
        try:
            project = find_project(None)
        except BuildFailed:
            return "HARDY"
        enter(project)
    return Options(service=service, flags={}).target().settings_class.prefix
