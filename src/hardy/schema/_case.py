"""How a field's name is written in JSON."""

from typing import Literal

JsonCase = Literal["snake", "camel"]


def wire_name_of(name: str, json_case: JsonCase) -> str:
    """Return the JSON member for a field called *name*."""
    return camel(name) if json_case == "camel" else name


def camel(name: str) -> str:
    """``order_id`` becomes ``orderId``; leading and trailing underscores stay."""
    core = name.strip("_")
    first, *rest = core.split("_") if core else [""]
    joined = first + "".join(word[:1].upper() + word[1:] for word in rest)
    return name.replace(core, joined, 1) if core else name
