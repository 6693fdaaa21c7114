"""The small parts of a service, one by one."""

import asyncio
import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hardy.app import App, Assembly, Listen, Service, blame, holder_of, port_in_use, run_loop
from hardy.app._address import not_permitted
from hardy.app._boot import tell_started
from hardy.app._opening import explained, taken_address
from hardy.app._tell import telling
from hardy.auth import public
from hardy.config import Settings
from hardy.core import BuildFailed, ComponentClosed, ComponentOpened, Diagnostic, Notice, TaskFailed
from hardy.resilience import BreakerClosed
from hardy.server import AddressInUse, ConnectionRefused, RequestRefused
from hardy.telemetry import make_logger
from hardy.transport import http


async def ping() -> str:
    return "pong"


# -- the holder of a port


def test_the_holder_of_a_port_is_named_with_its_age(tmp_path):
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        port = int(process.stdout.readline())
        holder = holder_of(port)
        process.communicate("\n")
    assert (holder.pid, holder.directory, holder.minutes) == (process.pid, str(tmp_path), 0)
    assert holder.command.startswith(sys.executable)
    assert holder_of(port) is None


def test_a_home_is_written_short(monkeypatch):
    monkeypatch.setenv("HOME", str(Path.cwd().parent))
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as own:
        holder = holder_of(own.getsockname()[1])
    assert holder.directory == f"~/{Path.cwd().name}"


@pytest.mark.parametrize(
    ("port", "taken", "own"),
    [
        pytest.param(8080, {8080}, 8082, id="low"),
        pytest.param(8080, {8080, 8082, 8083}, 8084, id="crowded"),
        pytest.param(65535, {65535}, 65533, id="the last one"),
    ],
)
def test_a_holder_that_cannot_be_seen_is_not_guessed(port, taken, own, monkeypatch):
    monkeypatch.setattr("hardy.app._address.holder_of", lambda port: None)
    monkeypatch.setattr("hardy.app._address._listening", lambda port: {"inode"} if port in taken else set())
    assert port_in_use(port, flag="--port", variable="SHOP_HTTP__PORT").render() == (
        f"error[H0301]: port {port} is already in use\n"
        "  held by   a process you may not inspect\n"
        "\n"
        "  help: take the next free port now      --port 0\n"
        f"  help: give this service its own port   SHOP_HTTP__PORT={own}\n"
        "  more: hardy explain H0301"
    )


def test_where_there_is_no_proc_nobody_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("hardy.app._address._PROC", tmp_path)
    assert holder_of(80) is None


@pytest.mark.parametrize(
    ("port", "flag"),
    [
        pytest.param(8080, "--port 0", id="rest"),
        pytest.param(9090, "--grpc-port 0", id="grpc"),
        pytest.param(9000, "--admin-port 0", id="admin"),
        pytest.param(1, "--port 0", id="another"),
    ],
)
def test_the_flag_of_the_door_whose_port_is_taken_is_named(app, port, flag):
    fault = taken_address(app, AddressInUse("127.0.0.1", port))
    assert any(text.endswith(flag) for text in fault.helps)


def test_an_address_that_is_refused_otherwise_says_what_the_system_said(app):
    assert not_permitted(PermissionError(13, "Permission denied")).title.endswith("listened on: Permission denied")
    with pytest.raises(BuildFailed) as failed, explained(app):
        raise PermissionError(13, "Permission denied")
    assert (failed.value.diagnostics[0].code, failed.value.exit_code) == ("H0302", 4)


def test_what_says_itself_why_it_cannot_be_opened_is_left_alone(app):
    fault = Diagnostic(code="H0401", title="no database")
    with pytest.raises(BuildFailed) as failed, explained(app):
        raise BuildFailed([fault])
    assert (failed.value.diagnostics, failed.value.exit_code) == ((fault,), 5)


def test_an_error_without_words_is_named_by_its_class(app):
    with pytest.raises(BuildFailed) as failed, explained(app):
        raise ZeroDivisionError
    assert failed.value.diagnostics[0].title == "what the service needs cannot be opened: ZeroDivisionError"


# -- whose line it is


def test_blame_finds_the_user_s_line_under_a_library():
    try:
        json.loads("{")
    except ValueError as error:
        found = blame(error)
    assert found.place.text.strip() == 'json.loads("{")'
    assert found.frames[-1].startswith("… ")
    assert found.frames[-1].endswith("in python")


def test_blame_of_what_was_raised_elsewhere_is_nobody():
    try:
        run_loop(None)
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next
        found = blame(error)
    assert found.place is None


# -- what it says


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "switched"),
    [pytest.param("dev", "dev: docs, reflection", id="dev"), pytest.param("test", "test", id="test")],
)
async def test_a_terminal_is_told_where_everything_is(monkeypatch, environment, switched):
    app = App("shop", Settings(environment=environment))
    app.expose(ping, http.get("/ping"), allow=public)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    async with Service(Assembly(app, log=io.StringIO()), http=Listen(), admin=Listen()) as service:
        tell_started(service, 0.25)
        rest, admin = service.http.addresses[0], service.admin.addresses[0]
    lines = terminal.getvalue().splitlines()
    assert lines[0].startswith("  shop 0.0.0   hardy ")
    assert lines[0].endswith(switched)
    docs = "   docs /docs" if environment == "dev" else ""
    assert lines[1] == f"  REST     http://{rest}   1 routes{docs}"
    assert lines[2] == f"  admin    http://{admin}   /livez /readyz /startupz /info /statistics"
    assert lines[3].startswith("  chain    log > recover > deadline")
    assert lines[-1] == "  ready    0.25 s   every call ends within 30 s unless it says otherwise"


@pytest.mark.parametrize(
    ("notice", "level", "event"),
    [
        pytest.param(
            TaskFailed(name="t", error=ValueError("x"), restart_in=1), "error", "background task failed", id="t"
        ),
        pytest.param(ComponentOpened(name="c", seconds=1), "debug", "component opened", id="opened"),
        pytest.param(ComponentClosed(name="c", seconds=1), "debug", "component closed", id="closed"),
        pytest.param(
            ComponentClosed(name="c", seconds=1, error=ValueError("x")),
            "error",
            "component failed to close",
            id="stuck",
        ),
        pytest.param(RequestRefused(peer="p", status=400, detail="d"), "info", "request refused", id="request"),
        pytest.param(ConnectionRefused(peer="p", reason="r"), "warning", "connection refused", id="connection"),
        pytest.param(
            BreakerClosed(name="prices", seconds=2.0), "info", "a breaker closed", id="one that says how it is told"
        ),
    ],
)
def test_notices_are_written_at_their_level(log, notice, level, event):
    telling(make_logger(level="debug", stream=log))(notice)
    (entry,) = log.entries(event)
    assert entry["level"] == level


def test_a_notice_that_nobody_has_to_know_of_is_not_written(log):
    telling(make_logger(level="debug", stream=log))(Notice())
    assert log.getvalue() == ""


# -- the loop


def test_the_loop_is_uvloop_and_what_main_returns_is_returned():
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run_loop(main()).startswith("uvloop")


def test_without_uvloop_the_standard_loop_serves(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run_loop(main()).startswith("asyncio")


def test_tasks_that_are_left_end_with_the_loop_whatever_they_do():
    ended = []

    async def polite() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("polite")

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("stubborn")

    async def main() -> int:
        tasks.append(asyncio.create_task(polite()))
        tasks.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(0)
        return 7

    tasks: list[asyncio.Task[None]] = []
    assert run_loop(main()) == 7
    assert sorted(ended) == ["polite", "stubborn"]


def test_a_thread_of_the_loop_is_not_waited_for_when_it_ends():
    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, gate.wait)
        await asyncio.sleep(0)

    import threading

    gate = threading.Event()
    try:
        run_loop(main())
    finally:
        gate.set()


# -- the assembly


def test_an_operation_that_is_not_exposed_is_asked_for_by_name(app):
    with pytest.raises(LookupError, match=r"`ping` is not exposed by shop; add an `app.expose\(ping, \.\.\.\)` line"):
        Assembly(app).operation(ping)


def test_importing_does_nothing():
    program = (
        "import sys, threading, signal; before = signal.getsignal(signal.SIGTERM); "
        "import hardy, hardy.app, hardy.testing.plugin, hardy.transport.grpc; "
        "assert threading.active_count() == 1, threading.enumerate(); "
        "assert signal.getsignal(signal.SIGTERM) is before; import logging; assert not logging.getLogger().handlers"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_pytest_plugin_loads_neither_an_app_nor_a_transport():
    program = "import sys, hardy.testing.plugin; print(*[m for m in sys.modules if m.startswith('hardy.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = {name.split(".")[1] for name in done.stdout.split()}
    assert loaded == {"core", "testing"}
