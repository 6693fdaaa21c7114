"""The options that commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import click

from hardy.tools.cli._target import Options

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[..., R]], Callable[..., R]]

_FILE = click.Path(dir_okay=False, resolve_path=True, path_type=Path)


def _apply(function: Callable[..., R], decorators: list[Decorator[R]]) -> Callable[..., R]:
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def service_argument(function: Callable[..., R]) -> Callable[..., R]:
    """Add the argument SERVICE."""
    return click.argument("service", required=False)(function)


def settings_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add what says where settings come from: ``--environment --config --env-file``."""
    return _apply(
        function,
        [
            click.option("--environment", metavar="NAME", help="dev, test or production; dev unless the project says."),
            click.option("--config", type=_FILE, metavar="FILE", help="TOML file of settings."),
            click.option("--env-file", type=_FILE, metavar="FILE", help="File of variables."),
        ],
    )


def service_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add what says which service is meant, as a flag, and where its settings come from."""
    service = click.option("--service", metavar="SERVICE", help="Instead of the one that pyproject.toml names.")
    return settings_options(service(function))


def serving_options(function: Callable[..., R]) -> Callable[..., R]:
    """Add the flags of a service's own program, which say settings."""
    from hardy.app import FLAGS

    flags = [
        click.option(flag, setting.replace(".", "__"), metavar="VALUE", help=f"{text[:1].upper()}{text[1:]}.")
        for flag, (setting, text) in FLAGS.items()
    ]
    files = [
        click.option("--config", type=_FILE, metavar="FILE", help="TOML file of settings."),
        click.option("--env-file", type=_FILE, metavar="FILE", help="File of variables."),
    ]
    return _apply(function, [*flags, *files])


def options_of(given: dict[str, object]) -> Options:
    """Return what the parameters of a command say about the service; they are taken out of *given*."""
    service = cast("str | None", given.pop("service", None))
    config = cast("Path | None", given.pop("config", None))
    env_file = cast("Path | None", given.pop("env_file", None))
    settings = ["environment", *[name for name in given if "__" in name]]
    flags = {name.replace("__", "."): given.pop(name) for name in settings if name in given}
    said = {name: value for name, value in flags.items() if value is not None}
    return Options(service=service, flags=said, config=config, env_file=env_file)
