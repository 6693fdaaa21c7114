"""What differs between the checked-in file and the code."""

from collections.abc import Mapping
from dataclasses import dataclass

from hardy.core import Place

Path = tuple[int, ...]
"""Where something stands in a file descriptor, as ``SourceCodeInfo`` counts."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, told as what the code makes of the file.

    Example:
        >>> str(Change("the field `Order.sku` is removed", breaking=True))
        'the field `Order.sku` is removed (breaking)'
    """

    text: str
    breaking: bool = False
    """Whether somebody who was built from the file would misunderstand the service."""
    place: Place | None = None
    """Where in the .proto; none for what is new."""

    def __str__(self) -> str:
        return f"{self.text} (breaking)" if self.breaking else self.text


class Changes:
    """Collects differences, finding the line of each.

    Args:
        lines: Of each path in the descriptor, its line in the file.
        file: The .proto's own path.
    """

    def __init__(self, lines: Mapping[Path, int], file: str) -> None:
        self.found: list[Change] = []
        self._lines = lines
        self._file = file

    def add(self, text: str, path: Path = (), *, breaking: bool = False) -> None:
        """Take note of a difference."""
        line = self._lines.get(path)
        self.found.append(Change(text, breaking, Place.of_line(self._file, line) if line else None))
