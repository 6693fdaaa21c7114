"""A service's own program: what it reads, prints and exits with."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest

import hardy
from hardy.adapters.sql import Database, DatabaseSettings
from hardy.app import App, asgi, leave, main, make, run, settings_class
from hardy.auth import any_of, has_scope, internal, public
from hardy.config import Settings
from hardy.core import BuildFailed, NotFound, Principal
from hardy.schema import Ge
from hardy.transport import http
from hardy.transport.command import command


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop(hardy.Settings):
    prefix: ClassVar[str] = "SHOP"
    greeting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemble:
    """What to put together."""

    part: Part
    more: list[Part] | None = None
    tags: frozenset[str] = frozenset()
    limits: dict[str, int] | None = None
    fast: bool = False
    help: str = ""


async def ship(order_id: str, quantity: Annotated[int, Ge(1)] = 1, *, caller: Principal) -> str:
    """Ship an order."""
    if order_id == "missing":
        raise NotFound("no such order")
    if order_id == "broken":
        raise ZeroDivisionError("canary")
    return f"{caller.subject} shipped {quantity} of {order_id}"


async def count(to: int) -> AsyncIterator[int]:
    """Count."""
    for number in range(to):
        yield number


async def assemble(msg: Assemble) -> Assemble:
    return msg


async def forget() -> None:
    """Forget it."""


async def maybe() -> int | None:
    return None


async def scoped() -> str:
    return "never"


async def hello(*, greeting: str) -> str:
    return greeting


def build(settings: Settings) -> App:
    app = App("shop", settings)
    app.expose(ship, command("ship"), allow=any_of(internal, has_scope("ship")))
    app.expose(count, command("count"), allow=internal)
    app.expose(assemble, command("assemble"), allow=internal)
    app.expose(forget, command("forget"), allow=internal)
    app.expose(maybe, command("maybe"), allow=internal)
    app.expose(scoped, command("scoped"), allow=has_scope("admin"))
    return app


@pytest.fixture
def program(capfdbinary, monkeypatch, tmp_path):
    """Run the program with arguments; return its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def program(*argv: str, build=build) -> tuple[int, str, str]:
        code = main(build, argv, program="python -m shop")
        captured = capfdbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    with open(1, "w", closefd=False) as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        yield program


def test_a_command_prints_its_reply_as_json_and_calls_as_itself(program):
    code, out, err = program("ship", "--order-id", "7", "--quantity", "2")
    assert (code, out) == (0, '"command:ship shipped 2 of 7"\n')
    assert '"event":"call","service":"shop","operation":"ship","transport":"command"' in err


def test_a_stream_prints_one_line_an_item(program):
    assert program("count", "--to", "3")[:2] == (0, "0\n1\n2\n")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        pytest.param(["forget"], "", id="no reply"),
        pytest.param(["maybe"], "null\n", id="a reply that may be nothing"),
    ],
)
def test_nothing_is_printed_as_what_it_is(program, arguments, printed):
    assert program(*arguments)[:2] == (0, printed)


def test_nested_members_are_json_and_lists_repeat(program):
    code, out, _ = program(
        "assemble", "--part", '{"name":"leg"}', "--more", '{"name":"top","size":2}', "--more", '{"name":"nail"}',
        "--tags", "oak", "--limits", '{"kg":3}', "--fast", "--help", "me",
    )  # fmt: skip
    assert code == 0
    assert out == (
        '{"part":{"name":"leg","size":1},"more":[{"name":"top","size":2},{"name":"nail","size":1}],'
        '"tags":["oak"],"limits":{"kg":3},"fast":true,"help":"me"}\n'
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["ship"], "error: --order-id is missing", id="missing flag"),
        pytest.param(["ship", "--order-id", "1", "--quantity", "0"], "error: --quantity must be at least 1", id="rule"),
        pytest.param(["ship", "--order", "1"], "error: unrecognized arguments: --order 1", id="unknown flag"),
        pytest.param(["ship", "--order-id"], "error: argument --order-id: expected one argument", id="no value"),
        pytest.param(["assemble", "--part", "{"], "error: --part is not JSON", id="no json"),
        pytest.param(["assemble", "--part", "{}"], "error: --part/name is missing", id="nested fault"),
        pytest.param(["sail"], 'error: no command "sail"; the service has assemble, count, forget', id="no command"),
        pytest.param(["--colour", "red"], "error: unrecognized arguments: --colour", id="unknown service flag"),
        pytest.param(["--port"], "error: argument --port: expected one argument", id="service flag without value"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(program, arguments, words):
    code, out, err = program(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(words)


def test_a_service_without_commands_says_so(program):
    def build() -> App:
        return App("bare")

    assert program("sail", build=build)[2] == 'error: no command "sail"; the service has none\n'


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["ship", "--order-id", "missing"], "NOT_FOUND  no such order", id="an error of its own"),
        pytest.param(["ship", "--order-id", "broken"], "INTERNAL  internal error", id="a defect"),
        pytest.param(["scoped"], "PERMISSION_DENIED  not allowed to call scoped", id="a command has no scopes"),
    ],
)
def test_an_error_exits_with_1_and_prints_no_reply(program, arguments, told):
    code, out, err = program(*arguments)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == told


def test_help_lists_flags_and_commands(program):
    code, out, err = program("--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: python -m shop ")
    assert "--drain-timeout" in out
    assert "\ncommands:\n" in out
    assert "  ship                  Ship an order." in out


def test_help_works_where_the_service_cannot_be_built(program):
    def build(settings: Shop) -> App:
        raise AssertionError("settings are missing")

    code, out, _ = program("--help", build=build)
    assert code == 0
    assert "commands:" not in out


def test_help_of_a_command_lists_its_flags(program):
    code, out, _ = program("ship", "--help")
    assert code == 0
    assert out.startswith("usage: python -m shop ship ")
    assert "--order-id" in out
    assert "commands:" not in out


def test_missing_settings_exit_with_3_by_name(program):
    def build(settings: Shop) -> App: ...

    code, _, err = program(build=build)
    assert code == 3
    assert "SHOP_GREETING" in err


def test_an_unknown_variable_is_a_warning_and_the_service_goes_on(program, monkeypatch):
    monkeypatch.setenv("SHOP_GREETING", "hi")
    monkeypatch.setenv("SHOP_GREETIN", "hi")

    def build(settings: Shop) -> App:
        app = App("shop", settings)
        app.expose(forget, command("forget"), allow=internal)
        return app

    code, _, err = program("forget", build=build)
    assert code == 0
    assert err.startswith("warning[")
    assert "SHOP_GREETIN" in err


@pytest.mark.parametrize(
    ("build", "code", "words"),
    [
        pytest.param(lambda: 1 / 0, "H0104", "raised ZeroDivisionError: division by zero", id="raises"),
        pytest.param(lambda: "app", "H0103", "returned str, not an App", id="returns something else"),
        pytest.param(lambda settings: App("x"), "H0103", "must take its settings and nothing else", id="no annotation"),
        pytest.param(lambda a, b: App("x"), "H0103", "must take its settings and nothing else", id="two parameters"),
    ],
)
def test_a_build_function_of_another_shape_exits_with_7(program, build, code, words):
    exit_code, _, err = program(build=build)
    assert exit_code == 7
    assert err.startswith(f"error[{code}]: `<lambda>` {words}")


def test_an_annotation_of_build_that_cannot_be_resolved_is_named(program):
    def build(settings: "Missing") -> App: ...  # noqa: F821  # that is the point

    assert program(build=build)[2].startswith(
        "error[H0103]: `build` has an annotation that cannot be resolved: `Missing`"
    )


def test_what_build_refuses_is_told_as_it_is():
    def build() -> App:
        raise BuildFailed(())

    with pytest.raises(BuildFailed):
        make(build, Settings())


def test_settings_come_from_the_annotation():
    def none() -> App: ...

    def own(settings: Shop) -> App: ...

    assert settings_class(none) is Settings
    assert settings_class(own) is Shop


def test_an_app_that_was_given_no_settings_gets_what_was_loaded():
    settings = Settings(environment="test")
    assert make(lambda: App("bare"), settings).settings is settings
    own = Settings(environment="dev")
    assert make(lambda: App("bare", own), settings).settings is own


def test_what_a_command_needs_and_cannot_open_exits_with_5(program):
    class Broken:
        async def __aenter__(self):
            raise ConnectionRefusedError("nobody is there")

        async def __aexit__(self, *error): ...

    def build() -> App:
        app = App("shop")
        app.manage(Broken())
        app.expose(forget, command("forget"), allow=internal)
        return app

    code, _, err = program("forget", build=build)
    assert code == 5
    assert err.startswith("error[H0402]: component `")


def test_a_component_that_fails_to_close_makes_a_command_exit_with_1(program):
    class Sticky:
        async def __aenter__(self): ...

        async def __aexit__(self, *error):
            raise RuntimeError("stuck")

    def build() -> App:
        app = App("shop")
        app.manage(Sticky())
        app.expose(maybe, command("maybe"), allow=internal)
        app.expose(ship, command("ship"), allow=internal)
        return app

    code, out, err = program("maybe", build=build)
    assert (code, out) == (1, "null\n")
    assert "component failed to close" in err
    assert "the service did not close cleanly" in err


def test_an_interrupted_command_exits_with_130(program):
    async def interrupted() -> None:
        raise KeyboardInterrupt

    def build() -> App:
        app = App("shop")
        app.expose(interrupted, command("go"), allow=internal)
        return app

    assert program("go", build=build)[0] == 130


def test_run_ends_the_process_with_the_code(monkeypatch, capsys):
    with pytest.raises(SystemExit) as end:
        run(build, argv=["sail"])
    assert end.value.code == 2
    monkeypatch.setattr("sys.argv", ["/srv/shop.py", "--help"])
    with pytest.raises(SystemExit) as end:
        run(build)
    assert end.value.code == 0
    assert "usage: python" in capsys.readouterr().out


def test_a_thread_that_never_ends_does_not_keep_the_process(monkeypatch, capsys):
    gate, left = threading.Event(), []
    monkeypatch.setattr("os._exit", left.append)
    thread = threading.Thread(target=gate.wait, name="endless")
    thread.start()
    try:
        with pytest.raises(SystemExit):
            leave(0)
    finally:
        gate.set()
        thread.join()
    assert left == [0]
    assert capsys.readouterr().err == "error: left without endless\n"


def test_an_asgi_application_is_checked_when_it_is_made(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def build(settings: Settings) -> App:
        app = App("shop", settings)
        app.expose(hello, http.get("/hello"), allow=public)
        return app

    with pytest.raises(BuildFailed, match="H0701"):
        asgi(build)


async def test_two_apps_with_different_settings_live_in_one_process():
    def build(settings: Shop) -> App:
        app = App(settings.greeting, settings)
        app.provide(greeting_of(settings))
        app.expose(hello, http.get("/hello"), allow=public)
        return app

    def greeting_of(settings: Shop):
        def greeting() -> str:
            return settings.greeting

        return greeting

    from hardy.testing import client

    apps = [build(Shop(environment="test", greeting=word)) for word in ("hi", "moin")]
    async with client(apps[0], "http") as first, client(apps[1], "http") as second:
        assert await asyncio.gather(first.call(hello), second.call(hello)) == ["hi", "moin"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param(
            "sqlite:///folder", "error[H0401]: the database at sqlite:///folder cannot be opened: ", id="a folder"
        ),
        pytest.param(
            "sqlite:////proc/no/such.db", "error[H0402]: component `Database` cannot be opened: ", id="no place"
        ),
    ],
)
def test_a_database_that_cannot_be_opened_exits_with_5(program, tmp_path, url, words):
    tmp_path.joinpath("folder").mkdir()

    def build() -> App:
        app = App("shop")
        app.manage(Database(DatabaseSettings(url=url)))
        app.expose(forget, command("forget"), allow=internal)
        return app

    code, out, err = program("forget", build=build)
    assert (code, out) == (5, "")
    assert err.startswith(words)
