"""What a request may cost beyond what the engine limits: what grows when it is read."""

from dataclasses import dataclass

_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of one transport. Sizes are bytes.

    Example:
        >>> Bounds(form_parts=10).form_parts
        10
    """

    body_ratio: int = 100
    """Most times that a compressed body may grow, beyond its first 64 KiB."""
    message: int = 1024 * _KIB
    """Of one item in a stream from the client."""
    form: int = 16 * 1024 * _KIB
    """Of a form with files."""
    form_parts: int = 100
    """Fields and files in one form."""
    form_field: int = 64 * _KIB
    """Of one field that is no file."""
    form_headers: int = 4 * _KIB
    """Of the header of one part."""
    file_memory: int = 256 * _KIB
    """Of one file that are kept in memory; the rest is on disk."""
