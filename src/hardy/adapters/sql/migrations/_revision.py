"""Revisions written in Python with Alembic's operations, and such that Alembic writes itself.

Nothing here is imported before there is such a revision to run: Alembic and
SQLAlchemy take longer to import than most services take to start.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal, cast

from hardy.adapters.sql.migrations import _faults
from hardy.adapters.sql.migrations._migration import Migration
from hardy.core import BuildFailed

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData
    from sqlalchemy.schema import SchemaItem

Direction = Literal["upgrade", "downgrade"]


def require_alembic() -> None:
    """Refuse to go on without Alembic, naming the remedy.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import alembic  # noqa: F401  # pyright: ignore[reportUnusedImport]  # only whether it is there
    except ModuleNotFoundError as error:
        raise ImportError("a revision in Python needs alembic. Install it with: pip install 'hardy[sql]'") from error


def function_of(migration: Migration, direction: Direction) -> Callable[[], object]:
    """Import the file of *migration* and return its ``upgrade`` or ``downgrade``.

    Raises:
        BuildFailed: It has no such function (H0502, H0507), or cannot be imported (H0505).
    """
    assert migration.path is not None
    require_alembic()
    try:
        module = _import(migration.path)
    except Exception as error:  # the user's code: whatever it raises, the revision cannot be run
        line = line_of(error, migration.path)
        raise BuildFailed([_faults.failed(migration, line, said(error), kept="nothing was executed")]) from error
    function: object = getattr(module, direction, None)
    if callable(function):
        return cast("Callable[[], object]", function)
    if direction == "downgrade":
        raise BuildFailed([_faults.no_way_down(migration)])
    raise BuildFailed([_faults.unreadable(migration.path, "has no function `upgrade`")])


def _import(path: Path) -> ModuleType:
    name = f"hardy_migration_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is executed
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def execute(function: Callable[[], object], connection: "Connection") -> None:
    """Run *function* with ``alembic.op`` meaning *connection*."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    with Operations.context(MigrationContext.configure(connection)):
        function()


def draft(connection: "Connection", metadata: object) -> tuple[str, str]:
    """Return the bodies of ``upgrade`` and ``downgrade`` that lead from what is there to *metadata*."""
    from alembic.autogenerate import produce_migrations, render_python_code
    from alembic.runtime.migration import MigrationContext

    def is_theirs(item: "SchemaItem", name: str | None, kind: str, reflected: bool, other: object) -> bool:  # noqa: FBT001  # Alembic's shape
        return not (kind == "table" and reflected and other is None and str(name).startswith("hardy_"))

    options = {
        "include_object": is_theirs,
        "compare_type": True,
        "render_as_batch": connection.dialect.name == "sqlite",
    }
    context = MigrationContext.configure(connection, opts=options)
    script = produce_migrations(context, cast("MetaData", metadata))
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    batch = bool(options["render_as_batch"])
    ways = (script.upgrade_ops, script.downgrade_ops)
    up, down = (render_python_code(each, render_as_batch=batch, migration_context=context) for each in ways)
    return _without_remarks(up), _without_remarks(down)


def _without_remarks(body: str) -> str:
    """Return a body without Alembic's remarks around it, ``pass`` where nothing else is left."""
    return "\n".join(each for each in body.split("\n") if "# ###" not in each).strip("\n").strip() or "pass"


def said(error: BaseException) -> str:
    """Return what an error says in one line; what SQLAlchemy wraps around the database's words is left out."""
    cause: object = getattr(error, "orig", None)
    if isinstance(cause, BaseException):
        return said(cause.__cause__ or cause)
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def line_of(error: BaseException, path: Path) -> int:
    """Return the line of *path* that an error came through; 0 when it came from elsewhere."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
