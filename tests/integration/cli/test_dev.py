"""`hardy dev`: every change is served, a broken one changes nothing, and nobody is refused meanwhile."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

PORTS = ("--port", "0", "--grpc-port", "0", "--admin-port", "0")


def buy(where: str) -> int:
    """Buy something over REST and return the version of the code that sold it."""
    host, _, port = where.rpartition(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
        connection.request("POST", "/purchases", '{"sku": "tea"}', {"content-type": "application/json"})
        reply = connection.getresponse()
        assert reply.status == 201
        return json.loads(reply.read())["version"]


def test_a_change_is_served_without_refusing_anybody(start, project, edit, done):
    process = start("dev", *PORTS)
    places = process.places()
    versions: list[int] = []
    failures: list[Exception] = []
    enough = threading.Event()

    def keep_buying() -> None:
        while not enough.is_set():
            try:
                versions.append(buy(places["http"]))
            except Exception as error:
                failures.append(error)

    buyer = threading.Thread(target=keep_buying)
    buyer.start()
    try:
        edit("VERSION = 1", "VERSION = 2")
        process.wait_for("reloaded in ")
        edit("VERSION = 2", "VERSION = 3")
        process.wait_for("reloaded in ", times=2)
    finally:
        enough.set()
        buyer.join()
    assert failures == []
    assert set(versions) <= {1, 2, 3}
    process.wait_for('"event":"drained"', times=2)
    assert buy(places["http"]) == 3
    by_grpc = done(project, "call", "--grpc", "--at", places["grpc"], "buy", '{"sku": "tea"}')
    assert json.loads(by_grpc.stdout)["version"] == 3
    assert process.end(signal.SIGINT) == 0


def test_what_is_no_python_is_shown_and_the_old_code_goes_on(start, edit):
    process = start("dev", *PORTS)
    where = process.places()["http"]
    edit("VERSION = 1", "VERSION = (2")
    process.wait_for("kept the running version")
    assert buy(where) == 1
    text = "".join(process.lines)
    assert "error[H0102]: src/shop/app.py:10 is not valid python" in text
    assert "10 | VERSION = (2\n" in text
    assert "   |           ^ '(' was never closed\n" in text

    edit("VERSION = (2", "VERSION = missing")
    process.wait_for("kept the running version", times=2)
    assert buy(where) == 1
    assert "NameError: name 'missing' is not defined" in "".join(process.lines)

    edit("VERSION = missing", "VERSION = 3")
    process.wait_for("reloaded in ")
    process.wait_for('"event":"drained"')
    assert buy(where) == 3


def test_a_service_that_has_ended_starts_again_with_the_next_change(start, edit):
    process = start("dev", *PORTS)
    where = process.places()["http"]
    os.kill(child_of(process.popen.pid), signal.SIGKILL)
    process.wait_for("the service has ended with exit code 137")
    edit("VERSION = 1", "VERSION = 2")
    process.wait_for("reloaded in ")
    assert buy(where) == 2


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_service_that_cannot_start_at_all_ends_it_with_the_reason(start, edit):
    edit("VERSION = 1", "VERSION = missing")
    process = start("dev", *PORTS)
    assert process.wait() == 7
    process.wait_for("error[H0102]")


def test_nothing_is_left_when_it_is_killed(start):
    process = start("dev", *PORTS)
    process.places()
    child = child_of(process.popen.pid)
    process.popen.kill()
    process.wait()  # whatever holds its output has ended when this returns
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_a_call_that_does_not_end_is_cut(start, edit):
    edit(
        "for number in range(upto):",
        "yield Receipt(0, '')\n    import asyncio\n    await asyncio.sleep(600)\n    for number in range(upto):",
    )
    process = start("dev", *PORTS)
    host, _, port = process.places()["http"].rpartition(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
        connection.request("GET", "/count?upto=1", headers={"accept": "application/x-ndjson"})
        reply = connection.getresponse()
        assert reply.readline()
        assert process.end(signal.SIGINT) == 0  # it would take ten minutes
    drained = json.loads(process.wait_for('"event":"drained"'))
    assert (drained["streams"], drained["finished"]) == (1, 0)


def test_an_address_in_use_is_told_as_by_run(start):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("dev", *PORTS, "--grpc-port", str(taken.getsockname()[1]))
        assert process.wait() == 4
        process.wait_for("error[H0301]")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_it_ends_in_peace(start, number):
    process = start("dev", *PORTS)
    process.places()
    assert process.end(number) == 0
    process.wait_for('"event":"drained"')


def test_without_watchfiles_it_says_what_to_install(project):
    program = "import sys; sys.modules['watchfiles'] = None; from hardy.tools.cli import main; sys.exit(main(['dev']))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: hardy dev needs watchfiles. Install it with: pip install 'hardy[dev]'\n"
