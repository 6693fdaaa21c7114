"""SIGTERM with calls in flight: whoever is in gets the answer, nobody new comes in, and the exit code is 0."""

import json
import signal

import pytest

SERVICE = '''
import asyncio
from pathlib import Path

from hardy import App, Settings, public, run
from hardy.transport import grpc, http


async def wait(name: str) -> str:
    """Answer when the file is there."""
    Path(f"{name}.began").touch()
    while not Path(name).exists():
        await asyncio.sleep(0.005)
    return f"{name} is there"


def build(settings: Settings) -> App:
    app = App("waiting", settings)
    app.expose(wait, http.post("/wait/{name}"), grpc.service("waiting.v1.Waiting")("Wait"), allow=public)
    return app


if __name__ == "__main__":
    run(build)
'''
RUN = "python waiting.py --environment dev --port 0 --grpc-port 0 --admin-port 0"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "waiting.py").write_text(SERVICE)
    return tmp_path


@pytest.fixture
def until(shell):
    """Return once a file is there."""
    return lambda *paths: [shell(f"until test -e {path}; do sleep 0.01; done") for path in paths]


def event(program, name: str) -> dict:
    """The event *name* that the program logged."""
    (found,) = [each for each in map(json.loads, program.said["stdout"]) if each["event"] == name]
    return found


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP], ids=["sigterm", "a terminal that closes"])
def test_calls_in_flight_are_answered_and_the_exit_is_clean(start, shell, folder, until, told):
    program = start(RUN, folder)
    places = program.started()
    rest = start(f"curl -s -X POST http://{places['http']}/wait/rest", folder)
    call = f"buf curl --protocol grpc --http2-prior-knowledge http://{places['grpc']}/waiting.v1.Waiting/Wait"
    rpc = start(f"""{call} -d '{{"name": "rpc"}}'""", folder)
    until("rest.began", "rpc.began")

    program.process.send_signal(told)
    shell(f"until curl -s http://{places['admin']}/readyz | grep -q '\"ok\":false'; do sleep 0.01; done")
    (folder / "rest").touch()
    (folder / "rpc").touch()

    rest.wait_for("rest is there")
    rpc.wait_for("rpc is there")
    assert (rest.wait(), rpc.wait(), program.wait()) == (0, 0, 0), program.told()
    drained = event(program, "drained")
    assert (drained["finished"], drained["stuck"]) == (2, [])


def test_a_second_signal_does_not_wait(start, folder, until):
    program = start(RUN, folder)
    places = program.started()
    rest = start(f"curl -s -X POST http://{places['http']}/wait/rest", folder)
    until("rest.began")

    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGINT)

    assert program.wait() == 0, program.told()
    rest.wait()
    drained = event(program, "drained")
    assert (drained["forced"], len(drained["stuck"])) == (True, 1)


def test_who_was_told_to_outlive_the_terminal_does(start, folder, until):
    program = start(f"nohup {RUN}", folder)
    places = program.started()
    program.process.send_signal(signal.SIGHUP)
    rest = start(f"curl -s -X POST http://{places['http']}/wait/rest", folder)
    until("rest.began")
    (folder / "rest").touch()
    rest.wait_for("rest is there")
    rest.wait()
    program.process.send_signal(signal.SIGTERM)
    assert program.wait() == 0, program.told()
