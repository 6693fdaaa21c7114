"""Where a setting is declared and what stands there: read from source, only when somebody asks."""

import ast
import inspect
import linecache
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

from hardy.core import Place


@dataclass(frozen=True, slots=True)
class Declaration:
    """One field of a class in its source file."""

    place: Place | None = None
    doc: str = ""


def declaration_of(owner: type, name: str) -> Declaration:
    """Return the line and the attribute docstring of a field, looking through the parents of *owner*.

    A class without source, such as one typed into a console, has neither.
    """
    return _fields(declaring(owner, name)).get(name, Declaration())


def declaring(cls: type, name: str) -> type:
    """Return the class that declares field *name* of *cls*: itself or a parent."""
    return next((each for each in cls.__mro__ if name in vars(each).get("__annotations__", {})), cls)


def summary(doc: str) -> str:
    """Return the first paragraph of *doc* on one line."""
    return " ".join(inspect.cleandoc(doc).partition("\n\n")[0].split())


def own_doc(cls: type) -> str:
    """Return the docstring that *cls* itself was given, not the signature that a dataclass writes."""
    doc: object = vars(cls).get("__doc__")
    return doc if isinstance(doc, str) and not doc.startswith(f"{cls.__name__}(") else ""


@lru_cache(maxsize=64)  # a class has one source, and is asked about once for each of its fields
def _fields(cls: type) -> Mapping[str, Declaration]:
    for module in _modules(cls):
        if (node := _class_in(module, cls)) is not None:
            return dict(_declarations(node, module.__file__ or "?"))
    return {}


def _modules(cls: type) -> Iterator[ModuleType]:
    """Yield the modules that *cls* may be written in: its own, and the private files of a package that offers it."""
    for name, module in list(sys.modules.items()):
        if name == cls.__module__ or (name.startswith(f"{cls.__module__}._") and vars(module).get(cls.__name__) is cls):
            yield module


def _class_in(module: ModuleType, cls: type) -> ast.ClassDef | None:
    try:
        nodes = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.ClassDef)]
    except (OSError, TypeError, SyntaxError):
        return None
    fields = set(vars(cls).get("__annotations__", {}))
    # Two functions of one file may each have a class of this name: the fields tell which one it is.
    same = (node for node in nodes if node.name == cls.__name__ and {name for name, _, _ in _annotated(node)} == fields)
    return next(same, None)


def _annotated(node: ast.ClassDef) -> Iterator[tuple[str, ast.AnnAssign, ast.stmt | None]]:
    """Yield each annotated name of a class with its statement and the statement after it."""
    for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement, following


def _declarations(node: ast.ClassDef, file: str) -> Iterator[tuple[str, Declaration]]:
    linecache.checkcache(file)
    for name, statement, following in _annotated(node):
        place = Place.of_line(file, statement.lineno, highlight=name)
        yield name, Declaration(place, _docstring(following))


def _docstring(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return summary(statement.value.value) if isinstance(statement.value.value, str) else ""
    return ""
