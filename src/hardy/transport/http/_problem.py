"""RFC 9457 problem documents: what every error looks like over HTTP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import cast

import msgspec

from hardy.core import Code, Error, Fault, InvalidMessage
from hardy.transport.http._status import code_of, status_of

_OWN_TITLES = {499: "Client Closed Request"}
PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as HTTP answers it.

    Example:
        >>> problem = Problem(status=404, detail="no such order", code="NOT_FOUND", call="7f")
        >>> problem.title
        'Not Found'
    """

    status: int
    detail: str
    code: str
    reason: str | None = None
    call: str | None = None
    """The id of the call, the same as in the log."""
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    errors: Sequence[Fault] = ()
    retry_after: float | None = None

    @property
    def title(self) -> str:
        """The status in words (RFC 9110)."""
        return _OWN_TITLES.get(self.status) or HTTPStatus(self.status).phrase

    @classmethod
    def of(cls, error: Error, *, call: str | None, status: int | None = None) -> "Problem":
        """Return *error* as a problem.

        Args:
            call: The id of the call that failed.
            status: Another one than the table says.
        """
        return cls(
            status=status or status_of(error),
            detail=error.message,
            code=error.code.name,
            reason=error.reason,
            call=call,
            details=error.details,
            errors=error.faults if isinstance(error, InvalidMessage) else (),
            retry_after=error.retry_after,
        )

    def members(self) -> dict[str, object]:
        """Return the members of the document, those without a value left out."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        optional = {"reason": self.reason, "call": self.call, "details": dict(self.details)}
        document |= {name: value for name, value in optional.items() if value}
        if self.errors:
            document["errors"] = [{"pointer": each.pointer, "detail": each.detail} for each in self.errors]
        return document


RenderProblem = Callable[[Problem], tuple[bytes, str]]
"""Makes body and content type of an error's answer: replace it for an API with an error format of its own."""


def render_problem(problem: Problem) -> tuple[bytes, str]:
    """Return *problem* as ``application/problem+json``.

    Example:
        >>> render_problem(Problem(status=404, detail="no such order", code="NOT_FOUND"))[1]
        'application/problem+json'
    """
    return encode_anything(problem.members()), PROBLEM_TYPE


def encode_anything(value: object) -> bytes:
    """Return *value* as JSON; what JSON does not know becomes its text, so that an error can always be told."""
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except (TypeError, ValueError, RecursionError):
        if isinstance(value, dict):
            document = cast("dict[str, object]", value)
            detail = str(document.get("detail", "")).encode(errors="replace").decode()
            return msgspec.json.encode({**document, "detail": detail, "details": {}}, enc_hook=str)
        raise


def engine_problem(status: int, detail: str) -> Problem:
    """Return the problem for an error of the engine's own, which belongs to no call."""
    code = Code.DEADLINE_EXCEEDED if status == 408 else code_of(status)
    return Problem(status=status, detail=detail, code=code.name, retry_after=1 if status == 503 else None)


def retry_after(seconds: float) -> bytes:
    """Return the value of ``Retry-After``: whole seconds, at least one."""
    return b"%d" % max(1, ceil(seconds))
