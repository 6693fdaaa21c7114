"""From a build function to an app: what settings it takes, and what it makes of them."""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hardy.app._app import App
from hardy.app._blame import blame
from hardy.config import Loaded, Settings, load
from hardy.core import BuildFailed, Diagnostic, Place

Build = Callable[..., App]
"""``def build(settings: Settings) -> App``, or without parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the settings come from beside the environment."""

    flags: Mapping[str, object] = field(default_factory=dict[str, object])
    """Dotted settings that win over everything else."""
    config: Path | None = None
    dotenv: Path | None = None


def settings_class(build: Build) -> type[Settings]:
    """Return the settings that *build* asks for by its parameter's annotation.

    Raises:
        BuildFailed: It asks for something else.
    """
    parameters = list(inspect.signature(build).parameters.values())
    if not parameters:
        return Settings
    try:
        hints = typing.get_type_hints(build)
    except NameError as error:
        raise BuildFailed([_wrong(build, f"has an annotation that cannot be resolved: `{error.name}`")]) from None
    wanted: object = hints.get(parameters[0].name)
    if len(parameters) > 1 or not (isinstance(wanted, type) and issubclass(wanted, Settings)):
        raise BuildFailed([_wrong(build, "must take its settings and nothing else")])
    return wanted


def _wrong(build: Build, what: str) -> Diagnostic:
    name = getattr(build, "__name__", repr(build))
    return Diagnostic(
        code="H0103",
        title=f"`{name}` {what}",
        place=Place.of(build, highlight=f"def {name}"),
        helps=(f"write `def {name}(settings: Settings) -> App:`",),
    )


def load_for(build: Build, source: Source) -> Loaded[Settings]:
    """Load the settings that *build* asks for.

    Raises:
        BuildFailed: With every fault of the configuration.
    """
    return load(settings_class(build), flags=source.flags, file=source.config, dotenv=source.dotenv)


def make(build: Build, settings: Settings) -> App:
    """Let *build* make the app; one that was given no settings gets *settings*.

    Raises:
        BuildFailed: It fails, or returns something else.
    """
    try:
        app: object = build(settings) if inspect.signature(build).parameters else build()
    except BuildFailed:
        raise
    except Exception as error:  # the user's code: whatever it raises, the service cannot be built
        raise BuildFailed([_failed(build, error)]) from error
    if not isinstance(app, App):
        raise BuildFailed([_wrong(build, f"returned {type(app).__name__}, not an App")])
    if not app.is_told:
        app.settings = settings
    return app


def _failed(build: Build, error: Exception) -> Diagnostic:
    blamed = blame(error)
    name = getattr(build, "__name__", repr(build))
    return Diagnostic(
        code="H0104",
        title=f"`{name}` raised {type(error).__name__}: {error}",
        place=blamed.place,
        body=blamed.frames,
        helps=("try again with: hardy check",),
    )
