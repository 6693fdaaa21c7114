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
