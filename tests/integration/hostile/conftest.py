"""Real processes seen from outside: bytes go in, bytes come out, and what the kernel says of them."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from hardy.adapters.jwt import dev_key, mint

HERE = Path(__file__).parent
ORDERS = HERE.parents[2] / "examples/orders/src"
PATIENCE = 10.0
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Reply:
    """One reply as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


class Client:
    """One connection that does exactly what it is told."""

    def __init__(self, address: tuple[str, int], *, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> "Client":
        """Send what the server takes; it may have closed already."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)
        return self

    def half_close(self) -> "Client":
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        return self

    def rest(self) -> bytes:
        """Return everything up to the end of the connection; a hang is an error."""
        found = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while piece := self.socket.recv(65536):
                found += piece
        return bytes(found)

    def until(self, end: bytes) -> bytes:
        found = bytearray()
        while end not in found:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError(bytes(found))
            found += piece
        return bytes(found)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def replies(raw: bytes, *methods: str) -> list[Reply]:
    """Take *raw* apart as a client would that has sent *methods*; anything left over is an error."""
    found: list[Reply] = []
    sent = list(methods)
    while raw:
        head, end, raw = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]*", first)
        assert end, (first, head)
        assert match, (first, head)
        reply = Reply(int(match[1]), [(line.partition(": ")[0], line.partition(": ")[2]) for line in lines])
        if reply.status == 100:
            continue
        method = sent.pop(0) if sent else "GET"
        if method != "HEAD" and reply.status not in {204, 304}:
            assert reply.header("transfer-encoding") is None, reply
            length = int(reply.header("content-length") or -1)
            assert 0 <= length <= len(raw), (reply, raw)
            reply.body, raw = raw[:length], raw[length:]
        found.append(reply)
    return found


@dataclass
class Running:
    """A service in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path
    started: dict[str, str] = field(default_factory=dict)

    def address(self, door: str = "http") -> tuple[str, int]:
        host, _, port = self.started[door].rpartition(":")
        return host, int(port)

    def connect(self, **options: int) -> Client:
        return Client(self.address(), **options)

    def ask(self, data: bytes, *methods: str) -> list[Reply]:
        """Send *data* on a fresh connection and return all replies, once it is closed."""
        with self.connect() as client:
            return replies(client.send(data).rest(), *methods)

    def token(self, *scopes: str, subject: str = "alice") -> str:
        key = dev_key(self.folder / ".hardy")
        assert key is not None
        return mint(key, subject, scopes=scopes)

    def rss(self) -> int:
        """Bytes of memory in use."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def cpu(self) -> float:
        """Seconds of processor used since the start."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def complaints(self) -> list[str]:
        """What the log says that a hostile client must not be able to cause."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "Traceback" in line or '"level":"error"' in line or not line.startswith("{")]

    def until(self, condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, "it never came"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.005)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE * 3)


def begin(folder: Path, *command: str, prefix: tuple[str, ...] = (), **variables: str) -> Running:
    """Start a service and wait until it takes calls."""
    log = folder / "log"
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    flags = ["--environment", "dev", "--port", "0", "--grpc-port", "0", "--admin-port", "0"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*prefix, sys.executable, *command, *flags],
            cwd=folder,
            env={
                **kept,
                "PYTHONPATH": os.pathsep.join(filter(None, (str(ORDERS), kept.get("PYTHONPATH")))),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    running = Running(process, folder, log)

    def up() -> bool:
        for line in log.read_text(errors="replace").splitlines():
            if '"event":"started"' in line:
                running.started = json.loads(line)
        return bool(running.started)

    running.until(up, 60.0)
    return running


@contextlib.contextmanager
def starting(parent: Path) -> Iterator[Callable[..., Running]]:
    """Start services with settings of their own; each ends well, whatever was done to it."""
    all_of_them: list[Running] = []

    def start(*command: str, prefix: tuple[str, ...] = (), **variables: str) -> Running:
        folder = parent / str(len(all_of_them))
        folder.mkdir()
        all_of_them.append(running := begin(folder, *command, prefix=prefix, **variables))
        return running

    yield start
    codes = [each.stop() for each in all_of_them]
    assert codes == [0] * len(codes), [each.log.read_text()[-3000:] for each in all_of_them]


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Running]]:
    """Start services for one test."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_once(tmp_path_factory) -> Iterator[Callable[..., Running]]:
    """Start services for all tests of a module."""
    with starting(tmp_path_factory.mktemp("once")) as start:
        yield start


@pytest.fixture(scope="session")
def orders(tmp_path_factory) -> Iterator[Running]:
    """The reference service."""
    running = begin(tmp_path_factory.mktemp("orders"), "-m", "orders")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Iterator[Running]:
    """The small service beside this file."""
    running = begin(tmp_path_factory.mktemp("served"), str(HERE / "served.py"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def unharmed(request) -> Iterator[None]:
    """Hold that neither service has complained meanwhile, and that both still run."""
    services: list[Running] = [request.getfixturevalue(name) for name in ("orders", "served")]
    before = [len(each.complaints()) for each in services]
    yield
    for each, count in zip(services, before, strict=True):
        assert each.process.poll() is None
        assert each.complaints()[count:] == []
