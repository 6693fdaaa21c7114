"""Which classes can be a message, told without importing the libraries that make them."""

import dataclasses
import typing


def is_message_type(annotation: object) -> bool:
    """Tell whether *annotation* is a class of named fields.

    That is a dataclass, a msgspec Struct, a TypedDict, an attrs class or a
    pydantic model, possibly parametrised (``Page[Order]``).

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Order:
        ...     sku: str
        >>> is_message_type(Order), is_message_type(int)
        (True, False)
    """
    cls: object = typing.get_origin(annotation) or annotation
    if not isinstance(cls, type):
        return False
    cls = typing.cast("type[object]", cls)
    return (
        dataclasses.is_dataclass(cls)
        or typing.is_typeddict(cls)
        or hasattr(cls, "__required_keys__")  # a TypedDict of typing_extensions, which pydantic asks for
        or hasattr(cls, "__struct_fields__")
        or hasattr(cls, "__attrs_attrs__")
        or hasattr(cls, "__pydantic_fields__")
    )
