"""The same message as msgspec Structs, for hardy's second row and for the peers that take them."""

from typing import Annotated

from msgspec import Meta, Struct


class NewItem(Struct, kw_only=True):
    """An item to be kept."""

    sku: Annotated[str, Meta(min_length=3, max_length=32)]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    price: Annotated[float, Meta(gt=0, le=1_000_000)]
    quantity: Annotated[int, Meta(ge=0, le=100_000)]
    in_stock: bool
    category: Annotated[str, Meta(min_length=1, max_length=50)]


class Item(Struct, kw_only=True):
    """An item as it is kept."""

    id: int
    sku: str
    name: str
    price: float
    quantity: int
    in_stock: bool
    category: str


def item(number: int) -> Item:
    """Return what every contender answers a look-up with."""
    return Item(
        id=number,
        sku="ABC-12345",
        name="Adjustable widget",
        price=9.99,
        quantity=42,
        in_stock=True,
        category="tools",
    )


def kept(given: NewItem) -> Item:
    """Return the item that *given* becomes."""
    return Item(
        id=1,
        sku=given.sku,
        name=given.name,
        price=given.price,
        quantity=given.quantity,
        in_stock=given.in_stock,
        category=given.category,
    )


SMALL = [item(number) for number in range(9)]
"""One KiB as JSON."""
LARGE = [item(number) for number in range(870)]
"""A hundred KiB as JSON."""
EVENTS = 500
"""Events that each client of the stream gets."""
