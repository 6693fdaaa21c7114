"""Routes: where and how HTTP reaches an operation, written in the ``expose`` line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hardy.core import Diagnostic, Operation

Place = Literal["path", "query", "header", "cookie"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field of the message is taken from, when not from where it would be by itself."""

    place: Place
    name: str


def header(name: str) -> Source:
    """Take a field from the request header *name*.

    Of ``If-Match`` the quotes are stripped, and errors of state become 412.

    Example:
        >>> header("If-Match").name
        'if-match'
    """
    return Source("header", name.lower())


def query(name: str) -> Source:
    """Take a field from the query parameter *name*: another name, or a query on a method with a body.

    Example:
        >>> query("page[size]").place
        'query'
    """
    return Source("query", name)


def cookie(name: str) -> Source:
    """Take a field from the cookie *name*.

    Example:
        >>> cookie("theme").place
        'cookie'
    """
    return Source("cookie", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method and a path that reach one operation; made by `get`, `post` and their like."""

    method: str
    path: str
    status: int | None = None
    """Of a success; 200, or 204 without a reply, when none is given."""
    location: str | None = None
    """The ``Location`` header of a success, with fields of the reply: ``/orders/{id}``."""
    etag: str | None = None
    """The field of the reply that becomes its ``ETag``."""
    next: str | None = None
    """The query parameter that takes the reply's field ``next``: a ``Link`` to the next page."""
    bind: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """Fields of the message that come from somewhere else than by the rules."""
    summary: str = ""
    tag: str = ""
    """The group in the API document; the first word of the path when empty."""
    raw: bool = False
    form: bool = False
    """Whether the body is a form instead of JSON."""

    @property
    def transport(self) -> str:
        """Always ``"http"``."""
        return "http"

    def check(self, operation: Operation) -> Sequence[Diagnostic]:
        """Return everything that keeps *operation* from being reached by this route."""
        from hardy.transport.http._layout import layout

        return layout(self, operation).faults

    def describe(self) -> dict[str, object]:
        """Return the route as plain data."""
        facts: dict[str, object] = {"transport": "http", "method": self.method, "path": self.path}
        if self.raw:
            facts["raw"] = True
        if self.form:
            facts["form"] = True
        for name in ("status", "location", "etag", "next"):
            if (value := getattr(self, name)) is not None:
                facts[name] = value
        if self.bind:
            facts["bind"] = {name: f"{source.place} {source.name}" for name, source in self.bind.items()}
        return facts


class Prefix:
    """Makes routes whose paths begin alike: ``v1 = http.prefix("/v1")``, then ``v1.get("/orders")``."""

    __slots__ = ("_path", "_tag", "raw")

    raw: "RawPrefix"
    """Makes raw routes: their use case takes an `http.Request` and returns an `http.Response`."""

    def __init__(self, path: str = "", *, tag: str = "") -> None:
        self._path = path.rstrip("/")
        self._tag = tag
        self.raw = RawPrefix(self._path, tag)

    def prefix(self, path: str, *, tag: str = "") -> "Prefix":
        """Return the prefix *path* below this one.

        Args:
            path: Begins with ``/``.
            tag: Groups the routes in the API document.
        """
        return Prefix(self._path + path, tag=tag or self._tag)

    def get(
        self,
        path: str,
        *,
        status: int | None = None,
        etag: str | None = None,
        next: str | None = None,
        bind: Mapping[str, Source] | None = None,
        summary: str = "",
    ) -> Route:
        """Return the route for ``GET`` (and ``HEAD``): what is not in the path comes from the query.

        Args:
            path: Begins with ``/``; ``{order_id}`` is a field of the message.
            status: Of a success.
            etag: The field of the reply that becomes its ``ETag``; with
                ``If-None-Match`` a client that has it gets 304.
            next: Of a list in pages, the query parameter that takes the
                reply's field ``next``: while that is not ``None``, the answer
                has a ``Link`` to the next page (RFC 8288).
            bind: Fields of the message that come from somewhere else.
            summary: For the API document, instead of the docstring's first line.
        """
        made = self._make("GET", path, status=status, etag=etag, bind=bind or {}, summary=summary)
        return made if next is None else replace(made, next=next)

    def post(
        self,
        path: str,
        *,
        status: int | None = None,
        location: str | None = None,
        etag: str | None = None,
        bind: Mapping[str, Source] | None = None,
        summary: str = "",
        form: bool = False,
    ) -> Route:
        """Return the route for ``POST``: what is not in the path is the JSON body.

        Args:
            path: Begins with ``/``; ``{order_id}`` is a field of the message.
            status: Of a success.
            location: The ``Location`` of a success, with fields of the reply: ``/orders/{id}``.
            etag: The field of the reply that becomes its ``ETag``.
            bind: Fields of the message that come from somewhere else.
            summary: For the API document, instead of the docstring's first line.
            form: The body is a form, as pages send it: each field is text, or
                a `File`. Needs the extra ``forms``.
        """
        made = self._make("POST", path, status=status, location=location, etag=etag, bind=bind or {}, summary=summary)
        return replace(made, form=True) if form else made

    def put(
        self,
        path: str,
        *,
        status: int | None = None,
        location: str | None = None,
        etag: str | None = None,
        bind: Mapping[str, Source] | None = None,
        summary: str = "",
        form: bool = False,
    ) -> Route:
        """Return the route for ``PUT``: what is not in the path is the JSON body, or a form."""
        made = self._make("PUT", path, status=status, location=location, etag=etag, bind=bind or {}, summary=summary)
        return replace(made, form=True) if form else made

    def patch(
        self,
        path: str,
        *,
        status: int | None = None,
        location: str | None = None,
        etag: str | None = None,
        bind: Mapping[str, Source] | None = None,
        summary: str = "",
        form: bool = False,
    ) -> Route:
        """Return the route for ``PATCH``: what is not in the path is the JSON body, or a form."""
        made = self._make("PATCH", path, status=status, location=location, etag=etag, bind=bind or {}, summary=summary)
        return replace(made, form=True) if form else made

    def delete(
        self,
        path: str,
        *,
        status: int | None = None,
        bind: Mapping[str, Source] | None = None,
        summary: str = "",
    ) -> Route:
        """Return the route for ``DELETE``: what is not in the path comes from the query."""
        return self._make("DELETE", path, status=status, bind=bind or {}, summary=summary)

    def _make(
        self,
        method: str,
        path: str,
        *,
        status: int | None = None,
        location: str | None = None,
        etag: str | None = None,
        bind: Mapping[str, Source],
        summary: str,
    ) -> Route:
        if location is not None and location.startswith("/"):
            location = self._path + location
        return Route(
            method=method,
            path=self._path + path,
            status=status,
            location=location,
            etag=etag,
            bind=dict(bind),
            summary=summary,
            tag=self._tag,
        )


class RawPrefix:
    """Makes raw routes: ``http.raw.post("/webhooks/stripe")``.

    Their use case takes an `http.Request` and returns an `http.Response`:
    webhooks that sign bytes, pages, files.
    """

    __slots__ = ("_path", "_tag")

    def __init__(self, path: str = "", tag: str = "") -> None:
        self._path = path
        self._tag = tag

    def get(self, path: str, *, summary: str = "") -> Route:
        """Return the raw route for ``GET`` (and ``HEAD``)."""
        return self._make("GET", path, summary)

    def post(self, path: str, *, summary: str = "") -> Route:
        """Return the raw route for ``POST``."""
        return self._make("POST", path, summary)

    def put(self, path: str, *, summary: str = "") -> Route:
        """Return the raw route for ``PUT``."""
        return self._make("PUT", path, summary)

    def patch(self, path: str, *, summary: str = "") -> Route:
        """Return the raw route for ``PATCH``."""
        return self._make("PATCH", path, summary)

    def delete(self, path: str, *, summary: str = "") -> Route:
        """Return the raw route for ``DELETE``."""
        return self._make("DELETE", path, summary)

    def _make(self, method: str, path: str, summary: str) -> Route:
        return Route(method=method, path=self._path + path, raw=True, summary=summary, tag=self._tag)


_ROOT = Prefix()

get = _ROOT.get
post = _ROOT.post
put = _ROOT.put
patch = _ROOT.patch
delete = _ROOT.delete
prefix = _ROOT.prefix
raw = _ROOT.raw
