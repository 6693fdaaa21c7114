"""Read a statement once more, in PostgreSQL's words: `:named` parameters become numbered ones."""

import re
from dataclasses import dataclass
from itertools import pairwise

from hardy.adapters.sql._statement import MOST, OURS, Statement

_TOKEN = re.compile(
    r"""(?:[eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*")   # text and quoted names
    | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)                            # text between dollars
    | --[^\n]*
    | (?P<comment>/\*)
    | ::|:=
    | (?P<name>(?<![\w:]):[A-Za-z_]\w*)
    | (?P<odd>\$\d+|%s|%\([A-Za-z_]\w*\)s)
    | (?P<word>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_READS = frozenset({"select", "values", "table", "explain", "show"})
_WRITES = frozenset({"insert", "update", "delete", "merge"})
_LOCKS = frozenset({"update", "no", "share", "key"})
_OURS = (OURS - {"attach", "detach", "pragma"}) | {"start", "abort", "prepare", "deallocate", "discard"}
_DIRTIES = frozenset({"set", "reset", "listen", "unlisten", "load", "declare"})


@dataclass(frozen=True, slots=True)
class PostgresStatement(Statement):
    """A statement as PostgreSQL takes it."""

    text: str
    """With ``$1``, ``$2`` ... for parameters."""
    order: tuple[str, ...]
    """Which parameter is which number."""
    dirties: bool
    """Whether it may leave something behind in the connection."""


_known: dict[str, PostgresStatement] = {}


def postgres_statement(sql: str) -> PostgresStatement:
    """Return *sql* for PostgreSQL, reading it when it is new.

    ``writes`` says whether it has to be inside of a transaction: it writes, locks or keeps something.

    Raises:
        TypeError: It has other parameters than ``:named`` ones, or ends the transaction.
    """
    found = _known.get(sql)
    if found is None:
        if len(_known) >= MOST:  # statements put together at run time must not fill the memory
            _known.clear()
        found = _known[sql] = _compile(sql)
    return found


def _compile(sql: str) -> PostgresStatement:
    out: list[str] = []
    names: dict[str, int] = {}
    words: list[str] = []
    at = 0
    while (token := _TOKEN.search(sql, at)) is not None:
        out.append(sql[at : token.start()])
        at = token.end()
        if token["comment"]:
            at = _after_comment(sql, at)
        if token["odd"]:
            raise TypeError(f"write parameters as `:name`, not `{token['odd']}`, in: {sql.strip()}")
        if token["word"]:
            words.append(token["word"].lower())
        if token["name"]:
            number = names.setdefault(token["name"][1:], len(names) + 1)
            out.append(f"${number}")
        else:
            out.append(sql[token.start() : at])
    out.append(sql[at:])
    first = words[0] if words else ""
    if first in _OURS:
        raise TypeError(f"`{first}` is the session's business; use `async with session.transaction()` to nest one")
    return PostgresStatement(
        sql=sql,
        names=frozenset(names),
        writes=_writes(first, words),
        text="".join(out),
        order=tuple(names),
        dirties=_dirties(first, words),
    )


def _after_comment(sql: str, at: int) -> int:
    depth = 1
    while depth:  # PostgreSQL's comments nest
        mark = _COMMENT.search(sql, at)
        if mark is None:
            return len(sql)
        depth += 1 if mark[0] == "/*" else -1
        at = mark.end()
    return at


def _writes(first: str, words: list[str]) -> bool:
    if first not in _READS and (first != "with" or not _WRITES.isdisjoint(words)):
        return True
    if first == "explain" and "analyze" in words:
        return True
    locks = any(one == "for" and two in _LOCKS for one, two in pairwise(words))
    # Locks and settings that last as long as the transaction are nothing without one.
    return locks or any(each.startswith(("pg_advisory", "pg_try_advisory", "set_config")) for each in words)


def _dirties(first: str, words: list[str]) -> bool:
    if first in _DIRTIES or "set_config" in words:
        return True
    if first == "create" and not {"temp", "temporary"}.isdisjoint(words[1:5]):
        return True
    return any(each.startswith(("pg_advisory_lock", "pg_try_advisory_lock")) for each in words)
