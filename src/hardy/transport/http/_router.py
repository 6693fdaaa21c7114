"""Finds what answers a path in one pass over its segments, however many routes there are.

The templates are merged into a deterministic automaton at build: static
segments before fields, fields before a tail. A request walks it once and never
goes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hardy.transport.http._path import Path, decode

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Node(Generic[T]):
    """One position in the tree of templates as they were written."""

    statics: "dict[str, _Node[T]]" = field(default_factory=dict[str, "_Node[T]"])
    variable: "_Node[T] | None" = None
    here: dict[str, T] = field(default_factory=dict[str, T])
    tail: dict[str, T] = field(default_factory=dict[str, T])


@dataclass(eq=False, slots=True)
class _State(Generic[T]):
    """One position of the automaton: everything that could still match, best first."""

    statics: "dict[str, _State[T]]" = field(default_factory=dict[str, "_State[T]"])
    variable: "_State[T] | None" = None
    here: dict[str, T] = field(default_factory=dict[str, T])
    tail: dict[str, T] = field(default_factory=dict[str, T])


class Router(Generic[T]):
    """Maps method and path to what was added under them.

    Example:
        >>> router = Router([("GET", Path.parse("/orders/{order_id}"), "get_order")])
        >>> router.find("/orders/7")
        ({'GET': 'get_order'}, ['orders', '7'])
        >>> router.find("/orders/")
        ({}, ['orders', ''])
    """

    def __init__(self, routes: Sequence[tuple[str, Path, T]]) -> None:
        root: _Node[T] = _Node()
        for method, path, target in routes:
            node = root
            table = None
            for segment in path.segments:
                if segment.is_tail:
                    table = node.tail
                elif segment.is_field:
                    node.variable = node.variable or _Node()
                    node = node.variable
                else:
                    node = node.statics.setdefault(segment.text, _Node())
            (node.here if table is None else table).setdefault(method, target)
        self._start = _merge([root], {})

    def find(self, path: str) -> tuple[Mapping[str, T], list[str]]:
        """Return what answers *path* by method (empty: no such path) and the raw segments of the path.

        Raises:
            Malformed: A segment is no UTF-8.
        """
        segments = path.split("/")[1:]
        state = self._start
        best: Mapping[str, T] = {}
        for position, segment in enumerate(segments):
            if state.tail and (position < len(segments) - 1 or segment):
                best = state.tail
            following = state.statics.get(decode(segment)) if state.statics else None
            if following is None:
                # A field never takes an empty segment: a slash at the end is another path.
                following = state.variable if segment else None
            if following is None:
                return best, segments
            state = following
        return state.here or best, segments


def _merge(nodes: list[_Node[T]], done: dict[tuple[int, ...], _State[T]]) -> _State[T]:
    key = tuple(id(node) for node in nodes)
    if key in done:
        return done[key]
    state = done[key] = _State[T]()
    # The best that answers at all answers alone: a word hides a field in the same place, for every method.
    state.here = next((node.here for node in nodes if node.here), state.here)
    state.tail = next((node.tail for node in nodes if node.tail), state.tail)
    variables = [node.variable for node in nodes if node.variable is not None]
    if variables:
        state.variable = _merge(variables, done)
    for word in dict.fromkeys(word for node in nodes for word in node.statics):
        following: list[_Node[T]] = []
        for node in nodes:
            following += [node.statics[word]] if word in node.statics else []
            following += [node.variable] if node.variable is not None and word else []
        state.statics[word] = _merge(following, done)
    return state
