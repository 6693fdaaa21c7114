"""JSON pointers (RFC 6901)."""

import re


def step(pointer: str, name: object) -> str:
    """Return *pointer* one member or index further in.

    Example:
        >>> step("/items", "a/b")
        '/items/a~1b'
    """
    text = str(name).replace("~", "~0").replace("/", "~1")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()  # an answer cannot carry half of a surrogate pair
    return f"{pointer}/{text}"


def of_msgspec(message: str) -> str:
    """Return the pointer that msgspec's own message names, as far as it does: it knows no keys of a ``dict``.

    Example:
        >>> of_msgspec("Number out of range - at `$.items[2].price`")
        '/items/2/price'
    """
    path = re.search(r"`\$([^`]*)`$", message)
    if path is None or "[...]" in path[1]:
        return ""
    return "".join(f"/{part}" for part in re.findall(r"[^.\[\]]+", path[1]))
