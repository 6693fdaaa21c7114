"""The pytest plugin, used by a project of its own."""

import os
import subprocess
import sys

TESTS = """
import pytest
from hardy import App, Settings, public
from hardy.transport import grpc, http

async def hello(name: str) -> str:
    return f"hello {name}"

@pytest.fixture
def app():
    app = App("hello", Settings(environment="test"))
    app.expose(hello, http.get("/hello/{name}"), grpc.service("hello.v1.Hello")("Hello"), allow=public)
    return app

@pytest.mark.every_transport
async def test_hello(client):
    assert await client.call(hello, "you") == "hello you"

async def test_direct(client, transport):
    assert transport == "direct"
    assert await client.call(hello, "you") == "hello you"
"""

FORGETFUL = """
import pytest

@pytest.mark.every_transport
def test_nothing():
    pass
"""


def test_the_plugin_runs_a_marked_test_once_on_each_transport(tmp_path):
    tmp_path.joinpath("test_it.py").write_text(TESTS)
    tmp_path.joinpath("test_forgetful.py").write_text(FORGETFUL)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "anyio",
        "-p",
        "hardy.testing.plugin",
        "-p",
        "no:cacheprovider",
    ]
    options = ["-o", "anyio_mode=auto", "--strict-markers", "--continue-on-collection-errors", "--rootdir", tmp_path]
    done = subprocess.run(
        [*command, *options, tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert "5 passed, 1 error" in done.stdout, done.stdout
    assert "test_forgetful.py::test_nothing is marked every_transport and takes no `client`" in done.stdout
