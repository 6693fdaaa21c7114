"""Finds what has the same name in the file and in the code, and tells what has not."""

from collections.abc import Iterable
from typing import TypeVar

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from hardy.schema.proto._changes import Changes, Path

_HIGHEST = {536_870_911, 2_147_483_647}  # of fields, of enum values
_RESERVED_BY_PROTOBUF = range(19_000, 20_000)


NamedT = TypeVar(
    "NamedT",
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)


def pairs(
    new: RepeatedCompositeFieldContainer[NamedT],
    old: RepeatedCompositeFieldContainer[NamedT],
    *,
    what: str,
    path: Path,
    changes: Changes,
) -> list[tuple[NamedT, NamedT, Path]]:
    """Return of each thing that code and file both have: the code's, the file's, and where that stands.

    What only one of them has goes to *changes*. *new* is put into the file's
    order with the rest behind it, so that a diff shows what changed and no more.

    Args:
        what: Kind and scope, as in ``"field Order."``: names are put behind it.
    """
    kind, _, scope = what.partition(" ")
    known = {each.name: (index, each) for index, each in enumerate(old) if not _is_entry(each)}
    found: list[tuple[NamedT, NamedT, Path]] = []
    for each in new:
        if each.name in known:
            index, before = known[each.name]
            found.append((each, before, (*path, index)))
        elif not _is_entry(each):
            changes.add(f"the {kind} `{scope}{each.name}` is new")
    names = {each.name for each in new}
    for name, (index, _) in known.items():
        if name not in names:
            changes.add(f"the {kind} `{scope}{name}` is removed", (*path, index), breaking=True)
    places = {name: index for index, name in enumerate(known)}
    new.sort(key=lambda each: places.get(each.name, len(places)))
    return found


def _is_entry(each: object) -> bool:
    """Whether it is the message protoc makes of a map's entries: never written, never numbered."""
    return isinstance(each, DescriptorProto) and each.options.map_entry


class Numbers:
    """Hands out numbers that nothing in the file has or had.

    Args:
        used: What the file gives away.
        reserved: First and last of each reserved range.
    """

    def __init__(self, used: Iterable[int], reserved: Iterable[tuple[int, int]]) -> None:
        self.reserved = list(reserved)
        # `reserved 100 to max` keeps out what is above and is no number that was used.
        self.last = max([*used, *(last for _, last in self.reserved if last not in _HIGHEST)], default=0)

    def next(self) -> int:
        """Return the highest plus one."""
        self.last += 1
        if self.last in _RESERVED_BY_PROTOBUF:
            self.last = _RESERVED_BY_PROTOBUF.stop
        return self.last

    def retire(self, number: int) -> None:
        """Reserve *number* for ever."""
        self.reserved.append((number, number))

    def ranges(self) -> list[tuple[int, int]]:
        """Return what is reserved, in order, neighbours joined."""
        runs: list[tuple[int, int]] = []
        for first, last in sorted(self.reserved):
            if runs and first <= runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
            else:
                runs.append((first, last))
        return runs
