"""`hardy drain-test` stops a service under load and tells the truth about it: of the reference service, that nothing is lost."""

import json
import re
from pathlib import Path

import pytest

ORDERS = Path(__file__).parents[2] / "examples/orders"
CALLER = "--as alice --scope orders:read"
PLACE = """--call 'place_order {"sku": "tea", "quantity": 1}'"""
QUICK = "--drain-delay 0.5s --drain-timeout 1.5s"

LOSING = '''
import os

from hardy import App, Settings, public
from hardy.transport import http


class Careless:
    async def __aenter__(self): ...

    async def __aexit__(self, *error): ...

    async def drain(self):
        os._exit(0)


async def ping() -> str:
    """Answer."""
    return "pong"


def build(settings: Settings) -> App:
    app = App("losing", settings)
    app.manage(Careless())
    app.expose(ping, http.get("/ping"), allow=public)
    return app
'''


@pytest.fixture
def drained(start, tmp_path):
    """Run drain-test on the reference service, with a database of its own, and return its report."""

    def run(flags: str) -> dict:
        database = f"sqlite:///{tmp_path / 'orders.db'}"
        command = f"hardy drain-test {CALLER} {PLACE} {QUICK} --json {flags}"
        program = start(command, ORDERS, ORDERS_DATABASE__URL=database)
        code = program.wait(patience=500)  # the report comes after the last run
        report = json.loads("\n".join(program.said["stdout"]))
        assert (code, report["clean"]) == (0, True), program.told()
        return report

    return run


def check(report: dict, *, runs: int) -> None:
    assert len(report["runs"]) == runs
    for run in report["runs"]:
        for door in ("http", "grpc", "streams"):
            counted = run[door]
            assert (counted["lost"], counted["refused"], counted["cut"]) == (0, 0, 0)
            assert counted["sent"] == counted["answered"] > 0
        assert set(run["http"]["outcomes"]) == {"200", "201"}
        assert set(run["grpc"]["outcomes"]) == {"OK"}
        assert (run["code"], run["notes"]) == (0, [])
        assert run["seconds"] >= 0.5
        assert run["red"] < 0.25


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", ["", "--workers 2"], ids=["alone", "workers"])
def test_the_reference_service_loses_nothing_in_three_runs(drained, workers):
    check(drained(f"--runs 3 {workers}"), runs=3)


@pytest.mark.timeout(120)
def test_replacing_workers_loses_nothing(drained):
    check(drained("--workers 2 --roll"), runs=1)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", ["", "--workers 2", "--workers 4", "--workers 2 --roll"])
def test_the_reference_service_loses_nothing_in_twenty_runs(drained, workers):
    check(drained(f"--runs 20 {workers}"), runs=20)


def test_what_a_service_loses_is_found_out(start, tmp_path):
    (tmp_path / "losing.py").write_text(LOSING)

    program = start("hardy drain-test losing:build", tmp_path)

    assert program.wait() == 1, program.told()
    assert "something was lost" in program.told()
    # What each client loses depends on what it was doing when the process vanished.
    assert re.search(r"the service ended after 0\.\d\d s, and its drain delay is 0\.5 s", program.told())


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        ("--roll", 2, "--roll needs --workers"),
        ("--call 'pong'", 2, 'no operation "pong"; the closest is "ping"'),
        ("--call 'ping [1]'", 2, "the message of ping is wrong"),
    ],
    ids=["roll", "operation", "message"],
)
def test_what_cannot_be_tested_is_said(start, tmp_path, flags, code, told):
    (tmp_path / "losing.py").write_text(LOSING)

    program = start(f"hardy drain-test losing:build {flags}", tmp_path)

    assert program.wait() == code, program.told()
    assert told in program.told()
