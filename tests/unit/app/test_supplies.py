"""Components that work with other components."""

from typing import Protocol

import pytest

from hardy import App, Clock, internal
from hardy.app import Assembly, Service
from hardy.core import BuildFailed, Notices


class Publisher(Protocol):
    """A port that only components need."""

    def publish(self, what: str) -> None: ...


class Broker(Publisher, Protocol):
    """A port that is more than the other."""


class Opened:
    """A component that notes when it is opened."""

    def __init__(self, order):
        self.order = order

    async def __aenter__(self):
        self.order.append(type(self).__name__)
        return self

    async def __aexit__(self, *_):
        return None


class Rabbit(Opened):
    port = Broker


class Store(Opened):
    pass


class Relay(Opened):
    def wire(self, *, store: Store, publisher: Publisher, clock: Clock, notices: Notices, spare: dict | None) -> None:
        self.given = (store, publisher, clock, notices, spare)
        self.order.append("wired")


async def nothing() -> None:
    """Do nothing."""


def app_with(*components):
    app = App("wired")
    for each in components:
        app.manage(each)
    app.expose(nothing, allow=internal)
    return app


async def test_a_component_is_given_what_was_opened_before_it():
    order = []
    store, rabbit, relay = Store(order), Rabbit(order), Relay(order)
    assembly = Assembly(app_with(store, rabbit, relay))
    async with Service(assembly):
        assert relay.given == (store, rabbit, assembly.clock, assembly.notices, None)
    assert order == ["Store", "Rabbit", "wired", "Relay"]


@pytest.mark.parametrize(
    ("kinds", "remedy"),
    {
        "missing": ((Store, Relay), "manage one that does, before `Relay`"),
        "too late": ((Store, Relay, Rabbit), "manage it before `Relay`"),
    }.values(),
    ids=["missing", "too late"],
)
def test_what_a_component_lacks_is_told_at_build(kinds, remedy):
    app = app_with(*[kind([]) for kind in kinds])
    [fault] = app.check()
    assert (fault.code, fault.title) == ("H0708", "`Relay` needs a `Publisher`, and no component before it is one")
    assert remedy in fault.helps[0]
    with pytest.raises(BuildFailed):
        Assembly(app)


async def test_a_test_replaces_what_only_components_need():
    order, fake = [], object()
    relay = Relay(order)
    app = app_with(Store(order), Rabbit(order), relay)
    with app.override({Publisher: fake}):
        async with Service(Assembly(app)):
            assert relay.given[1] is fake
    assert order == ["Store", "Rabbit", "wired", "Relay"]


async def test_a_component_that_is_replaced_itself_is_not_opened():
    order, fake = [], object()
    relay = Relay(order)
    app = app_with(Store(order), Rabbit(order), relay)
    with app.override({Store: fake}):
        async with Service(Assembly(app)):
            assert relay.given[0] is fake
    assert order == ["Rabbit", "wired", "Relay"]
