"""Everything that is wrong is told at once, and nothing is opened to find it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, Self

import pytest

from hardy.app import App, Assembly
from hardy.auth import any_of, has_scope, internal, public, signed_in
from hardy.cache import MemoryCache
from hardy.config import Settings
from hardy.core import BuildFailed, Diagnostic, Principal
from hardy.transport import grpc, http
from hardy.transport.command import command


class Prices(Protocol):
    async def of(self, sku: str) -> int: ...


async def price(sku: str, *, prices: Prices) -> int:
    """Look a price up."""
    return await prices.of(sku)


async def untyped(sku) -> str: ...


async def ping() -> str:
    return "pong"


async def pong() -> str:
    return "ping"


async def reindex() -> None: ...


async def whoami(*, caller: Principal) -> str: ...


async def complex_(number: complex) -> int: ...


async def shout(words: AsyncIterator[str]) -> str: ...


async def nowhere(request: http.Request) -> http.Response: ...


class Own:
    process_local = True

    async def __aenter__(self) -> Self:
        raise AssertionError("nothing is opened by a check")

    async def __aexit__(self, *error: object) -> None: ...


class Strict(Own):
    process_local = False

    def check(self):
        return [Diagnostic(code="H0999", title="the component finds itself wanting")]


class Picky:
    challenge = "Picky"

    def configure(self, environment: str) -> None:
        raise BuildFailed([Diagnostic(code="H0999", title=f"not in {environment}")])

    async def authenticate(self, call): ...

    def scheme(self):
        return {}


def codes(app: App) -> list[str]:
    return [fault.code for fault in app.check()]


def test_all_faults_of_all_kinds_are_told_in_one_go(app):
    app.authenticators = (Picky(),)
    app.manage(Strict())
    app.mount("legacy", None)
    app.expose(untyped, http.get("/untyped"), allow=public)
    app.expose(price, http.get("/prices/{article}"), allow=public)
    app.expose(ping, http.get("/same"), allow=public)
    app.expose(pong, http.get("/same"), allow=public)
    app.expose(reindex, http.post("/reindex"), allow=internal)
    app.expose(whoami, http.get("/me"), allow=public)
    app.expose(complex_, allow=public)
    app.expose(nowhere, http.raw.get("/raw"), command("Raw Command"), allow=has_scope)
    assert sorted(set(codes(app))) == sorted(
        {
            "H0601",  # a parameter without a type
            "H0603",  # a type that JSON cannot carry, of an operation without bindings
            "H0609",  # two routes answer the same requests
            "H0641",  # a rule that is none
            "H0642",  # public, and needs to know who is calling
            "H0643",  # internal, and bound to HTTP
            "H0650",  # a name for a command that no shell takes
            "H0663",  # no path to mount at
            "H0701",  # nothing provides Prices
            "H0999",  # what authenticators and components find themselves
        }
        | {fault.code for fault in http.get("/prices/{article}").check(app.exposures[0].operation)}
    )
    with pytest.raises(BuildFailed) as failed:
        Assembly(app)
    assert [fault.code for fault in failed.value.diagnostics] == codes(app)
    assert failed.value.exit_code == 7


@pytest.mark.parametrize(
    ("rule", "bindings", "faults"),
    [
        pytest.param(internal, [http.post("/a")], ["H0643"], id="internal over http"),
        pytest.param(internal, [grpc.service("a.v1.A")("Reindex")], ["H0643"], id="internal over grpc"),
        pytest.param(internal, [command("reindex")], [], id="internal as a command"),
        pytest.param(any_of(internal, has_scope("admin")), [http.post("/a")], [], id="somebody else may call"),
        pytest.param(internal, [], [], id="no binding at all"),
    ],
)
def test_an_internal_operation_has_no_door_for_strangers(app, rule, bindings, faults):
    app.expose(reindex, *bindings, allow=rule)
    assert codes(app) == faults


@pytest.mark.parametrize(
    ("environment", "replicas", "faults"),
    [
        pytest.param("production", 3, ["H0662"], id="production with replicas"),
        pytest.param("production", 1, [], id="production alone"),
        pytest.param("dev", 3, [], id="dev with replicas"),
    ],
)
def test_what_belongs_to_one_process_is_refused_beside_replicas(environment, replicas, faults):
    app = App("shop", Settings(environment=environment, replicas=replicas))
    app.manage(Own())
    app.expose(ping, allow=public)
    assert codes(app) == faults


def test_who_is_refused_beside_replicas_is_told_what_to_use():
    app = App("shop", Settings(environment="production", replicas=2))
    app.manage(MemoryCache())
    app.expose(ping, allow=public)
    (fault,) = app.check()
    assert fault.helps[0] == "app.manage(RedisCache(redis)), from hardy.adapters.redis"


def test_a_process_local_component_that_is_overridden_harms_nobody():
    async def count(*, own: Own) -> int: ...

    app = App("shop", Settings(environment="production", replicas=2))
    app.manage(Own())
    app.expose(count, allow=public)
    assert codes(app) == ["H0662"]
    with app.override({Own: object()}):
        assert codes(app) == []


@pytest.mark.parametrize(
    ("paths", "faults"),
    [
        pytest.param(["/a", "/b"], [], id="two paths"),
        pytest.param(["/a", "/a/"], ["H0663"], id="the same path twice"),
        pytest.param(["a"], ["H0663"], id="no slash"),
        pytest.param(["/", "/a"], [], id="everything else"),
    ],
)
def test_mounts_have_paths_of_their_own(app, paths, faults):
    for path in paths:
        app.mount(path, None)
    assert codes(app) == faults


def test_a_name_is_one_operation_s(app):
    def other():
        async def ping() -> str: ...

        return ping

    app.expose(ping, http.get("/ping"), allow=public)
    app.expose(ping, command("ping"), allow=public)
    app.expose(other(), http.get("/other"), allow=public)
    twice, two = app.check()
    assert (twice.code, twice.title, twice.helps) == (
        "H0660",
        "`ping` is exposed twice",
        ("put all its bindings into one `expose` line",),
    )
    assert (two.title, two.helps) == (
        "two use cases are called `ping`",
        ("rename one: the name is the operation's",),
    )


def test_the_types_of_a_command_are_checked_like_those_of_a_route(app):
    app.expose(complex_, command("complex"), allow=internal)
    assert codes(app) == ["H0603"]


def test_a_stream_cannot_be_typed_on_a_command_line(app):
    @dataclass
    class Word:
        text: str

    async def say(words: AsyncIterator[Word]) -> int: ...

    say.__annotations__["words"] = AsyncIterator[Word]
    app.expose(say, command("say"), allow=internal)
    assert codes(app) == ["H0651"]


def test_the_description_is_json_the_same_twice_and_names_everything(app):
    async def prices() -> Prices: ...

    async def slow(call, proceed): ...

    app.manage(Strict())
    app.provide(prices)
    app.use(slow)
    app.mount("/legacy", None)
    app.expose(price, http.get("/prices/{sku}"), command("price"), allow=any_of(internal, signed_in), timeout=3)
    described = app.describe()
    assert json.dumps(described) == json.dumps(app.describe())
    (operation,) = described["operations"]
    assert operation.pop("place").startswith("tests/unit/app/test_check.py:")
    assert operation == {
        "name": "price",
        "kind": "unary",
        "summary": "Look a price up.",
        "message": "Price",
        "reply": "int",
        "needs": {"prices": "Prices"},
        "allow": "any_of(internal, signed_in)",
        "raises": [],
        "timeout": 3,
        "limits": [],
        "idempotency": None,
        "bindings": [
            {"transport": "http", "method": "GET", "path": "/prices/{sku}"},
            {"transport": "command", "name": "price"},
        ],
        "chain": [
            "log",
            "recover",
            "deadline",
            "authenticate",
            "allow",
            "decode",
            slow.__qualname__,
            "scope",
            "use case",
            "encode",
        ],
    }
    assert (described["service"], described["environment"], described["mounts"]) == ("shop", "dev", ["/legacy"])
    assert described["components"] == ["Strict"]
    assert described["providers"][0]["factory"] == prices.__qualname__
    assert described["ports"]["Prices"]["scope"] == "call"


def test_a_type_that_is_put_together_says_itself(app):
    async def many(*, words: list[str]) -> dict[str, int] | None: ...

    app.expose(many, allow=public)
    (operation,) = app.describe()["operations"]
    assert (operation["reply"], operation["needs"]) == ("dict[str, int] | None", {"words": "list[str]"})


def test_an_app_says_how_much_it_has(app):
    app.expose(ping, allow=public)
    assert repr(app) == "<App shop: 1 operations>"
