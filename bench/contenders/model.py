"""The same message for every contender: six constrained members in, seven out."""

from dataclasses import dataclass
from typing import Annotated

from hardy import Ge, Gt, Le, MaxLen, MinLen

SKU, NAME, CATEGORY = "ABC-12345", "Adjustable widget", "tools"


@dataclass(slots=True, kw_only=True)
class NewItem:
    """An item to be kept."""

    sku: Annotated[str, MinLen(3), MaxLen(32)]
    name: Annotated[str, MinLen(1), MaxLen(100)]
    price: Annotated[float, Gt(0), Le(1_000_000)]
    quantity: Annotated[int, Ge(0), Le(100_000)]
    in_stock: bool
    category: Annotated[str, MinLen(1), MaxLen(50)]


@dataclass(slots=True, kw_only=True)
class Item:
    """An item as it is kept."""

    id: int
    sku: str
    name: str
    price: float
    quantity: int
    in_stock: bool
    category: str
