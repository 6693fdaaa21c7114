"""`hardy run`: serves, drains, and says why when it cannot listen."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path

import pytest

HARDY = Path(sys.executable).with_name("hardy")
PORTS = ("--port", "0", "--grpc-port", "0", "--admin-port", "0")


@pytest.fixture
def held(project):
    """A port that another process listens on."""
    program = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=project
    ) as holder:
        yield holder, int(holder.stdout.readline())
        holder.stdin.close()


def test_it_serves_until_it_is_told_to_stop(start):
    process = start("run", *PORTS, "--environment", "dev")
    where = process.places()["http"]
    with urllib.request.urlopen(f"http://{where}/count?upto=1") as reply:
        assert reply.status == 200
    assert process.end(signal.SIGTERM) == 0
    process.wait_for('"event":"drained"')


def test_production_is_what_it_serves_as(start):
    process = start("run", *PORTS, "--host", "127.0.0.1")
    assert process.wait() == 3
    process.wait_for("error[H0280]")  # in production tokens need an issuer
    process.wait_for("error[H0623]")  # and a gRPC service its .proto


@pytest.mark.parametrize(
    ("flag", "variable"),
    [("--port", "SHOP_HTTP__PORT"), ("--grpc-port", "SHOP_GRPC__PORT"), ("--admin-port", "SHOP_ADMIN__PORT")],
    ids=["rest", "grpc", "admin"],
)
def test_a_port_in_use_is_told_with_its_holder(done, project, held, flag, variable):
    holder, port = held
    ended = done(project, "run", "--environment", "dev", *PORTS, flag, str(port))
    assert (ended.returncode, ended.stdout) == (4, "")
    shown = re.sub(r"since \d+ min", "since 0 min", ended.stderr)
    lines = shown.splitlines()
    assert lines[1].startswith(f"  held by   pid {holder.pid}   {sys.executable} -c import socket")
    assert lines[1].endswith(f"   {told(project)}   since 0 min")
    lines[1] = "  held by   ..."
    lines[4] = re.sub(r"=\d+$", "=...", lines[4])
    assert "\n".join(lines) == textwrap.dedent(
        f"""\
        error[H0301]: port {port} is already in use
          held by   ...

          help: take the next free port now      {flag} 0
          help: give this service its own port   {variable}=...
          help: stop the other one               kill {holder.pid}
          more: hardy explain H0301"""
    )


def told(folder: Path) -> str:
    home = str(Path.home())
    return "~" + str(folder).removeprefix(home) if str(folder).startswith(home) and home != "/" else str(folder)


def test_an_address_of_another_machine_is_told(done, project):
    ended = done(project, "run", "--environment", "dev", *PORTS, "--host", "192.0.2.1")
    assert ended.returncode == 4
    assert "error[H0302]: an address cannot be listened on: " in ended.stderr


def test_a_component_that_cannot_be_opened_is_told_with_its_line(done, project):
    source = (project / "src/shop/app.py").read_text()
    source = source.replace(
        "def build(",
        "class Cache:\n"
        "    async def __aenter__(self):\n"
        "        raise ConnectionRefusedError('nobody listens')\n\n"
        "    async def __aexit__(self, *exc_info): ...\n\n\n"
        "def build(",
    ).replace("    rpc = grpc", "    app.manage(Cache())\n    rpc = grpc")
    (project / "src/shop/app.py").write_text(source)
    ended = done(project, "run", "--environment", "dev", *PORTS)
    assert ended.returncode == 5
    assert "error[H0402]: component `Cache` cannot be opened: ConnectionRefusedError: nobody listens" in ended.stderr
    assert "raise ConnectionRefusedError('nobody listens')" in ended.stderr


def test_a_listening_socket_is_not_left_behind(start):
    process = start("run", *PORTS, "--environment", "dev")
    host, _, port = process.places()["http"].rpartition(":")
    process.end()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_wrong_settings_are_refused_within_a_second_all_at_once_and_without_their_secrets(project):
    source = (project / "src/shop/app.py").read_text()
    source = source.replace(
        "    jwt: JwtSettings", "    url: hardy.Size\n    key: hardy.Secret[hardy.Size]\n    jwt: JwtSettings"
    )
    (project / "src/shop/app.py").write_text(source)
    environ = {**os.environ, "SHOP_KEY": "horse battery", "SHOP_HTTP__PORT": "eighty", "SHOP_HTPP__HOST": "::"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([HARDY, "run"], cwd=project, env=environ, stderr=subprocess.DEVNULL, check=False)  # compiles modules
    process = subprocess.Popen([HARDY, "run"], cwd=project, env=environ, stderr=subprocess.PIPE, text=True)
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    assert process.returncode == 3
    assert usage.ru_utime + usage.ru_stime <= 1
    for told in ("SHOP_URL is not set", "SHOP_HTTP__PORT=eighty", "SHOP_HTPP__HOST", "SHOP_KEY"):
        assert told in err
    assert "horse" not in err
