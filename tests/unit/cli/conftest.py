"""A project on disk, and the program run in this process as a shell would run it."""

import contextlib
import importlib
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardy.tools.cli import main

SERVICE = '''
    from dataclasses import dataclass
    from typing import ClassVar

    import hardy
    from hardy import App, public
    from hardy.transport import grpc, http


    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings(hardy.Settings):
        """What the shop is told."""

        prefix: ClassVar[str] = "SHOP"


    @dataclass(frozen=True)
    class Buy:
        """Something to buy."""

        sku: str
        quantity: int = 1


    async def buy(msg: Buy) -> str:
        """Buy something."""
        return f"{msg.quantity} {msg.sku}"


    def build(settings: Settings) -> App:
        app = App("shop", settings)
        app.expose(buy, http.post("/purchases", status=201), grpc.service("shop.v1.Shop")("Buy"), allow=public)
        return app
'''


@dataclass
class Folder:
    """The root of a project."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"))
        return file

    def read(self, name: str) -> str:
        return (self.path / name).read_text()


def forget():
    for name in list(sys.modules):
        if name.partition(".")[0] in {"shop", "other"}:
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that commands work in; whatever they import is forgotten."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    forget()  # what a test elsewhere imported under these names
    yield Folder(root)
    forget()
    with contextlib.suppress(ValueError):
        sys.path_importer_cache.pop(str(root / "src"), None)


@pytest.fixture
def project(folder):
    """A sound service in `src/shop/app.py`, named in pyproject.toml."""
    folder.write("pyproject.toml", '[tool.hardy]\nservice = "shop.app:build"\n')
    folder.write("src/shop/__init__.py", "")
    folder.write("src/shop/app.py", SERVICE)
    return folder


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def hardy(capsys):
    """Run a command line; the streams are no terminals."""

    def run(*argv: str) -> Done:
        capsys.readouterr()
        code = main(list(argv))
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run
