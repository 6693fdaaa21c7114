"""How the parts of a graph look in a terminal."""

import re
from collections.abc import Sequence

from hardy.core import Place

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def number(count: int) -> str:
    """Return a small *count* in words."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def snake(name: str) -> str:
    """Return a class *name* as a variable would be called."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+", "_", words).strip("_").lower()


def needed_by(edges: Sequence[tuple[str, Place | None]], operations: Sequence[str]) -> tuple[str, ...]:
    """List who needs a port, and which operations stand behind them."""
    width = max(len(text) for text, _ in edges)
    lines = [
        f"{'needed by' if index == 0 else '':>9}   {text:<{width}}   {place.location if place else ''}".rstrip()
        for index, (text, place) in enumerate(edges)
    ]
    if operations:
        lines.append(f"{'for':>9}   {', '.join(operations)}")
    return tuple(lines)


def cycle(ring: Sequence[tuple[str, Place | None, str]]) -> tuple[str, ...]:
    """Draw ports that need each other, each under the one that needs it, the first once more at the end."""
    rows = [(_indented(depth, name), place, text) for depth, (name, place, text) in enumerate(ring)]
    names = max(len(name) for name, _, _ in rows)
    places = max(len(place.location) if place else 0 for _, place, _ in rows)
    return (
        *(
            f"  {name:<{names}}   {place.location if place else '':<{places}}   {text}".rstrip()
            for name, place, text in rows
        ),
        f"  {_indented(len(ring), ring[0][0])}   (again)",
    )


def _indented(depth: int, name: str) -> str:
    return f"{' ' * (5 * depth - 3)}└─ {name}" if depth else name
