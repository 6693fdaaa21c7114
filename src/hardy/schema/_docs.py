"""Reads what users write about their fields: the string below a field, or the description of its ``Meta``."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterable
from functools import lru_cache

import msgspec


def attribute_docs(cls: type) -> dict[str, str]:
    """Return the string below each annotated field of *cls* and its parents.

    Example:
        >>> attribute_docs(dict)
        {}
    """
    found: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        if parent.__module__ not in {"builtins", "typing", "msgspec", "pydantic.main"}:
            found.update(_own(parent))
    return found


@lru_cache(maxsize=1024)  # a class keeps its source, and finding it parses the whole module
def _own(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}  # made at run time, or typed into a console: no source to read
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def doc_in(metadata: Iterable[object]) -> str:
    """Return the description that ``Annotated`` metadata carries."""
    for each in metadata:
        if isinstance(each, msgspec.Meta) and each.description:
            return each.description
        documentation = getattr(each, "documentation", None)  # typing_extensions.Doc
        if isinstance(documentation, str):
            return documentation
    return ""


def class_doc(cls: type) -> str:
    """Return what the author wrote about the class itself, not what a library filled in."""
    doc = cls.__dict__.get("__doc__")
    if not isinstance(doc, str) or doc.startswith(f"{cls.__name__}("):
        return ""
    return inspect.cleandoc(doc)
