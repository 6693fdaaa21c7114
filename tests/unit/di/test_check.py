"""Everything that is wrong with a graph is said before anything runs, at once, with what to type."""

import gc
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NewType, Protocol

import pytest

from hardy.core import BuildFailed, Call, Diagnostic, Operation, Principal
from hardy.di import Container


class Session: ...


class Orders(Protocol):
    async def add(self, order: str) -> None: ...


class SqlOrders:
    def __init__(self, session: Session) -> None: ...

    async def add(self, order: str) -> None: ...


class Prices(Protocol):
    async def price_of(self, sku: str) -> int: ...


class Checkout: ...


class Pricing: ...


class Promotions: ...


async def place_order(sku: str, *, orders: Orders) -> None: ...


async def get_order(sku: str, *, orders: Orders, caller: Principal | None) -> None: ...


async def watch_orders(*, orders: Orders) -> AsyncIterator[str]:
    yield ""


async def price(*, prices: Prices) -> None: ...


def session() -> Session:
    return Session()


def orders(session: Session) -> Orders:
    return SqlOrders(session)


def operations(*use_cases: Callable[..., object]) -> list[Operation]:
    return [Operation.of(each) for each in use_cases]


def container(*providers: Callable[..., object], builtins=None, constants=None) -> Container:
    made = Container(builtins or {Principal: lambda call: call.principal}, constants)
    for each in providers:
        made.provide(each)
    return made


def faults(made: Container, *use_cases: Callable[..., object]) -> list[Diagnostic]:
    return made.check(operations(*use_cases))


def text(diagnostic: Diagnostic) -> str:
    """The rendered diagnostic, with lines counted from the one that is pointed at."""
    return re.sub(r"(tests\S*/)?(test_\w+\.py):\d+", r"\2:00", re.sub(r"(?m)^\s*\d* \|", "|", diagnostic.render()))


def lines(*text: str) -> str:
    return "\n".join(text)


def codes(found: list[Diagnostic]) -> list[str]:
    return [each.code for each in found]


def test_a_graph_that_is_whole_has_no_faults():
    assert faults(container(session, orders), place_order, get_order) == []


# --- missing ------------------------------------------------------------------------------------------------------------


def test_a_port_that_nothing_provides_is_named_with_who_needs_it():
    (fault,) = faults(container(), price)
    assert text(fault) == lines(
        "error[H0701]: nothing provides `Prices`",
        "  --> test_check.py:00",
        "|",
        "| async def price(*, prices: Prices) -> None: ...",
        "|                    ^^^^^^^^^^^^^^ needed here",
        "  needed by   price(prices: Prices)   test_check.py:00",
        "  help: write a provider, or `app.manage(...)` a component that yields it:",
        "            def prices(...) -> Prices:",
        "                return ...",
        "            app.provide(prices)",
        "  more: hardy explain H0701",
    )  # fmt: skip


def test_a_port_that_a_provider_misses_is_named_with_the_operations_behind_it():
    (fault,) = faults(container(orders), place_order, get_order)
    assert fault.title == "nothing provides `Session`"
    assert [re.sub(r"\S+/|:\d+", "", line) for line in fault.body] == [
        "needed by   orders(session: Session)   test_check.py",
        "      for   place_order, get_order",
    ]


def test_several_who_miss_one_port_are_one_fault():
    (fault,) = faults(container(), place_order, get_order)
    assert [re.sub(r"\S+/|:\d+", "", line) for line in fault.body] == [
        "needed by   place_order(…, orders: Orders)   test_check.py",
        "            get_order(…, orders: Orders)     test_check.py",
    ]


def test_all_that_is_missing_is_said_at_once():
    assert [each.title for each in faults(container(), place_order, price)] == [
        "nothing provides `Orders`",
        "nothing provides `Prices`",
    ]


def test_a_class_that_fits_is_shown():
    (fault,) = faults(container(), place_order)
    assert re.sub(r" \(\S+\)", "", fault.helps[0]).splitlines() == [
        "one class fits: `SqlOrders`; provide it:",
        "    def orders(...) -> Orders:",
        "        return SqlOrders(...)",
        "    app.provide(orders)",
    ]


def test_a_provider_whose_class_fits_is_shown():
    def sql_orders() -> SqlOrders: ...

    (fault,) = faults(container(sql_orders), place_order)
    assert re.sub(r" \(\S+\)", "", fault.helps[0]) == "`sql_orders` provides `SqlOrders`, which fits: write `-> Orders`"


def test_a_namesake_is_told_apart():
    namesake = type("Prices", (), {"__module__": "shop.prices"})

    def other(): ...

    other.__annotations__ = {"return": namesake}
    (fault,) = faults(container(other), price)
    assert fault.helps[0] == (
        f"another `Prices` is provided, of shop.prices; import that one instead of {Prices.__module__}'s"
    )


def test_the_nearest_name_is_shown():
    class Pricess: ...

    def near() -> Pricess: ...

    near.__annotations__ = {"return": Pricess}
    (fault,) = faults(container(near), price)
    assert fault.helps[0] == "the nearest name is `Pricess`, which is provided: write it where `Prices` stands"


def test_what_a_component_declares_is_there():
    made = container()
    made.declare(Prices, "component `prices`")
    assert faults(made, price) == []


@pytest.mark.parametrize(
    "port",
    [NewType("Replica", Session), dict[str, Session], Session | Checkout],
    ids=["a new type", "a parametrised one", "a union"],
)
def test_a_port_need_not_be_a_class(port):
    async def use(*, it) -> None: ...

    def make(): ...

    use.__annotations__["it"] = make.__annotations__["return"] = port
    assert codes(faults(container(), use)) == ["H0701"]
    assert faults(container(make), use) == []


def test_an_abstract_class_is_a_port_and_its_child_fits():
    import abc

    class Store(abc.ABC):
        @abc.abstractmethod
        def get(self) -> None: ...

    class MemoryStore(Store):
        def get(self) -> None: ...

    async def use(*, store) -> None: ...

    use.__annotations__["store"] = Store
    (fault,) = faults(container(), use)
    assert "one class fits: `MemoryStore`" in fault.helps[0]


def test_a_class_that_only_declares_an_attribute_fits_too():
    class Named(Protocol):
        name: str

    class Thing:
        name: str

    def thing(): ...

    async def use(*, named) -> None: ...

    thing.__annotations__["return"] = Thing
    use.__annotations__["named"] = Named
    (fault,) = faults(container(thing), use)
    assert "`thing`" in fault.helps[0]


def test_a_typed_dictionary_is_a_port_nothing_fits():
    from typing import TypedDict

    class Limits(TypedDict):
        size: int

    async def use(*, limits) -> None: ...

    use.__annotations__["limits"] = Limits
    (fault,) = faults(container(session), use)
    assert "return ..." in fault.helps[0]


# --- cycles --------------------------------------------------------------------------------------------------------------


def checkout(pricing: Pricing) -> Checkout: ...


def pricing(promotions: Promotions) -> Pricing: ...


def promotions(checkout: Checkout, session: Session) -> Promotions: ...


async def pay(*, checkout: Checkout) -> None: ...


async def look(*, pricing: Pricing) -> None: ...


def test_a_cycle_is_drawn_whole():
    (fault,) = faults(container(checkout, pricing, promotions, session), pay, look)
    assert text(fault) == lines(
        "error[H0702]: these three need each other, so none can be built first",
        "",
        "    Checkout               test_check.py:00   checkout(pricing: Pricing)",
        "      └─ Pricing           test_check.py:00   pricing(promotions: Promotions)",
        "           └─ Promotions   test_check.py:00   promotions(…, checkout: Checkout)",
        "                └─ Checkout   (again)",
        "",
        "  help: give what `promotions` uses of `Checkout` a port and a provider of its own:",
        "            class Part(Protocol): ...",
        "            def part(...) -> Part: ...",
        "  more: hardy explain H0702",
    )  # fmt: skip


def test_a_provider_that_needs_itself_is_a_cycle_of_one():
    def again(session: Session) -> Session: ...

    async def use(*, session: Session) -> None: ...

    (fault,) = faults(container(again), use)
    assert fault.title == "`Session` needs itself, so it cannot be built"


def test_two_cycles_are_two_faults():
    def twin(session: Session) -> Session: ...

    made = container(checkout, pricing, promotions, twin)
    assert codes(faults(made, pay)) == ["H0702", "H0702"]


def test_a_diamond_is_no_cycle():
    def left(session: Session) -> Pricing: ...

    def right(session: Session) -> Promotions: ...

    def top(left: Pricing, right: Promotions) -> Checkout: ...

    assert faults(container(left, right, top, session), pay) == []


def test_more_than_nine_are_counted_in_figures():
    kinds = [type(f"T{n}", (), {}) for n in range(11)]
    made = container()
    for n, kind in enumerate(kinds):

        def make(need): ...

        make.__annotations__ = {"need": kinds[(n + 1) % 11], "return": kind}
        made.provide(make)

    async def use(*, first) -> None: ...

    use.__annotations__["first"] = kinds[0]
    (fault,) = faults(made, use)
    assert fault.title.startswith("these 11 need each other")


# --- scopes --------------------------------------------------------------------------------------------------------------


def test_what_outlives_the_call_may_not_keep_a_thing_of_the_call():
    made = container(session)
    made.provide(orders, scope="app")
    (fault,) = faults(made, place_order)
    assert text(fault) == lines(
        "error[H0703]: `orders` lives as long as the app, but needs `Session`, which lives for one call",
        "  --> test_check.py:00",
        "|",
        "| def orders(session: Session) -> Orders:",
        "|            ^^^^^^^^^^^^^^^^ gone after the call",
        "  made by     session(…) -> Session      test_check.py:00",
        "  help: make it once per call: `app.provide(orders)`",
        '  help: or let `Session` live as long: `app.provide(session, scope="app")`',
        "  more: hardy explain H0703",
    )  # fmt: skip


def test_what_outlives_the_call_may_not_keep_its_principal():
    def mine(caller: Principal) -> Session: ...

    made = container(orders)
    made.provide(mine, scope="app")
    (fault,) = faults(made, place_order)
    assert (fault.code, fault.body) == ("H0703", ("built in    `Principal` belongs to the call that is made",))
    assert fault.helps[1] == "or pass `Principal` to the method that uses it: `def get(self, principal: Principal)`"


def test_what_outlives_the_call_may_have_the_constants_of_the_app():
    class Clock: ...

    def make(clock) -> Session: ...

    make.__annotations__["clock"] = Clock
    made = container(orders, builtins={Clock: lambda call: None}, constants={Clock: Clock()})
    made.provide(make, scope="app")
    assert faults(made, place_order) == []


@pytest.mark.parametrize("kind", ["out", "in"])
def test_a_stream_may_not_need_a_thing_of_the_call(kind):
    from dataclasses import make_dataclass

    async def take(items, *, orders: Orders) -> None: ...

    take.__annotations__["items"] = AsyncIterator[make_dataclass("Item", [("sku", str)])]
    made = container(session, orders)
    (fault,) = faults(made, watch_orders if kind == "out" else take)
    assert fault.code == "H0707"
    assert fault.title.endswith("streams, and may only need what lives as long as the app")
    assert fault.helps[0] == 'make it once per app: `app.provide(orders, scope="app")`'


def test_a_stream_may_need_what_the_call_carries_and_what_the_app_has():
    async def watch(*, caller: Principal, call: Call, orders: Orders) -> AsyncIterator[str]:
        yield ""

    made = container(builtins={Principal: lambda call: None, Call: lambda call: call})
    made.provide(SqlOrdersOf(), scope="app")
    assert codes(faults(made, watch)) == ["H0706", "H0701"]
    made = container(builtins={Principal: lambda call: None, Call: lambda call: call})
    made.provide(memory_orders, scope="app")
    assert faults(made, watch) == []


class SqlOrdersOf: ...


def memory_orders() -> Orders: ...


# --- two for one ------------------------------------------------------------------------------------------------------------


def test_two_providers_of_one_port_are_refused():
    def again() -> Session: ...

    (fault,) = faults(container(session, again, orders), place_order)
    assert re.sub(r" \(\S+\)", "", fault.title) == "`Session` is provided twice: by `session` and by `again`"
    assert fault.helps == (
        'remove one of the two, or give each a name: `Replica = NewType("Replica", Session)`',
        "in a test, replace it: `with app.override({Session: ...}):`",
    )


def test_a_component_and_a_provider_of_one_port_are_refused():
    made = container(orders)
    made.declare(Session, "component `database`")
    made.provide(session)
    made.declare(Session, "component `replica`")
    assert [each.title for each in faults(made, place_order)] == [
        "`Session` is provided twice: by component `database` and by `session`",
        "`Session` is provided twice: by component `database` and by component `replica`",
    ]


def test_what_hardy_itself_gives_is_not_provided_again():
    def me() -> Principal: ...

    (fault,) = faults(container(me))
    assert fault.title == "`Principal` is provided twice: by hardy itself and by `me`"


# --- overrides ---------------------------------------------------------------------------------------------------------------


def test_an_override_stands_in_for_the_provider_and_all_that_only_it_needed():
    made = container(orders)
    assert codes(faults(made, place_order)) == ["H0701"]
    with made.override({Orders: object()}):
        assert faults(made, place_order) == []
        assert made.required(operations(place_order)) == {Orders}
    assert made.required(operations(place_order)) == {Orders, Session}


def test_an_override_that_nothing_needs_is_an_error():
    made = container(session, orders)
    with made.override({Orders: object(), Session: object()}):
        (fault,) = faults(made, place_order)
    assert text(fault) == lines(
        "error[H0705]: nothing needs the override of `Session`",
        "  note: the operations need `Orders`",
        "  help: remove `Session: ...` from `override({...})`, or name the port that is needed",
        "  more: hardy explain H0705",
    )  # fmt: skip


def test_overrides_add_up_and_end_with_their_block():
    made = container(session, orders)
    with made.override({Prices: object()}):
        with made.override({Orders: object()}):
            assert faults(made, place_order, price) == []
        assert faults(made, place_order, price) == []
    assert codes(faults(made, place_order, price)) == ["H0701"]


def test_an_override_that_is_entered_and_not_left_stays():
    made = container(session)
    made.override({Orders: object()}).__enter__()
    gc.collect()
    assert faults(made, place_order) == []


# --- signatures ---------------------------------------------------------------------------------------------------------------


class Holder:
    @staticmethod
    def make() -> Session: ...


def no_return(): ...


def untyped(session) -> Orders: ...


def starred(*sessions: Session) -> Orders: ...


def unknown(session: "Nowhere") -> Orders: ...  # noqa: F821


def broken(session: "Session[") -> Orders: ...  # noqa: F722


def plain_generator() -> Iterator[Session]:
    yield Session()


async def wrong_generator() -> Session:
    yield Session()


async def bare_generator() -> AsyncIterator:
    yield Session()


async def stream() -> AsyncIterator[Session]: ...


def nothing() -> None: ...


def perhaps() -> Session | None: ...


@pytest.mark.parametrize(
    ("factory", "title", "first_help"),
    [
        (
            SqlOrders,
            "`SqlOrders` is a class, and a provider is a function",
            "write `def make(...) -> Port: return SqlOrders(...)` and `app.provide(make)`",
        ),
        (
            no_return,
            "`no_return` does not say which port it provides",
            "write `def no_return(...) -> Port:`",
        ),
        (
            untyped,
            "`untyped` has a parameter without a type",
            "write `session: SomePort`, the port it needs",
        ),
        (
            starred,
            "`starred` takes `*sessions: {module}.Session`, which names no port",
            "write each need by itself: `def starred(session: Session) -> Port:`",
        ),
        (
            unknown,
            "`unknown` has an annotation that cannot be resolved: `Nowhere`",
            "import `Nowhere` at the top of the module, not under `if TYPE_CHECKING:`",
        ),
        (
            broken,
            "`broken` has an annotation that cannot be resolved: Forward reference must be an expression -- got 'Session['",
            "write `def broken(...) -> Port:` with types that exist when the service runs",
        ),
        (
            plain_generator,
            "`plain_generator` yields, so it is closed, and closing is async",
            "write `async def plain_generator(...) -> AsyncIterator[Port]:`",
        ),
        (
            wrong_generator,
            "`wrong_generator` yields what it provides, and is annotated `-> Session`",
            "write `async def wrong_generator(...) -> AsyncIterator[Port]:`",
        ),
        (
            bare_generator,
            "`bare_generator` yields what it provides, and is annotated `-> AsyncIterator`",
            "write `async def bare_generator(...) -> AsyncIterator[Port]:`",
        ),
        (
            stream,
            "`stream` does not yield, and is annotated `-> AsyncIterator[Session]`",
            "write `async def stream(...) -> Port:`",
        ),
        (nothing, "`nothing` provides nothing: it is annotated `-> None`", "write `-> Port`"),
        (
            perhaps,
            "`perhaps` may provide nothing: it is annotated `-> Session | None`",
            "write `-> Session`; whoever can do without it says `Session | None` in turn",
        ),
    ],
    ids=[
        "a class", "no return type", "a parameter without a type", "starred", "an unknown name", "a broken annotation",
        "a plain generator", "a generator of another type", "a generator of nothing in particular",
        "a stream that does not yield", "none", "perhaps none",
    ],
)  # fmt: skip
def test_a_provider_with_a_wrong_signature_is_refused(factory, title, first_help):
    made = container()
    assert made.provide(factory) is None
    (fault,) = faults(made)
    assert fault.code == "H0706"
    assert fault.title == title.format(module=__name__)
    assert fault.helps[0] == first_help
    assert fault.place is not None


def test_every_fault_of_a_signature_is_said():
    def bad(one, *rest): ...

    assert codes(faults(container(bad))) == ["H0706", "H0706", "H0706"]


def test_a_provider_says_which_port_it_provides():
    made = Container({})
    assert made.provide(session) is Session
    assert made.provide(Holder.make) is Session


# --- the plan -----------------------------------------------------------------------------------------------------------------


def test_an_operation_that_cannot_be_given_its_needs_is_not_planned():
    with pytest.raises(BuildFailed, match="nothing provides `Prices`"):
        container().plan(Operation.of(price))
