"""Read a statement once: which parameters it takes, and whether it writes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\]      # text and quoted names
    | --[^\n]* | /\*.*?(?:\*/|\Z)                                  # comments
    | (?P<name>:[A-Za-z_]\w*)
    | (?P<odd>\?\d*|[@$][A-Za-z_]\w*)
    | (?P<word>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_READS = frozenset({"select", "values", "explain"})
_WRITES = frozenset({"insert", "update", "delete", "replace"})
OURS = frozenset({"begin", "commit", "end", "rollback", "savepoint", "release", "attach", "detach", "vacuum", "pragma"})
MOST = 2000


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and what has been found out about it."""

    sql: str
    names: frozenset[str]
    writes: bool

    def check(self, given: Mapping[str, object]) -> None:
        """Compare the parameters with what is given.

        Raises:
            TypeError: One is missing, or one is given that the statement does not use.
        """
        if given.keys() == self.names:
            return
        problems = [f"`:{name}` has no value" for name in sorted(self.names - given.keys())]
        problems += [f"`{name}` is given and not used" for name in sorted(given.keys() - self.names)]
        raise TypeError(f"{', '.join(problems)} in: {self.sql.strip()}")


_known: dict[str, Statement] = {}


def statement(sql: str) -> Statement:
    """Return what is known about *sql*, reading it when it is new."""
    found = _known.get(sql)
    if found is None:
        if len(_known) >= MOST:  # statements put together at run time must not fill the memory
            _known.clear()
        found = _known[sql] = _read(sql)
    return found


def _read(sql: str) -> Statement:
    names: set[str] = set()
    words: list[str] = []
    for token in _TOKEN.finditer(sql):
        if token["odd"]:
            raise TypeError(f"write parameters as `:name`, not `{token['odd']}`, in: {sql.strip()}")
        if token["name"]:
            names.add(token["name"][1:])
        elif token["word"]:
            words.append(token["word"].lower())
    first = words[0] if words else ""
    if first in OURS:
        raise TypeError(f"`{first}` is the session's business; use `async with session.transaction()` to nest one")
    reads = first in _READS or (first == "with" and _WRITES.isdisjoint(words))
    return Statement(sql, frozenset(names), not reads)
