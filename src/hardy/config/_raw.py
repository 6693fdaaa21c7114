"""A value as somebody wrote it, with where that was."""

import json
from dataclasses import dataclass
from typing import Literal

from hardy.config._secret import MASK
from hardy.core import Place

Form = Literal["table", "variable", "secret", "flag"]
"""Written in TOML, as ``NAME=value``, as the content of a file, or on the command line."""

LONGEST = 80
"""Characters of a value that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What one source says about one setting."""

    value: object
    file: str
    """``.env``, ``orders.toml``, ``environment``, ``command line``, or the path of a secret file."""
    key: str
    """The variable, TOML key or flag as written there."""
    line: int = 0
    form: Form = "variable"

    @property
    def source(self) -> str:
        """``.env:3``, ``environment``, ``flag --port``."""
        if self.key.startswith("--"):
            return f"flag {self.key}"
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def is_file(self) -> bool:
        """Whether the value stands in a file with lines."""
        return self.line > 0

    @property
    def equals(self) -> str:
        """What stands between key and value."""
        return " = " if self.form == "table" else "="

    def place(self, *, hidden: bool) -> Place:
        """Return the line with the value pointed at, or masked when it is *hidden*."""
        value = MASK if hidden else shown(self.value)
        start = f"{self.key}{self.equals}"
        text = f"{start}{value}"
        # The first occurrence is what gets pointed at, and a short value may occur in its own name.
        return Place(self.file, self.line, text, value if text.find(value) == len(start) else "")

    def key_place(self) -> Place:
        """Return the line with its key pointed at. What follows may be a secret under a wrong name."""
        return Place(self.file, self.line, f"{self.key}{self.equals}{MASK}", self.key)


def shown(value: object) -> str:
    """Return *value* on one line that a terminal can show."""
    if not isinstance(value, str):
        value = json.dumps(value, default=str, ensure_ascii=False)
    clean = "".join(each if each.isprintable() else repr(each)[1:-1] for each in value)
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"
