"""Runs what the documentation shows: pages through Sybil, docstrings as doctests, both with top-level ``await``."""

import ast
import asyncio
import contextvars
import doctest
import importlib
import inspect
import io
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Self

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]
)


class Reader:
    """Types the examples of one page or docstring into one interpreter, in order.

    One event loop and one context serve all of them, as in ``python -m asyncio``, so that an example may
    open what a later one closes.
    """

    def __init__(self, namespace: dict[str, object]) -> None:
        self.namespace = namespace
        self.context = contextvars.copy_context()
        self.runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.runner.close()

    def run(self, source: str, file: str, mode: str) -> None:
        """Execute *source*, on the event loop when it awaits at the top level."""
        code = compile(source, file, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if code.co_flags & inspect.CO_COROUTINE:
            self.runner.run(FunctionType(code, self.namespace)(), context=self.context)
        else:
            self.context.run(exec, code, self.namespace)

    def type_in(self, example: doctest.Example, where: str) -> None:
        """Execute one ``>>>`` example and compare what it prints, or raises, with what is written below it."""
        printed, hook, sys.displayhook = io.StringIO(), sys.displayhook, sys.__displayhook__
        try:
            with redirect_stdout(printed):
                self.run(example.source, where, "single")
        except Exception as error:
            if example.exc_msg is None:
                raise
            got, wanted = last_line(error), without_module(example.exc_msg)
        else:
            got, wanted = printed.getvalue(), example.want
        finally:
            sys.displayhook = hook
        flags = OPTIONS | sum(flag for flag, on in example.options.items() if on)
        checker = doctest.OutputChecker()
        if not checker.check_output(wanted, got, flags):
            difference = checker.output_difference(doctest.Example(example.source, wanted), got, flags)
            pytest.fail(f"{where}\n{example.source}{difference}", pytrace=False)


def last_line(error: Exception) -> str:
    """``NotFound: no such order``, however long the name of its module is."""
    return without_module("".join(traceback.format_exception_only(error)))


def without_module(line: str) -> str:
    return re.sub(r"^(\w+\.)+(?=\w+(:|$))", "", line)


def docstrings() -> Iterator[tuple[str, str, str]]:
    """Module, name and text of every docstring in hardy that shows an example."""
    for file in sorted((SOURCE / "hardy").rglob("*.py")):
        if "_pb2" not in file.name:
            parts = file.relative_to(SOURCE).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield from ((module, name, text) for name, text in documented(ast.parse(file.read_text()), ""))


def documented(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = ast.get_docstring(node)
        if text and ">>>" in text:
            yield name, text
        for child in node.body:
            yield from documented(child, f"{name}.{getattr(child, 'name', '')}".strip("."))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``page`` or ``docstring`` once for each there is."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
    if "docstring" in metafunc.fixturenames:
        found = list(docstrings())
        metafunc.parametrize("docstring", found, ids=[f"{module}:{name}".rstrip(":") for module, name, _ in found])


@pytest.fixture
def reader_of_docstring(docstring: tuple[str, str, str]) -> Iterator[Reader]:
    module, _, _ = docstring
    with Reader(dict(vars(importlib.import_module(module)))) as reader:
        yield reader


@pytest.fixture
def reader_of_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A page is a module of its own, in an empty folder: annotations resolve as in a file."""
    module = ModuleType(re.sub(r"\W", "_", page.stem))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    with Reader(vars(module)) as reader:
        yield reader
