"""A service's settings in a file of their own, so that messages can be compared with line numbers."""

import importlib.util
import sys
from pathlib import Path

import pytest

from hardy.config import load
from hardy.core import BuildFailed

SOURCE = '''\
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from msgspec import Meta

import hardy.config
from hardy.config import Duration, Secret, Url


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where orders are kept."""

    url: Url
    """Where the database is."""
    pool_size: Annotated[int, Meta(ge=1, le=200)] = 10
    """Most connections at once."""
    password: Secret[Annotated[str, Meta(min_length=32)]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.config.Settings):
    prefix: ClassVar[str] = "ORDERS"

    payment_url: Url
    """Base URL of the payment API."""
    jwt_secret: Secret[Annotated[str, Meta(min_length=32)]]
    """Signs access tokens."""
    database: DatabaseSettings
    wait: Duration = 30.0
    tags: list[str] = field(default_factory=list)
'''

COMPLETE = {
    "ORDERS_PAYMENT_URL": "https://pay.example.com",
    "ORDERS_JWT_SECRET": "s" * 32,
    "ORDERS_DATABASE__URL": "sqlite:///orders.db",
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working directory of the service, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def module(folder, monkeypatch):
    """Write a module beside the service and import it."""

    def module(name: str, source: str):
        (folder / f"{name}.py").write_text(source)
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, made)
        spec.loader.exec_module(made)
        return made

    return module


@pytest.fixture
def orders(module):
    """The settings class of a service, declared in ``app.py``."""
    return module("app", SOURCE).Settings


@pytest.fixture
def complete() -> dict[str, str]:
    """The variables that the service needs at least."""
    return dict(COMPLETE)


@pytest.fixture
def faults(folder):
    """Load settings that cannot be, and return what is said about it."""

    def faults(cls, environ=None, **options):
        options.setdefault("secrets_dir", "secrets")
        with pytest.raises(BuildFailed) as raised:
            load(cls, environ=environ or {}, **options)
        return raised.value.diagnostics

    return faults
