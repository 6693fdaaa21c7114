"""Docstrings as comments."""

import inspect
import re
import typing
from enum import Enum

from hardy.schema._docs import class_doc

_SECTION = re.compile(r"^(Args|Attributes|Example|Examples|Note|Raises|Returns|Yields):\s*$", re.MULTILINE)


def lines_of(text: str) -> tuple[str, ...]:
    """Return the prose of a docstring, without the sections that speak to Python programmers."""
    prose = _SECTION.split(inspect.cleandoc(text), maxsplit=1)[0].strip()
    return tuple(line.rstrip() for line in prose.splitlines())


def doc_of(type_: object) -> tuple[str, ...]:
    """Return what the author wrote about a class."""
    cls = typing.get_origin(type_) or type_
    if not isinstance(cls, type):
        return ()
    doc = class_doc(typing.cast("type[object]", cls))
    if issubclass(cls, Enum) and doc == "An enumeration.":
        return ()
    return lines_of(doc)
