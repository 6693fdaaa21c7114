"""The servers a test is given: they start, stop, crash, freeze and leave nothing behind."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardy.testing import NatsServer, PostgresServer, ValkeyServer

SERVERS = [PostgresServer, ValkeyServer, NatsServer]
each_server = pytest.mark.parametrize("kind", SERVERS, ids=lambda kind: kind.name)


def eventually(true, within=20.0):
    limit = time.monotonic() + within
    while not true():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)


def remember(server):
    if isinstance(server, PostgresServer):
        server.execute("create table colours (name text)", "insert into colours values ('blue')")
    elif isinstance(server, ValkeyServer):
        server.execute("set", "colour", "blue")
    else:
        server._request("STREAM.CREATE.colours", '{"name": "colours", "subjects": ["colours.>"]}')


def remembers(server):
    if isinstance(server, PostgresServer):
        return server.execute("select name from colours") == "blue"
    if isinstance(server, ValkeyServer):
        return server.execute("get", "colour").endswith(b"blue")
    return server.streams() == ["colours"]


def made_by(server):
    make, made = server._make_folder, []
    server._make_folder = lambda: made.append(make()) or made[0]
    return made


def gone(pid):
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@each_server
def test_a_server_keeps_port_and_data_over_a_stop_and_a_crash(kind):
    with kind() as server:
        remember(server)
        url = server.url
        server.stop()
        assert not server.running
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), timeout=5)
        server.start()
        assert remembers(server)
        server.kill()
        assert not server.running
        server.start()
        assert remembers(server)
        assert server.url == url
        folder, processes = server.folder, server._processes()
        server.kill()
    assert not folder.exists(), "a server that crashed leaves nothing either"
    assert all(gone(pid) for pid in processes)


@each_server
def test_a_paused_server_keeps_its_connections_and_answers_nothing_until_it_is_resumed(kind):
    with kind() as server:
        server.pause()
        with socket.create_connection((server.host, server.port), timeout=5) as connection:
            connection.settimeout(0.05)
            connection.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f" if kind is PostgresServer else b"PING\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
            server.resume()
            connection.settimeout(20)
            assert connection.recv(1)


@each_server
def test_nothing_is_left_of_a_server_after_its_context(kind):
    with kind() as server:
        folder, processes, guard = server.folder, server._processes(), server._guard.pid
        assert folder.exists()
        server.pause()
    assert not folder.exists()
    assert all(gone(pid) for pid in [*processes, guard])
    with pytest.raises(RuntimeError, match="used inside its context"):
        _ = server.folder


STARTS_ALL_AND_WAITS = """
from hardy.testing import NatsServer, PostgresServer, ValkeyServer
with PostgresServer() as a, ValkeyServer() as b, NatsServer() as c:
    c.pause()
    for each in a, b, c:
        print(each.folder, each._guard.pid, *each._processes())
    print("ready", flush=True)
    input()
"""


@pytest.mark.parametrize(
    "ending",
    [signal.SIGKILL, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGTERM, signal.SIGINT))],
    ids=lambda each: each.name,
)
def test_nothing_is_left_when_the_test_process_is_ended_from_outside(ending):
    process = subprocess.Popen(
        [sys.executable, "-c", STARTS_ALL_AND_WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        lines = list(iter(process.stdout.readline, "ready\n"))
        folders = [Path(line.split()[0]) for line in lines]
        pids = [int(each) for line in lines for each in line.split()[1:]]
        assert len(folders) == 3
        assert len(pids) > 8
        assert all(each.exists() for each in folders)
        process.send_signal(ending)
    eventually(lambda: not any(each.exists() for each in folders))
    eventually(lambda: all(gone(pid) for pid in pids))


@each_server
def test_a_missing_package_names_the_remedy(kind, monkeypatch):
    monkeypatch.setattr("hardy.testing._postgres.find_spec", lambda name: None)
    monkeypatch.setattr("hardy.testing._valkey.find_spec", lambda name: None)
    monkeypatch.setattr("hardy.testing._nats._files", list)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"Install it with: pip install 'hardy\[testing\]'"), kind():
        pass


@each_server
def test_a_server_that_cannot_start_says_why_and_leaves_nothing(kind):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = kind(port=taken.getsockname()[1])
        folder = made_by(server)
        with pytest.raises(RuntimeError, match=r"(?i)in use"):
            server.__enter__()
    assert folder
    assert not folder[0].exists()


@pytest.mark.parametrize(
    "kind", [ValkeyServer, NatsServer], ids=lambda kind: kind.name
)  # PostgreSQL looks at its own files
def test_the_port_of_another_server_of_its_kind_is_not_taken_for_its_own(kind):
    with kind() as first, pytest.raises(RuntimeError, match="did not start"), kind(port=first.port):
        pass


def test_a_database_is_a_copy_of_its_template_and_its_own():
    with PostgresServer() as server:
        template = server.create_database("migrated")
        server.execute("create table orders (id int)", database="migrated")
        with server.database(template="migrated") as one, server.database(template="migrated") as other:
            assert len({template, one, other}) == 3
            name = one.rpartition("/")[2]
            server.execute("insert into orders values (1)", database=name)
            assert server.execute("select count(*) from orders", database=name) == "1"
            assert server.execute("select count(*) from orders", database=other.rpartition("/")[2]) == "0"
        assert server.execute("select count(*) from pg_database where datname like 'test_%'") == "0"
        with pytest.raises(RuntimeError, match="does not exist"):
            server.execute("select * from nothing")
