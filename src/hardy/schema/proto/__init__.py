"""Proto from types: the .proto file, its numbers, and converters between values and protobuf bytes.

The code says names, types and comments; the checked-in .proto owns the numbers.
`generate` writes the file and the descriptor set beside it, `Contract` is what a
server or a client makes of them at build, and a `Converter` is what a call runs.

A list, a set, a tuple and a dict that are absent are empty: proto cannot tell
the two apart. ``list[str] | None`` can, by a message around the list. Every
other field can, so that ``0`` and ``""`` survive and a missing field is told
as missing.

Example:
    >>> from dataclasses import dataclass
    >>> from hardy.core import Operation
    >>> @dataclass
    ... class Greet:
    ...     name: str
    >>> async def greet(msg: Greet) -> str:
    ...     return f"hello {msg.name}"
    >>> contract = Contract.declare([Service("hello.v1.Hello", (Rpc("Greet", Operation.of(greet)),))])
    >>> method = contract.methods[0]
    >>> method.path, method.message.decode(method.message.encode(Greet("you")))
    ('/hello.v1.Hello/Greet', Greet(name='you'))
"""

from hardy.core import publish
from hardy.schema.proto._extra import require_protobuf as _require_protobuf

_require_protobuf()

from hardy.schema.proto._changes import Change  # noqa: E402  # after the remedy for its absence was given a chance
from hardy.schema.proto._contract import Contract, Method  # noqa: E402  # as above
from hardy.schema.proto._converter import Converter, converter  # noqa: E402  # as above
from hardy.schema.proto._generate import Report, generate  # noqa: E402  # as above
from hardy.schema.proto._puts import Unencodable  # noqa: E402  # as above
from hardy.schema.proto._service import Rpc, Service  # noqa: E402  # as above

__all__ = [
    "Change",
    "Contract",
    "Converter",
    "Method",
    "Report",
    "Rpc",
    "Service",
    "Unencodable",
    "converter",
    "generate",
]

publish(__name__, globals())
