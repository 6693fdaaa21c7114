"""Where the project is, and which service it names."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hardy.core import BuildFailed, Diagnostic, Place

_EXAMPLE = '[tool.hardy]\nservice = "orders.app:build"'


@dataclass(frozen=True, slots=True)
class Project:
    """The folder that commands work in, and the service that is meant."""

    root: Path
    reference: str
    """Module and build function: ``orders.app:build``."""

    @property
    def module(self) -> str:
        """The module that the reference names."""
        return self.reference.partition(":")[0]

    @property
    def attribute(self) -> str:
        """The build function that the reference names."""
        return self.reference.partition(":")[2]

    @property
    def sources(self) -> tuple[Path, ...]:
        """Where the project's own modules are looked for, first to last."""
        return (self.root / "src", self.root)


def find_project(reference: str | None) -> Project:
    """Return the project that *reference* or the nearest pyproject.toml names.

    Args:
        reference: As typed. Without one, the nearest pyproject.toml upwards
            that has ``[tool.hardy] service`` decides, and its folder is the root.

    Raises:
        BuildFailed: No service is named (H0101), or not as module and function.
    """
    here = Path.cwd()
    if reference is not None:
        return Project(here, _well_formed(reference, None))
    for folder in (here, *here.parents):
        file = folder / "pyproject.toml"
        if file.is_file() and (named := _named_in(file)) is not None:
            return Project(folder, _well_formed(named, file))
    raise BuildFailed([_unnamed(here)])


def enter(project: Project) -> None:
    """Work in the project's folder, with its modules importable, from now on."""
    import sys

    os.chdir(project.root)
    for source in reversed(project.sources):
        if source.is_dir() and str(source) not in sys.path:
            sys.path.insert(0, str(source))


def _named_in(file: Path) -> str | None:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        title = f"`{file.name}` cannot be read: {error}"
        fault = Diagnostic(code="H0101", title=title, place=Place(str(file)), helps=("hardy run orders.app:build",))
        raise BuildFailed([fault]) from None
    tool = cast("dict[str, dict[str, object]]", document.get("tool", {}))
    named = tool.get("hardy", {}).get("service")
    return None if named is None else str(named)


def _well_formed(reference: str, file: Path | None) -> str:
    module, colon, attribute = reference.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if colon and all(part.isidentifier() for part in parts):
        return reference
    stem = module.removesuffix(".py").strip("./").replace("/", ".").removeprefix("src.")
    better = f"{stem or 'orders.app'}:{attribute if attribute.isidentifier() else 'build'}"
    place = None if file is None else Place(str(file), _line_of(file), f'service = "{reference}"', reference)
    help_ = f'service = "{better}"' if file else f"name it as: {better}"
    title = f"`{reference}` does not name a build function"
    raise BuildFailed([Diagnostic(code="H0101", title=title, place=place, helps=(help_,))])


def _line_of(file: Path) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith("service")), 0)


def _unnamed(here: Path) -> Diagnostic:
    file = here / "pyproject.toml"
    looked = "has no `[tool.hardy] service`" if file.is_file() else "is not there"
    return Diagnostic(
        code="H0101",
        title="no service is named",
        body=(f"looked in   {file} ({looked})", ""),
        helps=(f"say it once, in pyproject.toml:\n{_EXAMPLE}", "or each time: hardy run orders.app:build"),
    )
