"""Forms on their way in: ``application/x-www-form-urlencoded`` and ``multipart/form-data`` (RFC 7578)."""

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import unquote_to_bytes

from hardy.core import Error, Malformed
from hardy.server import ClientGone, Request, RequestFault
from hardy.transport.http._accept import MULTIPART, URLENCODED, coding_of
from hardy.transport.http._bounds import Bounds
from hardy.transport.http._file import File
from hardy.transport.http._inflate import inflate
from hardy.transport.http._status import TooLarge, UnsupportedMediaType, from_engine

MISSING_EXTRA = "hardy.transport.http needs python-multipart for forms. Install it with: pip install 'hardy[forms]'"
_OWN_LIMIT = 2**30  # headers are counted here, all of a part together
_LONGEST_BOUNDARY = 70  # RFC 2046 section 5.1.1


@dataclass(slots=True)
class Form:
    """What one form says."""

    texts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Fields that are no files, in order."""
    files: list[tuple[str, File]] = field(default_factory=list[tuple[str, File]])


async def read_form(request: Request, files: Collection[str], bounds: Bounds) -> Form:
    """Return the form that the body of *request* is; what it sends faster than it is kept, waits in the socket.

    Args:
        files: Names of the fields that are files; a file of another name is thrown away.
        bounds: What it may cost.

    Raises:
        UnsupportedMediaType: It is no form.
        Malformed: It is a broken one.
        TooLarge: It has too many parts, or one of them is too large.
    """
    if not request.content_length:
        return Form()
    head = Message()
    head["content-type"] = request.fields.get(b"content-type", b"").decode("latin-1")
    kind = head.get_content_type()
    coding = coding_of(request.fields)
    if kind == URLENCODED:
        return _urlencoded(b"".join([piece async for piece in _pieces(request, coding, bounds)]), bounds)
    if kind != MULTIPART:
        raise UnsupportedMediaType("the body must be a form", accepted=[MULTIPART, URLENCODED])
    boundary = head.get_boundary("").encode("latin-1", "replace")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise Malformed("the content type of the form says no boundary")
    request.max_body = bounds.form
    parts = _Parts(files, bounds)
    feed = parts.feeder(boundary)
    async for piece in _pieces(request, coding, bounds):
        feed(piece)
        await parts.flush()
    if not parts.ended:
        raise Malformed("the form breaks off before its last boundary")
    return parts.form


async def _pieces(request: Request, coding: str | None, bounds: Bounds) -> AsyncIterator[bytes]:
    pieces = request.chunks()
    if coding is not None:
        pieces = inflate(pieces, coding, limit=request.max_body, ratio=bounds.body_ratio)
    try:
        async for piece in pieces:
            yield piece
    except (RequestFault, ClientGone) as fault:
        raise from_engine(fault) from None


def _urlencoded(body: bytes, bounds: Bounds) -> Form:
    form = Form()
    if body.count(b"&") >= bounds.form_parts:
        raise TooLarge(f"the form has more than {bounds.form_parts} fields")
    for pair in body.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            if len(value) > bounds.form_field * 3 or len(text := _unquoted(value)) > bounds.form_field:
                raise TooLarge(f"a field of the form is larger than {bounds.form_field} bytes")
            form.texts.append((_text(_unquoted(name)), _text(text)))
    return form


def _unquoted(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed("a field of the form is not UTF-8") from None


class _Parts:
    """Takes the events of the parser, and keeps what is wanted."""

    def __init__(self, files: Collection[str], bounds: Bounds) -> None:
        self.form = Form()
        self.ended = False
        self._files = files
        self._bounds = bounds
        self._count = 0
        self._header = bytearray()
        self._value = bytearray()
        self._size = 0
        self._head = Message()
        self._name = ""
        self._sink: bytearray | File | None = None
        self._unwritten: list[tuple[File, bytes]] = []

    def feeder(self, boundary: bytes) -> Callable[[bytes], object]:
        """Return what takes the body piece by piece."""
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser

        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_part_data": self._on_data,
                "on_part_end": self._on_end,
                "on_end": self._finish,
            },
            max_header_count=_OWN_LIMIT,
            max_header_size=_OWN_LIMIT,
        )

        def feed(data: bytes) -> None:
            try:
                parser.write(data)
            except Error:
                raise
            except FormParserError:
                raise Malformed("the form is malformed") from None

        return feed

    async def flush(self) -> None:
        """Write what has arrived of files."""
        unwritten, self._unwritten = self._unwritten, []
        for file, data in unwritten:
            await file.write(data)

    def _begin(self) -> None:
        self._count += 1
        if self._count > self._bounds.form_parts:
            raise TooLarge(f"the form has more than {self._bounds.form_parts} parts")
        self._head = Message()
        self._size = 0

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._take_header(self._header, data[start:end])

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._take_header(self._value, data[start:end])

    def _take_header(self, into: bytearray, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._bounds.form_headers:
            raise TooLarge(f"the header of a part is larger than {self._bounds.form_headers} bytes")
        into += data

    def _on_header_end(self) -> None:
        name = self._header.decode("latin-1").lower()
        if name in {"content-disposition", "content-type"} and name not in self._head:
            self._head[name] = self._value.decode("utf-8", "replace").replace("\n", " ").replace("\r", " ")
        self._header.clear()
        self._value.clear()

    def _on_headers(self) -> None:
        head = self._head
        name = head.get_param("name", None, "content-disposition")
        if head.get_content_disposition() != "form-data" or not isinstance(name, str):
            raise Malformed("a part of the form has no name")
        self._name = _unescaped(name)
        self._size = 0
        filename = head.get_filename()
        if filename is None:
            self._sink = bytearray()
        elif not filename:  # what a browser sends for a file that nobody chose
            self._sink = None
        else:
            kind = str(head["content-type"] or "application/octet-stream").partition(";")[0].strip()
            wanted = self._name in self._files
            made = File(_unescaped(filename), kind, memory=self._bounds.file_memory)
            self.form.files.append((self._name, made))
            self._sink = made if wanted else None

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        sink = self._sink
        if isinstance(sink, File):
            self._unwritten.append((sink, data[start:end]))
        elif sink is not None:
            sink += data[start:end]
            if len(sink) > self._bounds.form_field:
                raise TooLarge(f"a field of the form is larger than {self._bounds.form_field} bytes")

    def _on_end(self) -> None:
        if isinstance(self._sink, bytearray):
            self.form.texts.append((self._name, _text(bytes(self._sink))))
        self._sink = None

    def _finish(self) -> None:
        self.ended = True


def _unescaped(name: str) -> str:
    """Undo what browsers do to names, says HTML: they escape quotes and line ends, and nothing else."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
