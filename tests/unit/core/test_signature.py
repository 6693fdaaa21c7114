"""What is read from a use case's signature, and what is wrong with it in words."""

import asyncio
import functools
import re
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, fields
from typing import Annotated, Generic, TypedDict, TypeVar

import msgspec
import pytest

from hardy.core import MISSING, BuildFailed, Diagnostic, FailedPrecondition, Kind, Need, Operation, Parameter

T = TypeVar("T")


@dataclass
class PlaceOrder:
    sku: str
    quantity: int = 1


TEA = PlaceOrder("tea")


class Struct(msgspec.Struct):
    sku: str


class Typed(TypedDict):
    sku: str


@dataclass
class Page(Generic[T]):
    items: list[T]


class Orders: ...


class Clock: ...


# --- what is read ------------------------------------------------------------------------------------------------------


async def place_order(msg: PlaceOrder, *, orders: Orders, clock: Clock | None) -> str:
    """Place an order.

    It is charged later.
    """
    return f"{msg.sku} {orders} {clock}"


async def get_order(order_id: str, verbose: bool = False) -> str:
    """Look one order up."""
    return f"{order_id} {verbose}"


async def watch(since: str = "") -> AsyncIterator[PlaceOrder]:
    yield PlaceOrder(since)


async def import_orders(items: AsyncIterator[PlaceOrder], *, orders: Orders) -> int:
    return len([item async for item in items])


async def track(items: AsyncIterator[PlaceOrder]) -> AsyncGenerator[int, None]:
    async for item in items:
        yield item.quantity


async def nothing() -> None:
    """"""


def test_one_class_of_fields_is_the_message():
    operation = Operation.of(place_order)
    assert (operation.name, operation.kind, operation.message, operation.reply) == (
        "place_order", Kind.UNARY, PlaceOrder, str,
    )  # fmt: skip
    assert operation.parameters == (Parameter("msg", PlaceOrder),)
    assert operation.parameters[0].required
    assert not operation.synthesised
    assert not operation.raw


def test_keyword_only_parameters_are_needs():
    assert Operation.of(place_order).needs == (Need("orders", Orders), Need("clock", Clock, optional=True))


def test_the_docstring_describes_it():
    operation = Operation.of(place_order)
    assert operation.summary == "Place an order."
    assert operation.doc == "Place an order.\n\nIt is charged later."
    assert Operation.of(watch).doc == ""


def test_it_knows_where_it_is_written():
    place = Operation.of(place_order).place
    assert place.file.endswith("test_signature.py")
    assert place.text.startswith("async def place_order(")


def test_plain_parameters_become_a_message():
    operation = Operation.of(get_order)
    assert operation.synthesised
    assert operation.message.__name__ == "GetOrder"
    assert operation.message.__module__ == __name__
    assert operation.message.__doc__ == "Look one order up."
    assert [(each.name, each.type) for each in fields(operation.message)] == [("order_id", str), ("verbose", bool)]
    assert operation.message(order_id="7") == operation.message(order_id="7", verbose=False)
    assert operation.parameters[1].default is False
    assert not operation.parameters[1].required


@pytest.mark.parametrize(
    "message", [PlaceOrder, Struct, Typed, Page[int]], ids=["dataclass", "struct", "typed dict", "generic"]
)
def test_every_family_of_classes_can_be_a_message(message):
    async def use(msg): ...

    use.__annotations__ = {"msg": message, "return": type(None)}
    assert Operation.of(use).message is message


def test_one_message_that_may_be_left_out_is_a_field():
    async def search(filter: PlaceOrder = TEA) -> None: ...

    operation = Operation.of(search)
    assert operation.synthesised
    first, second = operation.message(), operation.message()
    assert first.filter == TEA
    assert first.filter is not second.filter


def test_a_mutable_default_is_not_shared():
    async def search(words: list[str] = [], deep: dict[str, list[int]] = {"a": []}) -> None: ...  # noqa: B006

    first, second = Operation.of(search).message(), Operation.of(search).message()
    first.words.append("tea")
    first.deep["a"].append(1)
    assert (second.words, second.deep) == ([], {"a": []})


def test_annotations_keep_their_constraints():
    async def search(size: Annotated[int, "at least 1"]) -> None: ...

    assert Operation.of(search).parameters[0].type == Annotated[int, "at least 1"]


@pytest.mark.parametrize(
    ("use_case", "kind", "message", "reply"),
    [
        (get_order, Kind.UNARY, None, str),
        (nothing, Kind.UNARY, None, type(None)),
        (watch, Kind.SERVER_STREAM, None, PlaceOrder),
        (import_orders, Kind.CLIENT_STREAM, PlaceOrder, int),
        (track, Kind.BIDI_STREAM, PlaceOrder, int),
    ],
    ids=["unary", "without message", "server stream", "client stream", "bidirectional"],
)
def test_streams_are_seen_on_both_sides(use_case, kind, message, reply):
    operation = Operation.of(use_case)
    assert (operation.kind, operation.reply) == (kind, reply)
    assert message is None or operation.message is message
    assert operation.kind.streams_in is (kind in {Kind.CLIENT_STREAM, Kind.BIDI_STREAM})
    assert operation.kind.streams_out is (kind in {Kind.SERVER_STREAM, Kind.BIDI_STREAM})


@pytest.mark.parametrize(
    ("annotation", "port", "optional"),
    [
        (Clock | None, Clock, True),
        (typing.Optional[Clock], Clock, True),  # noqa: UP045  # the other way to write it
        (Clock | Orders | None, Clock | Orders, True),
        (Clock | Orders, Clock | Orders, False),
    ],
    ids=["or none", "optional", "one of two or none", "one of two"],
)
def test_a_need_may_be_optional(annotation, port, optional):
    async def use(*, need) -> None: ...

    use.__annotations__["need"] = annotation
    assert Operation.of(use).needs == (Need("need", port, optional),)


def test_a_raw_use_case_takes_the_request():
    class Request: ...

    async def hook(request, *, orders: Orders) -> bytes:
        return b""

    hook.__annotations__["request"] = Request
    operation = Operation.of(hook, raw=True)
    assert (operation.message, operation.raw, operation.synthesised) == (Request, True, False)


def test_methods_and_decorated_functions_are_read_as_they_are_written():
    class Service:
        async def place(self, msg: PlaceOrder) -> str:
            return msg.sku

    @functools.wraps(get_order)
    def decorated(*args, **kwargs):
        return get_order(*args, **kwargs)

    assert Operation.of(Service().place).message is PlaceOrder
    assert Operation.of(decorated).name == "get_order"


async def test_an_operation_is_carried_out():
    orders, operation = Orders(), Operation.of(place_order)
    assert await operation.invoke(PlaceOrder("tea"), {"orders": orders, "clock": None}) == f"tea {orders} None"
    operation = Operation.of(get_order)
    assert await operation.invoke(operation.message(order_id="7"), {}) == "7 False"
    assert await Operation.of(nothing).invoke(None, {}) is None

    async def raw() -> None: ...

    function = Operation("bare", raw, Kind.UNARY, PlaceOrder, None)
    assert await function.invoke(None, {}) is None


def test_an_operation_takes_what_its_exposure_says():
    def allow(call):
        return True

    class OutOfStock(FailedPrecondition): ...

    before = Operation.of(place_order)
    after = before.with_options(allow=allow, raises=(OutOfStock,), timeout=3, finish_on_disconnect=True)
    assert (after.allow, after.raises, after.timeout, after.finish_on_disconnect) == (allow, (OutOfStock,), 3, True)
    assert (before.allow, before.timeout, before.finish_on_disconnect) == (None, None, False)
    assert after != before


def test_missing_shows_itself():
    assert repr(MISSING) == "MISSING"


# --- what is wrong -----------------------------------------------------------------------------------------------------


async def no_type(sku, *, orders: Orders) -> None: ...


async def no_type_of_need(sku: str, *, orders) -> None: ...


async def order(cmd: PlaceOrder, order) -> None: ...


async def no_return(sku: str): ...


def not_async(sku: str) -> None: ...


async def unresolved(sku: "Sku") -> None: ...  # noqa: F821


async def no_attribute(sku: "asyncio.Nothing") -> None: ...


async def starred(*skus: str, **rest: int) -> None: ...


async def yields_but_says_otherwise() -> int:
    yield 1


async def says_it_streams() -> AsyncIterator[int]: ...


async def streams_what() -> typing.AsyncIterator:
    yield 1


async def stream_and_more(items: AsyncIterator[PlaceOrder], dry: bool) -> None: ...


async def two_streams(one: AsyncIterator[PlaceOrder], two: AsyncIterator[PlaceOrder]) -> None: ...


async def stream_of_plain(numbers: AsyncIterator[int]) -> None: ...


async def stream_of_what(numbers: typing.AsyncIterator) -> None: ...


async def raw_without_request() -> bytes: ...


def found(use_case: Callable[..., object], *, raw: bool = False) -> tuple[Diagnostic, ...]:
    with pytest.raises(BuildFailed) as caught:
        Operation.of(use_case, raw=raw)
    return caught.value.diagnostics


def text(diagnostic: Diagnostic) -> list[str]:
    shown = re.sub(r"(?m)^\s*\d* \|", "|", diagnostic.render())
    return re.sub(r"(\S*/)?test_signature\.py:\d+", "orders.py:1", shown).splitlines()


@pytest.mark.parametrize(
    ("use_case", "expected"),
    [
        (
            no_type,
            [
                "error[H0601]: `no_type` has a parameter without a type",
                "  --> orders.py:1",
                "|",
                "| async def no_type(sku, *, orders: Orders) -> None: ...",
                "|                   ^^^ needs a type",
                "  help: write `sku: SomeType`; before the star it is part of the message, after it a port",
                "  more: hardy explain H0601",
            ],
        ),
        (
            order,
            [
                "error[H0601]: `order` has a parameter without a type",
                "  --> orders.py:1",
                "|",
                "| async def order(cmd: PlaceOrder, order) -> None: ...",
                "|                                  ^^^^^ needs a type",
                "  help: write `order: SomeType`; before the star it is part of the message, after it a port",
                "  more: hardy explain H0601",
            ],
        ),
        (
            no_return,
            [
                "error[H0602]: `no_return` does not say what it returns",
                "  --> orders.py:1",
                "|",
                "| async def no_return(sku: str): ...",
                "|       ^^^^^^^^^^^^^ needs `-> SomeType`",
                "  help: write `async def no_return(...) -> SomeType:`, or `-> None` for no reply",
                "  more: hardy explain H0602",
            ],
        ),
        (
            not_async,
            [
                "error[H0607]: `not_async` is not an `async def`",
                "  --> orders.py:1",
                "|",
                "| def not_async(sku: str) -> None: ...",
                "| ^^^^^^^^^^^^^ needs `async`",
                "  help: write `async def not_async(...)`",
                "  help: blocking work inside it goes through `await hardy.concurrency.in_thread(work, ...)`",
                "  more: hardy explain H0607",
            ],
        ),
        (
            unresolved,
            [
                "error[H0608]: `unresolved` has an annotation that cannot be resolved: `Sku`",
                "  --> orders.py:1",
                "|",
                '| async def unresolved(sku: "Sku") -> None: ...  # noqa: F821',
                "|                            ^^^ no such name when the service runs",
                "  help: import `Sku` at the top of the module, not under `if TYPE_CHECKING:`",
                "  help: a class defined inside a function must move to the module",
                "  more: hardy explain H0608",
            ],
        ),
        (
            starred,
            [
                "error[H0611]: `starred` takes `*skus: str`, which names nothing a caller could send",
                "  --> orders.py:1",
                "|",
                "| async def starred(*skus: str, **rest: int) -> None: ...",
                "|                   ^^^^^ ",
                "  help: name each parameter; a list of things is one parameter `items: list[...]`",
                "  more: hardy explain H0611",
            ],
        ),
        (
            says_it_streams,
            [
                "error[H0612]: `says_it_streams` returns a stream without yielding",
                "  --> orders.py:1",
                "|",
                "| async def says_it_streams() -> AsyncIterator[int]: ...",
                "|                             ^^",
                "  help: make it an async generator: `async for item in ...: yield item`",
                "  more: hardy explain H0612",
            ],
        ),
        (
            stream_and_more,
            [
                "error[H0613]: `stream_and_more` takes a stream and other things beside it",
                "  --> orders.py:1",
                "|",
                "| async def stream_and_more(items: AsyncIterator[PlaceOrder], dry: bool) -> None: ...",
                "|                                                             ^^^ has no place on the wire",
                "  help: put what is said once into the first item of the stream, or into every item",
                "  more: hardy explain H0613",
            ],
        ),
        (
            stream_of_plain,
            [
                "error[H0614]: `stream_of_plain` takes a stream of `int`, which is no message",
                "  --> orders.py:1",
                "|",
                "| async def stream_of_plain(numbers: AsyncIterator[int]) -> None: ...",
                "|                           ^^^^^^^",
                "  help: stream a dataclass: `AsyncIterator[NewOrder]`",
                "  more: hardy explain H0614",
            ],
        ),
        (
            raw_without_request,
            [
                "error[H0615]: `raw_without_request` is exposed raw and must take exactly the request before the star",
                "  --> orders.py:1",
                "|",
                "| async def raw_without_request() -> bytes: ...",
                "|       ^^^^^^^^^^^^^^^^^^^^^^^ ",
                "  help: write `async def raw_without_request(request: http.Request, *, ...) -> http.Response`",
                "  more: hardy explain H0615",
            ],
        ),
    ],
    ids=lambda case: case.__name__ if callable(case) else "",
)
def test_a_fault_is_shown_with_its_place_and_its_remedy(use_case, expected):
    shown = text(found(use_case, raw="raw" in use_case.__name__)[0])
    assert [line.rstrip() for line in shown] == [line.rstrip() for line in expected]


@pytest.mark.parametrize(
    ("use_case", "code", "title"),
    [
        (no_type_of_need, "H0601", "`no_type_of_need` has a parameter without a type"),
        (
            no_attribute,
            "H0608",
            "`no_attribute` has an annotation that cannot be resolved: module 'asyncio' has no attribute 'Nothing'",
        ),
        (
            yields_but_says_otherwise,
            "H0612",
            "`yields_but_says_otherwise` yields, so it returns a stream, but is annotated otherwise",
        ),
        (two_streams, "H0613", "`two_streams` takes a stream and other things beside it"),
        (streams_what, "H0612", "`streams_what` returns a stream without saying of what"),
        (stream_of_what, "H0614", "`stream_of_what` takes a stream of `None`, which is no message"),
        (Orders, "H0607", "`Orders` is not an `async def`"),
    ],
    ids=[
        "a need without a type", "an attribute that is not there", "a generator of another type", "two streams",
        "a stream of nothing in particular", "a message stream of nothing in particular", "a class",
    ],
)  # fmt: skip
def test_other_faults_have_their_code(use_case, code, title):
    assert [(each.code, each.title) for each in found(use_case)] == [(code, title)]


def test_a_partial_function_is_refused_by_name():
    (fault,) = found(functools.partial(get_order, verbose=True))
    assert fault.code == "H0608"


def test_what_cannot_be_resolved_hides_no_other_fault():
    async def bad(one, two: "Two", *, three: "Three") -> "AsyncIterator[Four]":  # noqa: F821
        yield one

    assert [(each.code, each.title.rpartition(" ")[2]) for each in found(bad)] == [
        ("H0608", "`Two`"),
        ("H0608", "`Three`"),
        ("H0608", "`Four`"),
        ("H0601", "type"),
    ]


def test_every_fault_is_said_at_once():
    async def bad(one, two, *rest): ...

    assert [each.code for each in found(bad)] == ["H0601", "H0601", "H0611", "H0602"]


def test_a_function_without_source_is_reported_without_a_place():
    space = {}
    exec("async def made(sku): ...", space)
    assert [each.place for each in found(space["made"])] == [None, None]
