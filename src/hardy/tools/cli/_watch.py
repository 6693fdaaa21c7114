"""Which changes concern a running service, and whether what changed is Python at all."""

import ast
import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from hardy.core import Diagnostic
from hardy.tools.cli._import import syntax_place
from hardy.tools.cli._project import Project

_SUFFIXES = {".py", ".sql", ".toml", ".binpb"}


def require_watchfiles() -> None:
    """Refuse to go on without watchfiles, naming the remedy.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import watchfiles  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only whether it is there
    except ImportError as error:
        raise ImportError(
            "hardy dev needs watchfiles. Install it with: pip install 'hardy[dev]'", name=error.name
        ) from error


def concerns(path: Path) -> bool:
    """Tell whether a change of *path* can change the service: code, migrations, settings, descriptors.

    Example:
        >>> concerns(Path("orders/app.py")), concerns(Path("migrations/0002_note.sql")), concerns(Path("orders.db"))
        (True, True, False)
    """
    return path.suffix in _SUFFIXES or path.name.startswith(".env")


class Watch:
    """Collects changed files of a project while ``async with`` lasts.

    The folders of the code are watched with all that is in them, the root by
    itself only: it may hold a virtual environment or data.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._changed: set[Path] = set()
        self._event = asyncio.Event()
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to watch."""
        self._tasks = [
            asyncio.create_task(self._follow(self._code(), recursive=True)),
            asyncio.create_task(self._follow([self._project.root], recursive=False)),
        ]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Watch no longer."""
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _code(self) -> Sequence[Path]:
        source = self._project.root / "src"
        package = self._project.root / self._project.module.partition(".")[0]
        return [each for each in (source, package) if each.is_dir()]

    async def _follow(self, folders: Sequence[Path], *, recursive: bool) -> None:
        import watchfiles

        if not folders:
            return
        async for changes in watchfiles.awatch(
            *folders, stop_event=self._stop, recursive=recursive, debounce=200, step=50
        ):
            if found := {Path(path) for _, path in changes if concerns(Path(path))}:
                self._changed |= found
                self._event.set()

    async def wait(self) -> None:
        """Wait until something has changed."""
        await self._event.wait()

    def take(self) -> set[Path]:
        """Return what has changed since it was asked last."""
        self._event.clear()
        changed, self._changed = self._changed, set()
        return changed


def not_python(changed: Iterable[Path]) -> list[Diagnostic]:
    """Return the faults of the changed files that Python cannot read."""
    faults: list[Diagnostic] = []
    for path in sorted(changed):
        if path.suffix != ".py":
            continue
        try:
            ast.parse(path.read_bytes(), str(path))
        except OSError:
            continue  # gone again, which importing will tell if it matters
        except (SyntaxError, ValueError) as error:
            faults.append(_fault(path, error))
    return faults


def _fault(path: Path, error: SyntaxError | ValueError) -> Diagnostic:
    place = syntax_place(error) if isinstance(error, SyntaxError) else None
    return Diagnostic(
        code="H0102",
        title=f"{place.location if place else path} is not valid python",
        place=place,
        label=error.msg if isinstance(error, SyntaxError) else str(error),
        helps=("correct the line; hardy dev sees the change",),
    )
