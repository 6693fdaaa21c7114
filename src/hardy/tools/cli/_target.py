"""The service that a command works on: imported, configured, built."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from hardy.app import App, Build, Source, load_for, make, settings_class
from hardy.config import Loaded, Settings
from hardy.tools.cli._import import import_build
from hardy.tools.cli._project import Project, enter, find_project
from hardy.tools.cli._style import complain


class Target:
    """A service as a command sees it; each step is taken when it is first asked for.

    Args:
        project: Which service.
        source: Where its settings come from beside the environment.
    """

    def __init__(self, project: Project, source: Source) -> None:
        self.project = project
        self.silent = False
        """Whether warnings about settings are somebody else's to tell."""
        self.assumed = False
        """Whether nobody said that the environment is dev."""
        self._source = source

    @cached_property
    def build(self) -> Build:
        """The build function, imported."""
        return import_build(self.project)

    @cached_property
    def settings_class(self) -> type[Settings]:
        """The class of its settings."""
        return settings_class(self.build)

    @cached_property
    def loaded(self) -> Loaded[Settings]:
        """Its settings; warnings are printed when they are loaded."""
        loaded = load_for(self.build, self._source)
        for warning in () if self.silent else loaded.warnings:
            complain(warning.render())
        return loaded

    @cached_property
    def app(self) -> App:
        """The app that it builds, not yet checked."""
        return make(self.build, self.loaded.settings)

    def for_development(self) -> "Target":
        """Return the target as the tools see it: in dev, unless the project itself says another environment."""
        stated = stated_environment(self.settings_class.prefix) or self._source.flags.get("environment")
        if stated is not None:
            return self
        flags = {**self._source.flags, "environment": "dev"}
        target = Target(self.project, Source(flags=flags, config=self._source.config, dotenv=self._source.dotenv))
        target.build, target.assumed = self.build, True
        return target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the options of every command say about the service."""

    service: str | None = None
    flags: Mapping[str, object]
    config: Path | None = None
    env_file: Path | None = None

    def target(self) -> Target:
        """Find the service and work in its folder from now on.

        Raises:
            BuildFailed: No service is named.
        """
        project = find_project(self.service)
        enter(project)
        return Target(project, Source(flags=self.flags, config=self.config, dotenv=self.env_file))


def stated_environment(prefix: str) -> str | None:
    """Return the environment that a variable or the service's TOML file says; ``None`` when neither does."""
    if stated := os.environ.get(f"{prefix}_ENVIRONMENT"):
        return stated
    try:
        document: object = tomllib.loads(Path(f"{prefix.lower()}.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # absent; or unreadable, which loading the settings says better
        return None
    stated_in_file = cast("dict[str, object]", document).get("environment")
    return None if stated_in_file is None else str(stated_in_file)
