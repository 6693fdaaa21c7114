"""Forms on their way out."""

from collections.abc import Sequence
from secrets import token_hex
from typing import cast
from urllib.parse import urlencode

from hardy.core import Operation
from hardy.schema import Codec, JsonCase, codec
from hardy.transport.http._file import File
from hardy.transport.http._layout import Layout
from hardy.transport.http._plan import partial_of

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"


class FormFields:
    """Takes a message apart that has files: its texts by their codec, its files as they are."""

    def __init__(self, layout: Layout, operation: Operation, json_case: JsonCase) -> None:
        texts = [slot.field for slot in layout.slots if not slot.is_file]
        self._names = [each.name for each in texts]
        self._part = partial_of(operation.message, "Fields", texts)
        self._codec: Codec[object] = codec(self._part, json_case=json_case)
        self._files = [slot for slot in layout.form if slot.is_file]

    def values(self, message: object) -> dict[str, object]:
        """Return what is text, by its JSON names."""
        part = self._part(**{name: _value(message, name) for name in self._names})
        return cast("dict[str, object]", self._codec.to_builtins(part))

    def files(self, message: object) -> list[tuple[str, File]]:
        """Return the files, in order."""
        found: list[tuple[str, File]] = []
        for slot in self._files:
            value = _value(message, slot.field.name)
            files = [value] if isinstance(value, File) else cast("Sequence[File]", value or ())
            found += [(slot.name, each) for each in files]
        return found


def _value(message: object, name: str) -> object:
    return cast("dict[str, object]", message).get(name) if isinstance(message, dict) else getattr(message, name)


def encode_form(texts: Sequence[tuple[str, str]], files: Sequence[tuple[str, File]]) -> tuple[str, bytes]:
    """Return content type and body of a form.

    Example:
        >>> encode_form([("user", "tea & cake")], [])
        ('application/x-www-form-urlencoded', b'user=tea+%26+cake')
    """
    if not files:
        return URLENCODED, urlencode(texts).encode()
    boundary = token_hex(16)
    parts: list[bytes] = []
    for name, text in texts:
        parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"\r\n\r\n{text}\r\n'.encode()]
    for name, file in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"; '
        head += f'filename="{_escaped(file.name)}"\r\nContent-Type: {_escaped(file.content_type)}\r\n\r\n'
        parts += [head.encode(), file.peek(0, file.size), b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return f"{MULTIPART}; boundary={boundary}", b"".join(parts)


def _escaped(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
