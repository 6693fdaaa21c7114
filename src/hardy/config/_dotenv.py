"""The variables of a ``.env`` file, each with its line. python-dotenv parses; lines are counted here."""

import io
import re
from collections.abc import Mapping
from pathlib import Path as File
from typing import TYPE_CHECKING

from hardy.config._raw import Raw
from hardy.core import Diagnostic, Place

if TYPE_CHECKING:
    from dotenv.parser import Binding


def read_dotenv(
    file: File, environ: Mapping[str, str], prefix: str, *, required: bool
) -> tuple[dict[str, Raw] | None, list[Diagnostic]]:
    """Return the variables of *file*, ``None`` when it is not there, and what is wrong with it.

    ``${NAME}`` is replaced, from *environ* first as a shell would, except in
    single quotes. When a name is set twice, the last one counts.
    """
    from dotenv.parser import parse_stream  # production never comes here

    name = str(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        missing = Diagnostic(
            code="H0207", title=f"{name} does not exist", place=Place(name), helps=(f"cp .env.example {name}",)
        )
        return None, [missing] if required else []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        title = f"{name} cannot be read: {reason}"
        return {}, [Diagnostic(code="H0207", title=title, place=Place(name), helps=(f"chmod u+r {name}",))]
    found: dict[str, Raw] = {}
    faults: list[Diagnostic] = []
    for binding in parse_stream(io.StringIO(text)):
        line = _line(binding)
        if binding.key is None or binding.value is None:
            if binding.error or (binding.key or "").startswith(f"{prefix}_"):
                faults.append(_malformed(name, line))
            continue
        value = _expanded(binding, {key: str(raw.value) for key, raw in found.items()} | dict(environ))
        found[binding.key] = Raw(value=value, file=name, key=binding.key, line=line)
    return found, faults


def _line(binding: "Binding") -> int:
    """Return the line of the name: what is handed over begins with the blank lines before it."""
    blank = re.match(r"\s*", binding.original.string)
    return binding.original.line + (blank[0].count("\n") if blank else 0)


def _expanded(binding: "Binding", names: Mapping[str, str]) -> str:
    from dotenv.variables import parse_variables

    value = binding.value or ""
    if re.search(r"=\s*'", binding.original.string):
        return value
    return "".join(atom.resolve(names) for atom in parse_variables(value))


def _malformed(name: str, line: int) -> Diagnostic:
    # The line itself is not shown: half of it may be a password.
    return Diagnostic(
        code="H0207",
        title=f"{name}:{line} is not NAME=value",
        place=Place(name, line),
        helps=("write one NAME=value a line, and quotes around a value with blanks or #",),
    )
