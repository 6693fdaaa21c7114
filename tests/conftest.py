"""Fixtures used by three or more folders of tests."""

import pytest

from certificates import Authority


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run ``async def`` tests and fixtures on asyncio, the only loop hardy supports."""
    return "asyncio"


@pytest.fixture
def authority(tmp_path):
    """Signs certificates that no machine in the world trusts, but the clients of a test do."""
    return Authority(tmp_path)
