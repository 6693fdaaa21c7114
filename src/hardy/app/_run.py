"""The program of a service: serve, or run one of its commands."""

import os
import sys
from collections.abc import Callable, Sequence

from hardy.app._app import App
from hardy.app._arguments import parse
from hardy.app._assembly import Assembly
from hardy.app._build import Build, Source, load_for, make
from hardy.app._documents import described
from hardy.app._loop import run_loop, stuck_threads
from hardy.app._opening import explained
from hardy.app._serve import close
from hardy.app._service import Service
from hardy.app._worker import serve_here, told_parent
from hardy.app._workers import with_workers
from hardy.core import BuildFailed, Error, Exposed
from hardy.telemetry import capture_stdlib
from hardy.transport import command

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def run(build: Build, *, argv: Sequence[str] | None = None) -> None:
    """Load the settings that *build* asks for, build the service, serve it, drain; end the process.

    With a command among the arguments that command is run instead.

    Args:
        build: ``def build(settings: Settings) -> App``.
        argv: The arguments; those of the process when left out.

    Raises:
        SystemExit: Always. 0 fine; 1 the command was answered with an error, or
            the service did not close cleanly; 2 wrong usage; 3 configuration;
            4 address in use; 5 something it needs cannot be opened; 6 the schema
            of its database is behind; 7 the service cannot be built; 130 interrupted.
    """
    leave(main(build, sys.argv[1:] if argv is None else argv, program=_program()))


def leave(code: int) -> None:
    """End the process with *code*, even when a thread that never ends would keep it.

    Raises:
        SystemExit: Always, when nothing keeps the process.
    """
    if stuck := stuck_threads():
        print(f"error: left without {', '.join(each.name for each in stuck)}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(build: Build, argv: Sequence[str], *, program: str, ready: Callable[[Service], None] | None = None) -> int:
    """Do what *argv* says and return the exit code; see `run`.

    Args:
        program: What usage lines call the program.
        ready: Called once the service takes calls.
    """
    try:
        arguments = parse(program, argv)
        if arguments.workers is not None and arguments.command is None:
            with_workers(arguments.workers)
        loaded = load_for(build, arguments.source)
        for warning in loaded.warnings:
            print(warning.render(), file=sys.stderr)
        app = make(build, loaded.settings)
        if arguments.command is not None:
            return run_command(app, program, arguments.command, arguments.rest)
        return OK if serve_here(app, ready=ready) else FAILED
    except command.Help as asked:
        print(f"{asked}{_list(build) if asked.program == program else ''}", end="")
        return OK
    except command.WrongUsage as wrong:
        print(wrong, file=sys.stderr)
        return USAGE
    except BuildFailed as failed:
        if not told_parent(failed):
            print(failed, file=sys.stderr)
        return failed.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def run_command(app: App, program: str, name: str, arguments: Sequence[str]) -> int:
    """Carry out the service's own command *name* and return the exit code.

    The reply goes to standard output, one line of JSON for each item of a
    stream; the log goes to standard error.

    Raises:
        WrongUsage: There is no such command, or its flags are wrong.
        Help: The flags are asked for.
        BuildFailed: The service cannot be built or opened.
    """
    bound = _by_name(described(app, "command"))
    if name not in bound:
        there = f"the service has {', '.join(sorted(bound))}" if bound else "the service has none"
        raise command.WrongUsage(f'error: no command "{name}"; {there}')
    # Read before the service is assembled: its flags are told where its settings are not complete, too.
    message = command.parse(bound[name].operation, f"{program} {name}", arguments)
    assembly = Assembly(app, log=sys.stderr)
    exposed = _by_name(assembly.exposed("command"))[name]

    async def carry_out() -> bool:
        service = Service(assembly, lanes=False)
        with explained(app):
            await service.__aenter__()
        try:
            await command.carry_out(exposed, message, _print)
        except BaseException:
            await service.__aexit__(*sys.exc_info())
            raise
        return await close(service)

    try:
        with capture_stdlib(assembly.logger, level=app.settings.telemetry.level):
            return OK if run_loop(carry_out()) else FAILED
    except Error as error:
        print(f"{error.code.name}  {error}", file=sys.stderr)
        return FAILED


def _by_name(exposed: Sequence[Exposed]) -> dict[str, Exposed]:
    return {str(each.binding.describe()["name"]): each for each in exposed}


def _list(build: Build) -> str:
    """Return the service's commands, each with what it does, as far as the service can be built here."""
    try:
        app = make(build, load_for(build, Source()).settings)
    except BuildFailed:
        return ""
    commands = _by_name(described(app, "command"))
    lines = [f"  {name:<20}  {each.operation.summary}".rstrip() for name, each in sorted(commands.items())]
    return "\n".join(["", "commands:", *lines, ""]) if lines else ""


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _program() -> str:
    main_module = sys.modules["__main__"]
    spec = getattr(main_module, "__spec__", None)
    if spec is not None:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return f"python {sys.argv[0]}"
