"""Types as a person writes them."""

import re
import types
import typing


def show(type_: object) -> str:
    """Return *type_* as it is written in source.

    Example:
        >>> show(list[int] | None)
        'list[int] | None'
    """
    if type_ is types.NoneType:
        return "None"
    if isinstance(type_, type) and not typing.get_args(type_):
        return type_.__qualname__.rpartition("<locals>.")[2]
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in {typing.Union, types.UnionType}:
        return " | ".join(show(each) for each in arguments)
    if origin is typing.Annotated:
        return f"Annotated[{show(arguments[0])}, {', '.join(map(repr, arguments[1:]))}]"
    if isinstance(origin, type) and arguments:
        return f"{show(origin)}[{', '.join('...' if each is ... else show(each) for each in arguments)}]"
    if isinstance(type_, typing.NewType | typing.TypeVar):
        return type_.__name__
    return re.sub(r"\btyping\.", "", str(type_))
