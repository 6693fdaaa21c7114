"""What an app says of limits and keys: checked when it is built, shown in its chain, carried out in it."""

import io
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from hardy import App, Principal, public, signed_in
from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.adapters.sql.idempotency import SqlIdempotency
from hardy.app import Assembly, Service, openapi
from hardy.app._policies import counts_alone
from hardy.config import Settings
from hardy.core import Call, InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable
from hardy.resilience import (
    IdempotencyStore,
    Limiter,
    MemoryIdempotency,
    MemoryLimiter,
    per_address,
    per_key,
    per_operation,
    per_principal,
    unlimited,
)
from hardy.testing import VirtualClock, client
from hardy.transport import http


async def pay(amount: int) -> int:
    return amount


async def refund(amount: int) -> int:
    return -amount


async def watch() -> AsyncIterator[int]:
    yield 1


async def hook(request: http.Request) -> http.Response:
    return http.Response(204)


async def upload(file: http.File) -> int:
    return 1


class SharedLimiter(MemoryLimiter):
    """Stands for one that all replicas ask."""

    process_local = False
    worker_local = False


def app_with(*components, settings=None, **options):
    app = App("till", settings or Settings(environment="dev"), **options)
    for each in components:
        app.manage(each)
    return app


def codes(app):
    return [fault.code for fault in app.check()]


UNREPEATABLE = {
    "a stream": (watch, http.get("/watch")),
    "a raw operation": (hook, http.raw.post("/hook")),
    "a form with files": (upload, http.post("/files")),
}


@pytest.mark.parametrize(("use_case", "route"), UNREPEATABLE.values(), ids=UNREPEATABLE)
def test_what_cannot_be_answered_again_is_refused(use_case, route):
    app = app_with(MemoryIdempotency())
    app.expose(use_case, route, allow=public, idempotency="accepted")
    (fault,) = [each for each in app.check() if each.code == "H0720"]
    assert use_case.__name__ in fault.title
    assert fault.place is not None


def test_a_word_that_means_nothing_is_refused():
    app = app_with(MemoryIdempotency())
    app.expose(pay, http.post("/pay"), allow=public, idempotency="always")
    (fault,) = app.check()
    assert fault.code == "H0720"
    assert "'always'" in fault.title


def test_keys_need_something_that_remembers_them():
    app = app_with()
    app.expose(pay, http.post("/pay"), allow=public, idempotency="accepted")
    assert codes(app) == ["H0721"]
    app.manage(MemoryIdempotency())
    assert codes(app) == []


def test_a_store_in_the_transaction_needs_the_database_before_it():
    app = app_with(SqlIdempotency())
    app.expose(pay, http.post("/pay"), allow=public, idempotency="accepted")
    assert "H0708" in codes(app)
    app = app_with(Database(DatabaseSettings(url="sqlite:///:memory:")), SqlIdempotency())
    app.expose(pay, http.post("/pay"), allow=public, idempotency="accepted")
    assert codes(app) == []


PRODUCTION = Settings(environment="production", replicas=3)


def test_replicas_that_count_for_themselves_are_refused():
    app = app_with(settings=PRODUCTION)
    app.expose(pay, http.post("/pay"), allow=public, limit=per_principal(5, per=60))
    (fault,) = app.check()
    assert fault.code == "H0722"
    assert fault.title == "each of 3 replicas would let 5 through to `pay`"
    assert counts_alone(app)


HARMLESS = {
    "one replica": (Settings(environment="production"), per_principal(5, per=60)),
    "not production": (Settings(environment="dev", replicas=3), per_principal(5, per=60)),
    "each for itself on purpose": (PRODUCTION, per_principal(5, per=60, scope="process")),
    "no limit": (PRODUCTION, ()),
}


@pytest.mark.parametrize(("settings", "limit"), HARMLESS.values(), ids=HARMLESS)
def test_where_nobody_disagrees_counting_in_memory_will_do(settings, limit):
    app = app_with(settings=settings)
    app.expose(pay, http.post("/pay"), allow=public, limit=limit)
    assert codes(app) == []


def test_a_limiter_in_memory_beside_replicas_is_refused_like_any_component():
    app = app_with(MemoryLimiter(), settings=PRODUCTION)
    app.expose(pay, http.post("/pay"), allow=public, limit=per_principal(5, per=60))
    assert codes(app) == ["H0662"]


def test_a_limit_on_a_server_says_what_happens_without_it():
    app = app_with(SharedLimiter(), limit=per_address(9, per=1))
    app.expose(pay, http.post("/pay"), allow=public, limit=[per_principal(5, per=60), per_operation(5, per=1)])
    app.expose(refund, http.post("/refund"), allow=public)
    faults = app.check()
    assert [fault.code for fault in faults] == ["H0723"] * 3
    assert faults[0].title.startswith("`till` is limited to 9 per 1 s and address")
    assert 'on_failure="open"' in faults[0].helps[0]
    said = app_with(SharedLimiter())
    said.expose(pay, http.post("/pay"), allow=public, limit=per_principal(5, per=60, on_failure="closed"))
    said.expose(refund, http.post("/refund"), allow=public, limit=per_principal(5, per=60, scope="process"))
    assert codes(said) == []


def test_the_chain_shows_what_counts_and_what_remembers():
    app = app_with(MemoryIdempotency(), limit=per_address(600, per=60))
    app.expose(pay, http.post("/pay"), allow=public, limit=per_principal(5, per=60), idempotency="required")
    app.expose(refund, http.post("/refund"), allow=public, limit=unlimited)
    paid, refunded = app.describe()["operations"]
    chain = paid["chain"]
    assert chain.index("limit(address)") < chain.index("authenticate") < chain.index("limit(principal)")
    assert chain.index("limit(principal)") < chain.index("allow")
    assert chain[-4:] == ["scope", "idempotency", "use case", "encode"]
    assert (paid["limits"], paid["idempotency"]) == (
        ["600 per 60 s and address", "5 per 60 s and principal"],
        "required",
    )
    assert (refunded["limits"], refunded["idempotency"]) == ([], None)
    assert not any("limit" in each or each == "idempotency" for each in refunded["chain"])


def test_the_api_document_has_the_header_and_the_answers():
    app = app_with(MemoryIdempotency())
    app.expose(pay, http.post("/pay"), allow=public, limit=per_principal(5, per=60), idempotency="required")
    app.expose(refund, http.post("/refund"), allow=public)
    document = openapi(app)
    paid, refunded = (document["paths"][path]["post"] for path in ("/pay", "/refund"))
    (key,) = [each for each in paid["parameters"] if each["name"] == "Idempotency-Key"]
    assert (key["in"], key["required"]) == ("header", True)
    assert {"400", "409", "422", "429"} <= paid["responses"].keys()
    assert set(paid["responses"]["429"]["headers"]) == {"Retry-After", "RateLimit"}
    assert set(paid["responses"]["200"]["headers"]) == {"RateLimit", "RateLimit-Policy", "Idempotency-Replayed"}
    assert set(document["components"]["headers"]) == {
        "Retry-After",
        "RateLimit",
        "RateLimit-Policy",
        "Idempotency-Replayed",
    }
    assert "parameters" not in refunded
    assert not {"409", "429"} & refunded["responses"].keys()


async def test_the_limits_of_the_app_count_all_operations_and_an_operations_own_only_its():
    app = app_with(limit=per_principal(3, per=60), clock=VirtualClock())
    app.expose(pay, http.post("/pay"), allow=public, limit=per_operation(2, per=60))
    app.expose(refund, http.post("/refund"), allow=public)
    async with client(app, caller=Principal("ann")) as ann:
        assert [await ann.call(pay, 1) for _ in range(2)] == [1, 1]
        with pytest.raises(ResourceExhausted) as refused:
            await ann.call(pay, 1)
        assert refused.value.details == {"limit": "operation"}
        with pytest.raises(ResourceExhausted) as refused:  # the third was counted by the app's limit, too
            await ann.call(refund, 1)
        assert refused.value.details == {"limit": "principal"}
        assert await ann.as_(Principal("bob")).call(refund, 1) == -1


async def test_limits_of_one_name_count_apart():
    app = app_with(limit=per_principal(100, per=60), clock=VirtualClock())
    app.expose(pay, http.post("/pay"), allow=public, limit=per_principal(1, per=60))
    async with client(app, caller=Principal("ann")) as ann:
        await ann.call(pay, 1)
        with pytest.raises(ResourceExhausted) as refused:
            await ann.call(pay, 1)
        assert refused.value.details == {"limit": "principal-2"}


async def test_an_address_is_counted_before_anybody_is_known_and_a_principal_before_it_is_asked_who_may():
    def address(call):
        return call.peer

    app = app_with(clock=VirtualClock())
    app.expose(pay, http.post("/pay"), allow=signed_in, limit=per_principal(2, per=60))
    early = per_address(2, per=60)
    app.expose(refund, http.post("/refund"), allow=lambda call: False, limit=[early, per_key(address, 3, per=60)])
    async with client(app, "http") as stranger:
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                await stranger.call(pay, 1)
        with pytest.raises(ResourceExhausted):
            await stranger.call(pay, 1)
        for _ in range(2):
            with pytest.raises(PermissionDenied):
                await stranger.as_(Principal("ann")).call(refund, 1)
        with pytest.raises(ResourceExhausted):
            await stranger.call(refund, 1)


async def test_a_test_may_put_its_own_stores_in_place():
    app = app_with(SharedLimiter(), SqlIdempotency())
    app.expose(
        pay,
        http.post("/pay"),
        allow=public,
        limit=per_operation(1, per=60, on_failure="closed"),
        idempotency="required",
    )
    mine = MemoryLimiter()
    with app.override({Limiter: mine, IdempotencyStore: MemoryIdempotency()}):
        async with client(app) as caller:
            assert await caller.under("k").call(pay, 5) == 5
    assert mine.statistics().admitted == 1


async def test_a_store_in_the_transaction_writes_in_the_one_of_the_call():
    async def take(amount: int, *, session: Session) -> int:
        await session.execute("insert into payments values (:amount)", amount=amount)
        if amount > 100:
            raise ZeroDivisionError
        return await session.first(int, "select count(*) from payments")

    tables = ";".join(step.sqlite for step in SqlIdempotency.schema_steps)
    settings = DatabaseSettings(url="sqlite:///:memory:", migrate="ignore")
    database = Database(settings, schema="create table payments (amount integer);" + tables)
    app = app_with(database, SqlIdempotency())
    app.expose(take, http.post("/take"), allow=public, idempotency="accepted")
    async with client(app) as caller:
        assert [await caller.under("k").call(take, 5) for _ in range(3)] == [1, 1, 1]
        for _ in range(2):
            with pytest.raises(Exception, match="internal error"):
                await caller.under("broken").call(take, 500)
        assert [await caller.call(take, 5) for _ in range(2)] == [2, 3]
        assert database.statistics().rollbacks == 2


@pytest.mark.every_transport
async def test_keys_and_limits_mean_the_same_on_every_transport(client):
    ann = client.as_(Principal("ann"))
    assert [await ann.under("k").call(pay, 5) for _ in range(2)] == [5, 5]
    with pytest.raises(InvalidArgument) as missing:
        await ann.call(pay, 5)
    assert missing.value.reason == "idempotency_key_missing"
    await ann.under("other").call(pay, 6)
    with pytest.raises(ResourceExhausted) as refused:
        await ann.under("k").call(pay, 5)
    assert refused.value.reason == "rate_limited"
    assert refused.value.retry_after == pytest.approx(15, abs=1)


@pytest.fixture
def app():
    from hardy.transport import grpc

    made = app_with(MemoryIdempotency(), clock=VirtualClock())
    limit = per_principal(4, per=60)
    rpc = grpc.service("till.v1.Till")
    made.expose(pay, http.post("/pay"), rpc("Pay"), allow=signed_in, limit=limit, idempotency="required")
    return made


async def test_the_log_tells_once_when_nobody_counts_and_once_when_somebody_does_again():
    class Away(SharedLimiter):
        away = True

        async def admit(self, key, rate, *, cost=1):
            if self.away:
                raise Unavailable("the store is away")
            return await super().admit(key, rate, cost=cost)

    limiter, log = Away(), io.StringIO()
    app = app_with(limiter)
    app.expose(pay, http.post("/pay"), allow=public, limit=per_operation(100, per=60, on_failure="open"))
    assembly = Assembly(app, log=log)
    async with Service(assembly):
        handler = assembly.handler(assembly.operation(pay))
        for away in (True, True, False, False):
            limiter.away = away
            call = Call(assembly.operation(pay), "direct")
            call.message = 5
            with suppress(Exception):  # the message is read a second time; it was counted before
                await call.run(handler)
    told = log.getvalue()
    assert told.count("calls cannot be counted") == told.count("calls are counted again") == 1


def test_what_was_counted_is_in_the_statistics(app):
    assembly = Assembly(app)
    assert assembly.policies.statistics()["limits"]["pay"]["principal"].passed == 0
    assert assembly.policies.statistics()["idempotency"]["pay"].started == 0
