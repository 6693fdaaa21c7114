"""The program as a shell starts it: what it costs, and its exit code."""

import json
import os
import subprocess
import sys

import pytest


def cpu_of(command: list[str]) -> float:
    """Return the seconds of CPU, user and system, that a program takes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_takes_at_most_250_ms_of_cpu(hardy_program, flag):
    assert min(cpu_of([hardy_program, flag]) for _ in range(5)) <= 0.25


@pytest.mark.parametrize("argument", ["--help", "--version", "dve"])
def test_help_loads_nothing_that_only_a_command_needs(argument):
    program = (
        "import json, sys; from hardy.tools.cli import main; main(sys.argv[1:]);"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, argument], capture_output=True, text=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    heavy = {"typer", "rich", "pydantic", "grpc", "google.protobuf", "msgspec", "asyncio", "watchfiles", "structlog"}
    assert loaded & (heavy | {"hardy.app", "hardy.core", "hardy.transport", "hardy.config"}) == set()


def test_the_module_is_the_program(hardy_program, tmp_path):
    outputs = [
        subprocess.run([*command, "--help"], capture_output=True, text=True, cwd=tmp_path).stdout
        for command in ([hardy_program], [sys.executable, "-m", "hardy"])
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith("Usage: hardy ")


def test_a_wrong_command_ends_with_2(done, tmp_path):
    ended = done(tmp_path, "dve")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[0] == 'error: no command "dve"; the closest is "dev"'


def test_output_that_nobody_reads_is_no_error(hardy_program, project):
    shell = f"{hardy_program} show config | head -1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", shell], cwd=project, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
