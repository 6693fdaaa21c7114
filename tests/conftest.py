"""Fixtures used by three or more folders of tests."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run ``async def`` tests and fixtures on asyncio, the only loop hardy supports."""
    return "asyncio"
