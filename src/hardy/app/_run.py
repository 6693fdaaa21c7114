"""The program of a service: serve, or run one of its commands."""

import sys
from collections.abc import Callable, Sequence

from hardy.app._app import App
from hardy.app._arguments import Help, WrongUsage, parse
from hardy.app._assembly import Assembly
from hardy.app._build import Build, load_for, make
from hardy.app._serve import run_loop, serve
from hardy.app._service import Service
from hardy.core import BuildFailed, Error
from hardy.transport import command

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def run(build: Build, *, argv: Sequence[str] | None = None) -> None:
    """Load the settings that *build* asks for, build the service, serve it, drain; end the process.

    With a command among the arguments that command is run instead.

    Args:
        build: ``def build(settings: Settings) -> App``.
        argv: The arguments; those of the process when left out.

    Raises:
        SystemExit: Always. 0 fine; 1 the command was answered with an error; 2
            wrong usage; 3 configuration; 4 address in use; 7 the service
            cannot be built; 130 interrupted.
    """
    sys.exit(main(build, sys.argv[1:] if argv is None else argv, program=_program()))


def main(
    build: Build, argv: Sequence[str], *, program: str, ready: Callable[[Service], None] | None = None
) -> int:
    """Do what *argv* says and return the exit code; see `run`.

    Args:
        program: What usage lines call the program.
        ready: Called once the service takes calls.
    """
    try:
        arguments = parse(program, argv)
        loaded = load_for(build, arguments.source)
        for warning in loaded.warnings:
            print(warning.render(), file=sys.stderr)
        app = make(build, loaded.settings)
        if arguments.command is not None:
            return run_command(app, program, arguments.command, arguments.rest)
        serve(app, ready=ready)
    except Help as help_:
        print(help_)
    except (WrongUsage, command.WrongUsage) as wrong:
        print(wrong, file=sys.stderr)
        return USAGE
    except BuildFailed as failed:
        print(failed, file=sys.stderr)
        return failed.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return OK


def run_command(app: App, program: str, name: str, arguments: Sequence[str]) -> int:
    """Carry out the service's own command *name* and return the exit code.

    Raises:
        WrongUsage: There is no such command, or its flags are wrong.
        BuildFailed: The service cannot be built.
    """
    assembly = Assembly(app)
    bound = {str(each.binding.describe()["name"]): each for each in assembly.exposed("command")}
    exposed = bound.get(name)
    if exposed is None:
        there = f"the service has {', '.join(sorted(bound))}" if bound else "the service has none"
        raise WrongUsage(f'error: no command "{name}"; {there}')
    message = command.parse(exposed.operation, f"{program} {name}", arguments)

    async def carry_out() -> None:
        async with Service(assembly):
            await command.carry_out(exposed, message, _print)

    try:
        run_loop(carry_out())
    except Error as error:
        print(f"{error.code.name}  {error}", file=sys.stderr)
        return FAILED
    return OK


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _program() -> str:
    main_module = sys.modules["__main__"]
    spec = getattr(main_module, "__spec__", None)
    if spec is not None:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    return f"python {sys.argv[0]}"
