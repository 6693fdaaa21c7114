"""Make public names say where users import them from."""

from types import FunctionType
from typing import cast


def publish(package: str, names: dict[str, object]) -> None:
    """Rewrite ``__module__`` of *names* listed in ``__all__`` to *package*.

    Tracebacks, ``repr`` and generated documentation then show
    ``hardy.cache.Cache`` instead of the private file it is written in.
    Call it on the last line of a package's ``__init__.py``.

    Example:
        >>> class Thing: ...
        >>> publish("shop", {"__all__": ["Thing"], "Thing": Thing})
        >>> Thing.__module__
        'shop'
    """
    for name in cast("list[str]", names["__all__"]):
        value = names.get(name)
        if isinstance(value, type | FunctionType):
            value.__module__ = package
