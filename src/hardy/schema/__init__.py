"""Types in, wire shapes out: constraints, decoding with every fault told, JSON Schema.

Floor 1. A message is a dataclass, a msgspec Struct, a TypedDict, an attrs class
or a pydantic model; what holds for one on the wire holds for all. What proto
makes of the same types lives in `hardy.schema.proto`.

Example:
    >>> from dataclasses import dataclass
    >>> from typing import Annotated
    >>> @dataclass
    ... class PlaceOrder:
    ...     sku: Annotated[str, MinLen(3)]
    ...     quantity: Annotated[int, Ge(1)]
    >>> codec(PlaceOrder).decode(b'{"sku": "tea", "quantity": 2}')
    PlaceOrder(sku='tea', quantity=2)
    >>> from hardy.core import InvalidMessage
    >>> try:
    ...     codec(PlaceOrder).decode(b'{"sku": "te", "quantity": 0}')
    ... except InvalidMessage as error:
    ...     for fault in error.faults:
    ...         print(fault.pointer, fault.detail)
    /sku must have at least 3 characters
    /quantity must be at least 1
"""

from hardy.core import publish
from hardy.schema._case import JsonCase
from hardy.schema._check import check_type
from hardy.schema._codec import Codec, codec
from hardy.schema._constraints import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf, Pattern
from hardy.schema._describe import json_schemas
from hardy.schema._families import Family, Field, family_of, fields

__all__ = [
    "Codec",
    "Family",
    "Field",
    "Ge",
    "Gt",
    "JsonCase",
    "Le",
    "Lt",
    "MaxLen",
    "MinLen",
    "MultipleOf",
    "Pattern",
    "check_type",
    "codec",
    "family_of",
    "fields",
    "json_schemas",
]

publish(__name__, globals())
