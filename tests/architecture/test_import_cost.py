"""Importing hardy costs nothing that the importer has not asked for."""

import pytest


@pytest.mark.parametrize(
    "heavy",
    [
        "aiosqlite",
        "click",
        "google.protobuf",
        "grpc",
        "hardy.adapters",
        "hardy.server",
        "hardy.tools",
        "hardy.transport",
        "httptools",
        "joserfc",
        "msgspec",
        "pydantic",
        "sqlalchemy",
        "structlog",
        "uvloop",
    ],
)
def test_import_hardy_does_not_load(heavy, loaded_by):
    assert heavy not in loaded_by("import hardy")


def test_import_core_starts_no_machinery(loaded_by):
    outside = {
        name for name in loaded_by("import hardy.core") if name.split(".")[0] in {"msgspec", "structlog", "grpc"}
    }
    assert outside == set()


@pytest.mark.parametrize("unused", ["email", "grpc", "html", "httptools", "rich", "structlog", "tempfile", "zipfile"])
def test_a_service_with_rest_alone_does_not_load(unused, loaded_by):
    # What they take, a megabyte each, every process of every service would pay.
    service = """
from hardy import App, Settings, public
from hardy.app._assembly import Assembly
from hardy.app._doors import http_server, http_transport
from hardy.transport import http

async def hello(name: str) -> str: ...

app = App("hello", Settings(environment="production"))
app.expose(hello, http.get("/hello/{name}"), allow=public)
assembly = Assembly(app)
http_server(assembly, http_transport(assembly, []), [])
"""
    assert unused not in loaded_by(f"exec({service!r}, globals())")
