import asyncio

import pytest

from hardy.core import Call, Operation, Principal, Unavailable
from hardy.resilience import (
    CallLimited,
    LimiterFailed,
    LimiterRecovered,
    MemoryLimiter,
    RateLimited,
    RateLimits,
    per_address,
    per_key,
    per_operation,
    per_principal,
)
from hardy.testing import VirtualClock


async def search() -> None: ...


OPERATION = Operation.of(search)


def call(*, peer="192.0.2.1:4711", who=None, transport="http"):
    made = Call(OPERATION, transport, peer=peer)
    made.principal = who
    return made


async def passes(_):
    return "passed"


class Counter:
    """A layer on a limiter of its own, with what it noticed."""

    def __init__(self, *limits, limiter=None):
        self.clock = VirtualClock()
        self.limiter = limiter or MemoryLimiter(clock=self.clock)
        self.own = MemoryLimiter(clock=self.clock)
        self.notices = []
        self.layer = RateLimits(
            [("svc", each) for each in limits],
            shared=lambda: self.limiter,
            own=lambda: self.own,
            emit=self.notices.append,
        )

    async def __call__(self, each):
        try:
            return await self.layer(each, passes)
        except RateLimited as error:
            return error.retry_after


def headers(each):
    return dict(each.attached)


async def test_one_too_many_is_refused_and_told_when_to_come_back():
    counter = Counter(per_principal(2, per=10))
    answers = [await counter(call()) for _ in range(3)]
    assert answers == ["passed", "passed", 5.0]
    assert counter.notices == [CallLimited(limit="principal", operation="search", transport="http")]


KEYS = {
    "one address": (per_address, "192.0.2.1:1", None, "192.0.2.1:2", None, True),
    "two addresses": (per_address, "192.0.2.1:1", None, "192.0.2.2:1", None, False),
    "one address, two principals": (
        per_address,
        "192.0.2.1:1",
        Principal("ann"),
        "192.0.2.1:1",
        Principal("bob"),
        True,
    ),
    "one site of IPv6": (per_address, "[2001:db8::1]:1", None, "[2001:db8::ffff:2]:2", None, True),
    "two sites of IPv6": (per_address, "[2001:db8::1]:1", None, "[2001:db8:0:1::1]:1", None, False),
    "IPv4 in IPv6": (per_address, "192.0.2.1:1", None, "[::ffff:192.0.2.1]:9", None, True),
    "IPv4 without a port": (per_address, "192.0.2.1", None, "192.0.2.1:9", None, True),
    "IPv6 without a port": (per_address, "2001:db8::1", None, "[2001:db8::2]:9", None, True),
    "a zone": (per_address, "[fe80::1%eth0]:1", None, "[fe80::1]:1", None, True),
    "one principal, two addresses": (
        per_principal,
        "192.0.2.1:1",
        Principal("ann"),
        "192.0.2.2:1",
        Principal("ann"),
        True,
    ),
    "two principals": (per_principal, "192.0.2.1:1", Principal("ann"), "192.0.2.1:1", Principal("bob"), False),
    "a person and a program of one name": (
        per_principal,
        "192.0.2.1:1",
        Principal("ann"),
        "192.0.2.1:1",
        Principal("ann", kind="service"),
        False,
    ),
    "two tenants": (per_principal, "", Principal("ann", tenant="a"), "", Principal("ann", tenant="b"), False),
    "nobody, one address": (per_principal, "192.0.2.1:1", None, "192.0.2.1:2", None, True),
    "nobody, two addresses": (per_principal, "192.0.2.1:1", None, "192.0.2.2:2", None, False),
    "everybody": (per_operation, "192.0.2.1:1", Principal("ann"), "192.0.2.2:1", None, True),
}


@pytest.mark.parametrize(("limit", "peer", "who", "other_peer", "other", "together"), KEYS.values(), ids=KEYS)
async def test_who_is_counted_together(limit, peer, who, other_peer, other, together):
    counter = Counter(limit(1, per=60))
    await counter(call(peer=peer, who=who))
    assert (await counter(call(peer=other_peer, who=other)) != "passed") is together


@pytest.mark.parametrize("peer", ["", "/run/svc.sock", "unix:"], ids=["none", "a path", "a socket"])
async def test_who_has_no_address_is_not_counted_by_it(peer):
    counter = Counter(per_address(1, per=60))
    assert [await counter(call(peer=peer)) for _ in range(3)] == ["passed"] * 3


@pytest.mark.parametrize("transport", ["command", "events", "jobs", "schedule"])
async def test_what_the_service_calls_itself_is_not_counted(transport):
    counter = Counter(per_operation(1, per=60))
    assert [await counter(call(transport=transport)) for _ in range(3)] == ["passed"] * 3


async def test_a_key_function_says_whom_and_none_is_nobody():
    def tenant(each):
        return each.principal.tenant

    counter = Counter(per_key(tenant, 1, per=60))
    ann, bob, eve = (Principal(name, tenant=of) for name, of in [("ann", "a"), ("bob", "a"), ("eve", None)])
    assert await counter(call(who=ann)) == "passed"
    assert await counter(call(who=bob)) == 60
    assert [await counter(call(who=eve)) for _ in range(3)] == ["passed"] * 3
    assert counter.layer.limits[0].name == "tenant"


async def test_each_of_several_limits_has_to_let_it_pass():
    counter = Counter(per_principal(10, per=60, name="minute"), per_principal(1, per=1, name="second"))
    ann = Principal("ann")
    assert [await counter(call(who=ann)) for _ in range(2)] == ["passed", 1.0]
    counter.clock.advance(1)
    assert await counter(call(who=ann)) == "passed"


async def test_what_is_left_is_attached_to_the_answer():
    counter = Counter(per_address(600, per=60), per_principal(3, per=30, burst=2))
    each = call()
    await counter(each)
    assert headers(each) == {
        "ratelimit-policy": '"address";q=600;w=60, "principal";q=3;w=30;hardy-burst=2',
        "ratelimit": '"address";r=599;t=1, "principal";r=1;t=10',
    }


async def test_a_refusal_says_in_both_headers_the_same_moment():
    counter = Counter(per_principal(1, per=30))
    await counter(call())
    counter.clock.advance(9.5)
    each = call()
    with pytest.raises(RateLimited) as refused:
        await counter.layer(each, passes)
    assert refused.value.retry_after == 20.5
    assert headers(each)["ratelimit"] == '"principal";r=0;t=21'


@pytest.mark.parametrize(
    ("count", "per", "policy"),
    [(10, 0.5, "q=20;w=1"), (5, 1.5, "q=6;w=2"), (1, 3600, "q=1;w=3600")],
    ids=["below a second", "one and a half", "an hour"],
)
async def test_windows_are_told_in_whole_seconds(count, per, policy):
    counter = Counter(per_operation(count, per=per))
    each = call()
    await counter(each)
    assert headers(each)["ratelimit-policy"] == f'"operation";{policy}'


class Away:
    """A limiter that can be out of reach."""

    def __init__(self):
        self.away = True
        self.real = MemoryLimiter(clock=VirtualClock())

    async def admit(self, key, rate, *, cost=1):
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the store is away")
        return await self.real.admit(key, rate, cost=cost)


async def test_open_on_failure_lets_everything_pass_and_says_so_once():
    counter = Counter(per_operation(1, per=60, on_failure="open"), limiter=Away())
    assert [await counter(call()) for _ in range(3)] == ["passed"] * 3
    counter.limiter.away = False
    assert [await counter(call()) for _ in range(2)] == ["passed", 60]
    assert [type(each) for each in counter.notices] == [LimiterFailed, LimiterRecovered, CallLimited]
    counted = counter.layer.statistics()["operation"]
    assert (counted.passed, counted.refused, counted.uncounted) == (1, 1, 3)


async def test_closed_on_failure_lets_nothing_pass():
    counter = Counter(per_operation(1, per=60, on_failure="closed"), limiter=Away())
    with pytest.raises(Unavailable) as refused:
        await counter(call())
    assert refused.value.retry_after == 1
    assert counter.notices == [LimiterFailed(limit="operation", operation="search", on_failure="closed")]


async def test_a_limit_of_the_process_does_not_ask_the_others():
    counter = Counter(per_operation(1, per=60, scope="process"), limiter=Away())
    assert [await counter(call()) for _ in range(2)] == ["passed", 60]


async def test_a_defect_of_a_limiter_is_no_failure_to_reach_it():
    class Broken:
        async def admit(self, key, rate, *, cost=1):
            raise ZeroDivisionError

    counter = Counter(per_operation(1, per=60, on_failure="open"), limiter=Broken())
    with pytest.raises(ZeroDivisionError):
        await counter(call())


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "ä", "a;b"])
def test_a_name_that_headers_cannot_carry_is_refused(name):
    with pytest.raises(ValueError, match="no name of a limit"):
        per_key(str, 1, per=1, name=name or " ")


async def test_an_outage_is_told_once_and_not_by_each_operation():
    limit, away, notices, down = per_operation(9, per=60, on_failure="open"), Away(), [], set()
    layers = [
        RateLimits([("svc", limit)], shared=lambda: away, own=lambda: away, emit=notices.append, down=down)
        for _ in range(3)
    ]
    for is_away in (True, False):
        away.away = is_away
        for layer in layers:
            await layer(call(), passes)
    assert [type(each) for each in notices] == [LimiterFailed, LimiterRecovered]
