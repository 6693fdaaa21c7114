"""What travels beside a message: HTTP headers, gRPC metadata."""

from collections.abc import Iterable, Iterator, Mapping


class Metadata(Mapping[str, str]):
    """Named texts beside the message; names are case-insensitive and may repeat.

    Looking up gives the first value, `all` gives every one. Cheap to make: no
    table is built, since a call looks up a handful of names in a dozen pairs.

    Example:
        >>> headers = Metadata([("Accept", "text/plain"), ("accept", "*/*")])
        >>> headers["ACCEPT"], headers.all("accept")
        ('text/plain', ('text/plain', '*/*'))
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple((name.lower(), value) for name, value in pairs)

    def __getitem__(self, name: str) -> str:
        wanted = name.lower()
        for key, value in self._pairs:
            if key == wanted:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self._pairs))

    def __len__(self) -> int:
        return len({key for key, _ in self._pairs})

    def __repr__(self) -> str:
        # Names only: values carry credentials.
        return f"Metadata({', '.join(self)})"

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of *name* in the order of arrival."""
        wanted = name.lower()
        return tuple(value for key, value in self._pairs if key == wanted)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return all pairs as they came, names in lower case."""
        return self._pairs
