"""The project is in order: its circles, and the files that are written from its code."""

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[1]


def hardy(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hardy", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=30)


def test_the_circles_point_inward(capsys):
    assert lint_imports(str(PROJECT / "pyproject.toml"), no_cache=True, no_logo=True) == 0, capsys.readouterr().out


@pytest.mark.parametrize("what", ["proto", "openapi"])
def test_what_is_generated_matches_the_code(what):
    done = hardy("gen", what, "--check")

    assert done.returncode == 0, done.stderr


def test_nothing_is_wrong_with_the_service():
    done = hardy("check")

    assert done.returncode == 0, done.stderr
