"""Several workers behave like one service: one address, one admin port, one shutdown, and nobody who asks notices."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import pytest

SERVICE = '''
import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import hardy
from hardy import App, public, run
from hardy.transport import http

Path(f"imported.{os.getpid()}").touch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.Settings):
    prefix: ClassVar[str] = "CREW"
    greeting: str = "hello"


async def greet() -> str:
    """Say who answers."""
    return f"{GREETING} {os.getpid()}"


async def wait(name: str) -> str:
    """Answer when the file is there."""
    Path(f"{name}.began").touch()
    while not Path(name).exists():
        await asyncio.sleep(0.005)
    return f"{name} is there"


class Mood:
    async def __aenter__(self) -> None:
        if Path("crash").exists():
            os._exit(9)
        if Path("unreachable").exists():
            raise ConnectionRefusedError("nobody listens at db:5432")

    async def __aexit__(self, *error: object) -> None: ...

    async def ping(self) -> None:
        if Path("sick").exists():
            raise RuntimeError("not today")


def build(settings: Settings) -> App:
    global GREETING
    GREETING = settings.greeting
    app = App("crew", settings)
    app.manage(Mood())
    app.expose(greet, http.get("/greet"), allow=public)
    app.expose(wait, http.post("/wait/{name}"), allow=public)
    return app


if __name__ == "__main__":
    run(build)
'''
FLAGS = "--environment dev --port 0 --admin-port 0"
RUN = f"hardy run crew:build {FLAGS} --workers 2"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "crew.py").write_text(SERVICE)
    return tmp_path


def ask(address: str, path: str, method: str = "GET") -> tuple[int, object]:
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def statistics(places) -> dict:
    return ask(places["admin"], "/statistics")[1]


def eventually(condition):
    end = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)
    return found


def events(program, name: str) -> list[dict]:
    lines = [json.loads(line) for line in program.said["stdout"] if line.startswith("{")]
    return [each for each in lines if each["event"] == name]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Asking:
    """Asks again and again, half of the time on a kept connection, until it is over."""

    def __init__(self, address: str) -> None:
        self.answers: list[str] = []
        self.failed: list[BaseException] = []
        self._address = address
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(keeps,)) for keeps in (True, False)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, keeps: bool) -> None:
        connection = HTTPConnection(self._address, timeout=10)
        while not self._over.is_set():
            try:
                connection.request("GET", "/greet")
                reply = connection.getresponse()
                self.answers.append(json.loads(reply.read()))
                if not keeps:
                    connection.close()
            except BaseException as error:
                self.failed.append(error)
                connection.close()
            time.sleep(0.005)
        connection.close()


def test_workers_share_the_addresses_and_the_parent_answers_for_all(start, folder):
    program = start(RUN, folder)
    places = program.started()
    workers = set(places["pids"])

    with Asking(places["http"]) as asking:
        eventually(lambda: {int(each.split()[1]) for each in asking.answers} == workers)
    assert asking.failed == []

    assert ask(places["admin"], "/readyz") == (200, {"ok": True, "state": "serving", "failing": []})
    assert (ask(places["admin"], "/livez")[0], ask(places["admin"], "/startupz")[0]) == (200, 200)
    assert ask(places["admin"], "/info")[1]["service"] == "crew"
    said = statistics(places)
    each = [worker["statistics"]["http"]["requests"] for worker in said["workers"]]
    assert said["total"]["http"]["requests"] == sum(each) == len(asking.answers)
    assert all(each)
    assert {worker["pid"] for worker in said["workers"]} == workers
    assert said["parent"]["pid"] == program.process.pid
    # The parent has not imported the service.
    assert {int(file.suffix[1:]) for file in folder.glob("imported.*")} == workers
    assert program.end(signal.SIGTERM) == 0
    assert all(map(is_gone, workers))


def test_a_worker_that_is_killed_is_replaced_and_leaves_no_zombie(start, folder):
    program = start(RUN, folder)
    places = program.started()
    victim, other = places["pids"]

    os.kill(victim, signal.SIGKILL)
    assert ask(places["http"], "/greet") == (200, f"hello {other}")
    new = eventually(lambda: {w["pid"] for w in statistics(places)["workers"] if w["ready"]} - {victim, other})

    assert statistics(places)["parent"]["crashed"] == 1
    ended = json.loads(program.wait_for('"event":"worker ended"'))
    assert (ended["pid"], ended["signal"]) == (victim, "SIGKILL")
    assert not Path(f"/proc/{victim}").exists()
    assert ask(places["admin"], "/readyz")[0] == 200
    assert program.end(signal.SIGTERM) == 0
    assert all(map(is_gone, new | {other}))


def test_the_service_is_ready_while_enough_workers_are(start, folder):
    program = start(RUN, folder)
    places = program.started()

    (folder / "sick").touch()
    _, told = eventually(lambda: (said := ask(places["admin"], "/readyz"))[0] == 503 and said)
    assert told["state"] == "serving"
    assert told["failing"] == ["workers"]
    eventually(lambda: {"Mood"} == {name for each in statistics(places)["workers"] for name in each.get("failing", ())})
    (folder / "sick").unlink()
    eventually(lambda: ask(places["admin"], "/readyz")[0] == 200)
    assert program.end(signal.SIGTERM) == 0


def test_workers_that_do_not_stay_are_given_up(start, folder):
    parent = f"""
import asyncio, sys
from hardy.app import Workers
from hardy.lifecycle import Restart

async def run():
    command = [sys.executable, "crew.py", *{FLAGS.split()!r}]
    return await Workers(command, 2, restart=Restart(first=0.01, most=0.02, attempts=3)).run()

sys.exit(asyncio.run(run()))
"""
    (folder / "parent.py").write_text(parent)
    (folder / "crash").touch()

    program = start([sys.executable, "parent.py"], folder)

    assert program.wait() == 1
    (given_up,) = events(program, "giving up: workers do not stay")
    assert (given_up["ends"], given_up["ready"]) == (3, 0)
    assert {each["code"] for each in events(program, "worker ended")} == {9}


@pytest.mark.parametrize(
    ("wrong", "code", "told"),
    [
        ("configuration", 3, "H0202"),
        ("code", 7, "H0102"),
        ("need", 5, "H0402"),
        ("number", 2, '"none" is no number of workers'),
    ],
)
def test_a_service_that_cannot_start_says_so_once(start, folder, wrong, code, told):
    command = RUN
    variables = {}
    if wrong == "configuration":
        variables["CREW_LIMITS__TIMEOUT"] = "soon"
    elif wrong == "code":
        (folder / "crew.py").write_text("import nothing_like_it\n")
    elif wrong == "need":
        (folder / "unreachable").touch()
    else:
        command = command.replace("--workers 2", "--workers none")

    program = start(command, folder, **variables)

    assert program.wait() == code, program.told()
    assert program.told().count(f"error[{told}]" if told.startswith("H") else told) == 1


def test_what_is_in_one_process_s_memory_is_refused_beside_others_in_production(start, folder):
    source = (folder / "crew.py").read_text()
    source = source.replace("app.manage(Mood())", "app.manage(Database(DatabaseSettings(url='sqlite:///:memory:')))")
    (folder / "crew.py").write_text(f"from hardy.adapters.sql import Database, DatabaseSettings\n{source}")

    program = start(RUN.replace("--environment dev", "--environment production --host 127.0.0.1"), folder)

    assert program.wait() == 7, program.told()
    assert "error[H0662]: 2 workers have to share `Database`" in program.told()


def test_probes_of_all_workers_are_served_over_tls(start, folder, authority):
    certificate, key = authority.issue("localhost", "localhost", "127.0.0.1")
    tls = {"CREW_ADMIN__TLS__CERTIFICATE": str(certificate), "CREW_ADMIN__TLS__KEY": str(key)}
    program = start(RUN, folder, **tls)
    host, port = program.started()["admin"].split(":")

    connection = HTTPSConnection(host, int(port), context=authority.client(), timeout=10)
    connection.request("GET", "/readyz")
    assert connection.getresponse().status == 200
    connection.close()


def test_a_port_in_use_is_told_with_its_holder(start, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = start(RUN.replace("--admin-port 0", f"--admin-port {port}"), folder)
        assert program.wait() == 4
    assert f"error[H0301]: port {port} is already in use" in program.told()
    assert "--admin-port 0" in program.told()


def test_a_roll_takes_new_configuration_and_loses_nothing(start, folder):
    program = start(RUN, folder)
    places = program.started()
    former = set(places["pids"])

    with Asking(places["http"]) as asking:
        eventually(lambda: len(asking.answers) > 20)
        (folder / "crew.toml").write_text('greeting = "welcome"\n')
        program.process.send_signal(signal.SIGHUP)
        program.wait_for('"event":"replaced workers"')
        eventually(lambda: all(map(is_gone, former)))
        eventually(lambda: asking.answers[-1].startswith("welcome"))
        before = len(asking.answers)
        eventually(lambda: len(asking.answers) > before + 20)

    assert asking.failed == []
    assert {each.split()[0] for each in asking.answers[before:]} == {"welcome"}
    said = statistics(places)
    assert (said["parent"]["rolls"], said["parent"]["crashed"]) == (1, 0)
    assert not former & {worker["pid"] for worker in said["workers"]}
    assert program.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("crew.toml", 'greting = "welcome"\n[limits]\ntimeout = "soon"\n', ["greting", "timeout"]),
        ("crew.py", "from hardy import nothing_like_it\n", ["H0102"]),
        pytest.param("unreachable", "", ["nobody listens at db:5432"], marks=pytest.mark.slow),
    ],
    ids=["configuration", "code", "need"],
)
def test_a_roll_to_what_is_wrong_changes_nothing_and_logs_every_fault(start, folder, file, text, told):
    program = start(RUN, folder)
    places = program.started()

    (folder / file).write_text(text)
    program.process.send_signal(signal.SIGHUP)
    line = json.loads(program.wait_for("not replaced"))

    assert all(each in line["faults"] for each in told), line
    assert ask(places["admin"], "/readyz")[0] == 200
    assert ask(places["http"], "/greet")[0] == 200
    assert {worker["pid"] for worker in statistics(places)["workers"] if worker["ready"]} == set(places["pids"])
    assert program.end(signal.SIGTERM) == 0


def test_a_shutdown_is_one_for_all_workers(start, folder):
    program = start(f"{RUN} --drain-delay 0.5s", folder)
    places = program.started()
    waiting = [threading.Thread(target=ask, args=(places["http"], f"/wait/{name}", "POST")) for name in "abcd"]
    for each in waiting:
        each.start()
    eventually(lambda: len(list(folder.glob("*.began"))) == 4)

    program.process.send_signal(signal.SIGTERM)
    # Red at once, while everybody is served still.
    eventually(lambda: ask(places["admin"], "/readyz") == (503, {"ok": False, "state": "draining", "failing": []}))
    assert ask(places["http"], "/greet")[0] == 200
    for name in "abcd":
        (folder / name).touch()

    assert program.wait() == 0, program.told()
    for each in waiting:
        each.join()
    drained = events(program, "drained")[-1]
    assert (drained["workers"], drained["finished"], drained["stuck"]) == (2, 4, [])


def test_a_second_signal_hurries_every_worker_and_names_who_is_stuck(start, folder):
    program = start(RUN, folder)
    places = program.started()
    waiting = threading.Thread(target=ask, args=(places["http"], "/wait/never", "POST"))
    waiting.start()
    eventually((folder / "never.began").exists)

    program.process.send_signal(signal.SIGTERM)
    eventually(lambda: ask(places["admin"], "/readyz")[0] == 503)
    program.process.send_signal(signal.SIGTERM)

    assert program.wait() == 0, program.told()
    waiting.join()
    drained = events(program, "drained")[-1]
    assert drained["forced"] is True
    assert len(drained["stuck"]) == 1
    assert drained["stuck"][0].startswith("wait ")


@pytest.mark.slow
def test_a_worker_whose_loop_is_stuck_is_killed_at_the_deadline_and_named(start, folder):
    source = (folder / "crew.py").read_text()
    (folder / "crew.py").write_text(source.replace("await asyncio.sleep(0.005)", "__import__('time').sleep(600)"))
    program = start(f"{RUN} --drain-timeout 0.3s", folder)
    places = program.started()

    def wait() -> None:
        with contextlib.suppress(OSError, HTTPException):
            ask(places["http"], "/wait/never", "POST")

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually((folder / "never.began").exists)

    assert program.end(signal.SIGTERM) == 1  # and it does not wait for ten minutes
    waiting.join()
    drained = events(program, "drained")[-1]
    assert len(drained["killed"]) == 1
    assert drained["seconds"] >= 0.3 + 5
    assert set(drained["killed"]) < set(places["pids"])


def test_a_stop_in_the_middle_of_a_roll_is_a_stop(start, folder):
    program = start(f"{RUN} --drain-delay 0.3s", folder)
    places = program.started()

    with Asking(places["http"]) as asking:
        program.process.send_signal(signal.SIGHUP)
        program.wait_for('"event":"replacing workers"')
        eventually(lambda: len(statistics(places)["workers"]) > 2)
        before = len(asking.answers)
        program.process.send_signal(signal.SIGTERM)
        eventually(lambda: asking.failed)

    assert len(asking.answers) > before
    assert {type(error) for error in asking.failed} == {ConnectionRefusedError}
    assert program.wait() == 0, program.told()


def test_workers_end_in_order_when_their_parent_is_gone(start, folder):
    program = start(RUN, folder)
    places = program.started()
    answer: list[object] = []
    waiting = threading.Thread(target=lambda: answer.append(ask(places["http"], "/wait/it", "POST")))
    waiting.start()
    eventually((folder / "it.began").exists)

    program.process.kill()
    program.process.wait()
    (folder / "it").touch()
    waiting.join()

    assert answer == [(200, "it is there")]
    eventually(lambda: all(map(is_gone, places["pids"])))


def test_workers_share_a_path(start, folder):
    path = folder / "crew.sock"
    program = start(RUN, folder, CREW_HTTP__SOCKET=str(path))
    program.started()

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /greet HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 ")

    assert program.end(signal.SIGTERM) == 0
    assert not path.exists()


def test_a_service_s_own_program_takes_workers_too(start, folder):
    program = start(f"python crew.py {FLAGS} --workers 2", folder)
    places = program.started()

    assert len(set(places["pids"]) | {program.process.pid}) == 3
    command = Path(f"/proc/{program.process.pid}/cmdline").read_text()
    assert "hardy.app._workers_main" in command
    assert ask(places["http"], "/greet")[0] == 200
    assert program.end(signal.SIGINT) == 0


def test_as_the_first_process_of_a_container_it_takes_care_of_orphans(start, folder):
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with contextlib.suppress(OSError):
        if subprocess.run([*apart, "true"], capture_output=True).returncode == 0:
            program = start(f"{' '.join(apart)} {RUN}", folder)
            places = program.started()
            assert statistics(places)["parent"]["pid"] == 1
            inside = subprocess.run(["pgrep", "-P", str(program.process.pid)], capture_output=True, text=True).stdout
            orphan = f"nsenter -t {inside.strip()} -p -m sh -c '(sleep 0.1 &) ; sleep 0.5; ps -eo stat,comm'"
            listed = subprocess.run(orphan, shell=True, capture_output=True, text=True).stdout
            assert listed.count("hardy") + listed.count("python") >= 3
            assert "Z" not in [line.split()[0][0] for line in listed.splitlines()]
            os.kill(int(inside), signal.SIGTERM)
            assert program.wait() == 0
            return
    pytest.skip("this machine makes no namespaces")
