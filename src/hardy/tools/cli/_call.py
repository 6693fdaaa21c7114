"""``hardy call``: call an operation of the running service, or carry it out in this process."""

import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import click

from hardy.app import App, described, run_loop
from hardy.core import Call as Incoming, Error, Exposed, InvalidMessage, Malformed, Operation, Principal
from hardy.tools.cli._calling import Call, carry_out_here, over_grpc, over_http
from hardy.tools.cli._files import sound
from hardy.tools.cli._group import no_such
from hardy.tools.cli._message import read_message
from hardy.tools.cli._options import options_of, settings_options
from hardy.tools.cli._style import complain, note
from hardy.tools.cli._target import Target
from hardy.tools.cli._token import mint_token, refuse_outside_dev

FAILED, UNREACHABLE = 1, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, as the flags say."""

    subject: str | None
    scopes: Sequence[str]
    roles: Sequence[str]

    def principal(self) -> Principal | None:
        """Return the caller as the service would know it."""
        if self.subject is None:
            return None
        return Principal(self.subject, scopes=frozenset(self.scopes), roles=frozenset(self.roles))

    def credentials(self, prefix: str) -> dict[str, str]:
        """Return what travels with the call: a token of this machine, in dev."""
        if self.subject is None:
            return {}
        refuse_outside_dev(prefix)
        return {"authorization": f"Bearer {mint_token(self.subject, self.scopes, self.roles, 60.0)}"}


@click.command("call")
@click.argument("operation")
@click.argument("message", default="{}", metavar="[JSON]")
@click.option("--service", metavar="SERVICE", help="Instead of the one that pyproject.toml names.")
@click.option("--grpc", "by_grpc", is_flag=True, help="Call over gRPC instead of REST.")
@click.option("--local", is_flag=True, help="Carry it out in this process; nothing has to run.")
@click.option("--at", metavar="HOST:PORT", help="Where the service is, instead of where its settings say.")
@click.option("--as", "subject", metavar="NAME", help="Who calls, by a token of this machine; dev only.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What the caller may do; repeatable.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="What the caller is; repeatable.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait.")
@settings_options
@click.pass_context
def command(  # noqa: PLR0913  # one parameter a flag
    context: click.Context,
    /,
    operation: str,
    message: str,
    *,
    by_grpc: bool,
    local: bool,
    at: str | None,
    subject: str | None,
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    timeout: float | None,
    **given: object,
) -> int:
    """Call an operation of the running service: hardy call place_order '{"sku": "tea", "quantity": 2}'.

    The reply is printed as JSON, a stream one line an item; - reads JSON from
    standard input, a stream to the service is an array or a line an item.
    """
    target = options_of(given).target().for_development()
    sound(target)
    exposed = _find(target.app, operation, grpc=by_grpc, local=local, context=context)
    caller = Caller(subject=subject, scopes=scopes, roles=roles)
    try:
        made = Call(
            app=target.app,
            exposed=exposed,
            message=read_message(exposed.operation, message, json_case=target.app.json_case),
            timeout=timeout,
        )
    except (InvalidMessage, Malformed) as error:
        complain("\n".join([f"{error.code.name}   not sent", *explained(error)]))
        return FAILED
    return _carry(made, target, caller, at=at, local=local)


def _find(app: App, name: str, *, grpc: bool, local: bool, context: click.Context) -> Exposed:
    """Return the operation called *name* behind the door that is wanted."""
    name = name.removeprefix(f"{app.name}.")
    known = {line.operation.name: line.operation for line in app.exposures}
    if name not in known:
        no_such("operation", name, known, context)
    doors = {each.binding.transport: each for each in reversed(described(app)) if each.operation is known[name]}
    wanted = ["command", "http", "grpc"] if local else ["grpc"] if grpc else ["http", "grpc"]
    found = next((doors[each] for each in wanted if each in doors), None)
    if found is None and local:
        found = _as_command(known[name])
    if found is None:
        where = "over gRPC" if grpc else "from outside"
        raise click.UsageError(f"{name} cannot be called {where}; try: hardy call {name} --local", ctx=context)
    if found.operation.raw:
        raise click.UsageError(f"{name} takes the request itself; call it with curl", ctx=context)
    return found


def _as_command(operation: Operation) -> Exposed:
    """Return an operation that nothing reaches as a command of its own name would: called by the service itself."""
    from hardy.transport.command import command as command_called

    async def unserved(call: Incoming) -> object:
        raise RuntimeError(f"{call.operation.name} is carried out by its own chain")

    return Exposed(operation, command_called(operation.name.replace("_", "-")), unserved)


def _carry(made: Call, target: Target, caller: Caller, *, at: str | None, local: bool) -> int:
    settings = target.loaded.settings
    if local:
        carried, title = partial(carry_out_here, principal=caller.principal()), "here"
    else:
        credentials = caller.credentials(settings.prefix)
        is_grpc = made.exposed.binding.transport == "grpc"
        door = settings.grpc if is_grpc else settings.http
        host, port = _address(at) if at else (_reachable(door.host), door.port)
        if not _answers(host, port):
            complain(f"error: nothing answers at {host}:{port}\n  help: start the service: hardy dev")
            return UNREACHABLE
        carry, title = (over_grpc, made.title("gRPC")) if is_grpc else (over_http, made.title("REST"))
        carried = partial(carry, host=host, port=port, credentials=credentials)
    started = time.monotonic()
    try:
        run_loop(carried(made, write=_print))
    except Error as error:
        took = _milliseconds(started)
        complain("\n".join([f"{made.failed(error)}   {took}   {title}", *explained(error)]))
        return FAILED
    note(f"{made.succeeded()}   {_milliseconds(started)}   {title}")
    return 0


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _milliseconds(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.removeprefix("http://").rstrip("/").rpartition(":")
    if not port.isdigit():
        raise click.UsageError(f'"{text}" is no address; write 127.0.0.1:8080')
    return host.strip("[]") or "127.0.0.1", int(port)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # looked up, not listened on


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=3):
            return True
    except OSError:
        return False


def explained(error: Error) -> list[str]:
    """Return what is wrong, a line each, as the command line tells it."""
    faults = error.faults if isinstance(error, InvalidMessage) else ()
    width = max((len(_field(each.pointer)) for each in faults), default=0)
    lines = [f"  {_field(each.pointer).ljust(width)}   {each.detail}" for each in faults] or [f"  {error}"]
    if error.reason and not isinstance(error, InvalidMessage | Malformed):
        lines.append(f"  reason   {error.reason}")
    lines += [f"  {name}   {value}" for name, value in error.details.items()]
    if error.retry_after is not None:
        lines.append(f"  try again after {error.retry_after:g} s")
    return lines


def _field(pointer: str) -> str:
    return pointer.lstrip("/").replace("/", ".") or "message"
