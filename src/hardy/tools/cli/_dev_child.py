"""The process that serves under `hardy dev`: takes its sockets from the parent and says when it is ready.

Started as ``python -m hardy.tools.cli._dev_child DESCRIPTOR TOLD``; the
descriptor is one end of a pair of sockets, over which both speak lines of JSON.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from hardy.app import App, Listen, Service, Source, serve, wanted
from hardy.tools.cli._failure import tell
from hardy.tools.cli._project import Project, enter
from hardy.tools.cli._target import Target

_MOST = 16
"""Sockets of one service: each host may have several addresses."""


def main(descriptor: int, told: Mapping[str, object]) -> int:
    """Serve what *told* names until the parent says stop or is gone; return the exit code."""
    channel = socket.socket(fileno=descriptor)
    project = Project(Path(str(told["root"])), str(told["reference"]))
    enter(project)
    source = Source(
        flags=cast("dict[str, object]", told["flags"]), config=_path(told["config"]), dotenv=_path(told["env_file"])
    )
    try:
        app = Target(project, source).app
        serve(app, listen=_places(app, channel), ready=lambda service: _say_ready(service, channel))
    except Exception as error:  # the boundary: every failure has its exit code
        return tell(error)
    return 0


def _path(given: object) -> Path | None:
    return None if given is None else Path(str(given))


def _places(app: App, channel: socket.socket) -> Mapping[str, Listen] | None:
    """Return where the parent listens for this process.

    ``None`` when it cannot: then this process tries for itself, and fails with the reason.
    """
    places = wanted(app)
    _send(channel, {"listen": {name: [place.host, place.port] for name, place in places.items()}})
    data, descriptors, _, _ = socket.recv_fds(channel, 65536, _MOST)
    sockets = [socket.socket(fileno=each) for each in descriptors]
    answer = cast("dict[str, dict[str, int] | None]", json.loads(data or b'{"counts": null}'))
    counts = answer["counts"]
    if counts is None:
        return None
    given: dict[str, Listen] = {}
    for name, count in counts.items():
        taken, sockets = tuple(sockets[:count]), sockets[count:]
        if name == "grpc":
            port: int = taken[0].getsockname()[1]
            taken[0].close()
            given[name] = Listen(places[name].host, port, shared=True)
        else:
            given[name] = Listen(places[name].host, places[name].port, taken)
    return given


def _say_ready(service: Service, channel: socket.socket) -> None:
    _send(channel, {"ready": True})
    # Nothing more is said: what becomes readable is the end of the parent.
    asyncio.get_running_loop().add_reader(channel, _end, channel)


def _end(channel: socket.socket) -> None:
    asyncio.get_running_loop().remove_reader(channel)
    os.kill(os.getpid(), signal.SIGTERM)


def _send(channel: socket.socket, message: object) -> None:
    channel.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), json.loads(sys.argv[2])))
