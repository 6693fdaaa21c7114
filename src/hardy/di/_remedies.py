"""What to type when a port has no provider: a class that fits, a name that is near."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import is_typeddict

from typing_extensions import get_protocol_members, is_protocol

from hardy.core import Place
from hardy.di._draw import snake
from hardy.di._provider import Provider, show
from hardy.di._registry import Registry


def remedies(registry: Registry, port: object, functions: Sequence[Callable[..., object]]) -> tuple[str, ...]:
    """Return what may help, the likeliest first; the last line always works.

    Args:
        functions: Those that need the port; the modules they are written in are
            searched for classes that fit.
    """
    name = show(port)
    known = [each for each in registry.ports() if each is not port]
    helps: list[str] = []
    for each in known:
        provider = registry.providers.get(each)
        if show(each) == name:
            helps.append(
                f"another `{name}` is provided, of {_module(each)}; import that one instead of {_module(port)}'s"
            )
        elif isinstance(provider, Provider) and fits(each, port):
            helps.append(
                f"`{provider.name}`{_at(provider.place)} provides `{show(each)}`, which fits: write `-> {name}`"
            )
    if not helps:
        near = difflib.get_close_matches(name, [show(each) for each in known], n=1, cutoff=0.75)
        helps += [f"the nearest name is `{each}`, which is provided: write it where `{name}` stands" for each in near]
    fitting = next(iter(_classes(port, functions)), None)
    made, provider_name = f"{fitting.__name__}(...)" if fitting else "...", snake(name)
    snippet = f"def {provider_name}(...) -> {name}:\n    return {made}\napp.provide({provider_name})"
    if fitting is not None:
        first = f"one class fits: `{fitting.__name__}`{_at(Place.of(fitting))}; provide it:\n"
    else:
        first = "write a provider, or `app.manage(...)` a component that yields it:\n"
    return (*helps, first + _indent(snippet))


def fits(candidate: object, port: object) -> bool:
    """Whether objects of *candidate* can stand where *port* is asked for."""
    if not isinstance(candidate, type) or not isinstance(port, type) or candidate is port:
        return False
    if is_protocol(candidate) or inspect.isabstract(candidate) or is_typeddict(port):
        return False
    if not is_protocol(port):
        return issubclass(candidate, port)
    members = get_protocol_members(port)
    return bool(members) and all(_has(candidate, member) for member in members)


def _has(candidate: type, member: str) -> bool:
    return hasattr(candidate, member) or any(
        member in vars(cls).get("__annotations__", {}) for cls in candidate.__mro__
    )


def _classes(port: object, functions: Sequence[Callable[..., object]]) -> Iterator[type]:
    """Find classes that fit: the port's own subclasses, then where it and those who need it are written."""
    candidates: list[object] = list(port.__subclasses__()) if isinstance(port, type) else []
    for each in (port, *functions):
        candidates += _names_beside(each)
    for each in candidates:
        if isinstance(each, type) and fits(each, port):
            yield each


def _names_beside(thing: object) -> Iterable[object]:
    module = inspect.getmodule(thing)
    return vars(module).values() if module else ()


def _module(port: object) -> str:
    return getattr(port, "__module__", "elsewhere")


def _at(place: Place | None) -> str:
    return f" ({place.location})" if place else ""


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))
