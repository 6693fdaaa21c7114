"""The service as a whole: what it consists of, checked, served, and taken down.

Floor 4. This is the one package that knows everything below it, and plugs the
pieces together that do not know each other.

Example:
    >>> from hardy.auth import public
    >>> from hardy.transport import http
    >>> async def hello(name: str = "world") -> str:
    ...     return f"hello {name}"
    >>> app = App("hello")
    >>> app.expose(hello, http.get("/hello"), allow=public)
    >>> app.describe()["operations"][0]["bindings"]
    [{'transport': 'http', 'method': 'GET', 'path': '/hello'}]
"""

from hardy.app._address import Holder, holder_of, port_in_use
from hardy.app._app import App
from hardy.app._arguments import FLAGS
from hardy.app._asgi import asgi, asgi_of
from hardy.app._assembly import Assembly
from hardy.app._blame import Blame, blame
from hardy.app._build import Build, Source, load_for, make, settings_class
from hardy.app._documents import described, openapi
from hardy.app._loop import run_loop
from hardy.app._migrations import databases_of
from hardy.app._opening import taken_address
from hardy.app._parts import Exposure, MountLine, Provided
from hardy.app._remote import Remote, remote
from hardy.app._run import leave, main, run, run_command
from hardy.app._serve import serve, serving, wanted
from hardy.app._service import Listen, Service
from hardy.app._shutdown import Shutdown, ShutdownReport
from hardy.app._worker import is_worker, serve_here, told_parent
from hardy.app._workers import Workers, with_workers
from hardy.app._workers_pool import WorkersStatistics
from hardy.core import publish

__all__ = [
    "FLAGS",
    "App",
    "Assembly",
    "Blame",
    "Build",
    "Exposure",
    "Holder",
    "Listen",
    "MountLine",
    "Provided",
    "Remote",
    "Service",
    "Shutdown",
    "ShutdownReport",
    "Source",
    "Workers",
    "WorkersStatistics",
    "asgi",
    "asgi_of",
    "blame",
    "databases_of",
    "described",
    "holder_of",
    "is_worker",
    "leave",
    "load_for",
    "main",
    "make",
    "openapi",
    "port_in_use",
    "remote",
    "run",
    "run_command",
    "run_loop",
    "serve",
    "serve_here",
    "serving",
    "settings_class",
    "taken_address",
    "told_parent",
    "wanted",
    "with_workers",
]

publish(__name__, globals())
