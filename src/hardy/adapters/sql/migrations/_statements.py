"""One statement of an SQL script after the other, and what a script amounts to."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* )
    | (?P<nested>  /\* )
    | (?P<dollar>  \$(?:[A-Za-z_]\w*)?\$ )
    | (?P<escape>  (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' )
    | (?P<text>    '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` )
    | (?P<end>     ; )
    | (?P<word>    [A-Za-z_]\w* )
    | (?P<space>   \s+ )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTED = re.compile(r"/\*|\*/")
_BODIES = re.compile(r"create (or replace )?(temp |temporary )?(trigger|function|procedure)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it is written."""

    text: str
    """Without the semicolon, and without comments before it."""
    line: int
    """Where it begins in its script, 1-based."""
    words: str
    """The same in small letters, without comments, strings kept, one space between two tokens at most."""


def split(script: str, *, line: int = 1) -> tuple[Statement, ...]:
    """Return the statements of *script*, which begins in *line* of its file.

    Strings, quoted names, dollar quotes, nested comments and the bodies of
    triggers and of functions in ``begin atomic`` are kept in one piece.

    Example:
        >>> [each.text for each in split("create table a (b text default ';'); drop table c -- gone")]
        ["create table a (b text default ';')", 'drop table c -- gone']
    """
    return tuple(_split(script, line))


def _split(script: str, line: int) -> Iterator[Statement]:
    start: int | None = None
    words: list[str] = []
    depth = 0
    for kind, at, text in _tokens(script):
        if kind == "space":
            if words and words[-1] != " ":
                words.append(" ")
        elif kind == "end" and depth == 0:
            if start is not None:
                yield _statement(script, start, at, words, line)
            start, words = None, []
        else:
            if start is None:
                start = at
            words.append(text.lower() if kind == "word" else text)
            if kind == "word":
                depth = _deeper(depth, text.lower(), words)
    if start is not None:
        yield _statement(script, start, len(script), words, line)


def _statement(script: str, start: int, end: int, words: Sequence[str], line: int) -> Statement:
    return Statement(script[start:end].rstrip(), line + script.count("\n", 0, start), "".join(words).strip())


def _deeper(depth: int, word: str, words: Sequence[str]) -> int:
    """Return how deep in the body of a trigger or function the script is after *word*."""
    if depth == 0:
        return 1 if word in {"begin", "atomic"} and _BODIES.match("".join(words)) else 0
    if word == "case":
        return depth + 1
    return depth - 1 if word == "end" else depth


def _tokens(script: str) -> Iterator[tuple[str, int, str]]:
    """Yield kind, place and text of each token but the comments."""
    at = 0
    while at < len(script):
        found = _TOKEN.match(script, at)
        assert found is not None  # the last alternative takes anything
        kind, text, end = str(found.lastgroup), found.group(), found.end()
        if kind == "nested":
            end, kind = _after_comment(script, end), "space"
        elif kind == "comment":
            kind = "space"
        elif kind == "dollar":
            close = script.find(text, end)
            end = len(script) if close < 0 else close + len(text)
            text = script[at:end]
        yield kind, at, text
        at = end


def _after_comment(script: str, at: int) -> int:
    depth = 1
    while depth:
        found = _NESTED.search(script, at)
        if found is None:
            return len(script)
        depth, at = depth + (1 if found.group() == "/*" else -1), found.end()
    return at


def checksum_of(statements: Sequence[Statement]) -> str:
    """Return what changes when what is executed changes; comments, layout and the case of keywords do not count."""
    return checksum_of_text("\n".join(each.words for each in statements))


def checksum_of_text(text: str) -> str:
    """Return what changes when *text* does, ends of lines aside."""
    lines = [each.rstrip() for each in text.replace("\r\n", "\n").strip().split("\n")]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
