"""Answers that are no reply: problems, with every header they need."""

from collections.abc import Sequence

from hardy.core import Code, Emit, Error, new_call_id
from hardy.server import Request, RequestRefused, Response, prepare
from hardy.transport.http._call import request_id
from hardy.transport.http._coding import CODINGS
from hardy.transport.http._problem import Problem, RenderProblem, engine_problem, retry_after
from hardy.transport.http._status import UnsupportedCoding

Header = tuple[bytes, bytes]
_CODINGS: Sequence[Header] = ((b"accept-encoding", ", ".join(CODINGS).encode()),)
"""What a body may be in (RFC 9110 section 15.5.16)."""


class Answers:
    """Turns errors into responses; one for each transport.

    Args:
        render: Makes the body.
        headers: Sent with every answer of the transport.
        challenges: Values of ``WWW-Authenticate``, sent with every 401.
        emit: Told of each request that reaches no operation.
    """

    def __init__(
        self,
        render: RenderProblem,
        headers: Sequence[tuple[str, str]],
        challenges: Sequence[str],
        emit: Emit = lambda notice: None,
    ) -> None:
        self._emit = emit
        self._render = render
        self.headers: list[Header] = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        prepare(self.headers)  # a header that cannot be sent is refused now
        self._challenges: list[Header] = [(b"www-authenticate", each.encode("latin-1")) for each in challenges]

    def error(
        self, error: Error, call_id: str | None, *, status: int | None = None, beside: Sequence[Header] = ()
    ) -> Response:
        """Answer a call that failed, with the headers *beside* it."""
        extra = (*_CODINGS, *beside) if isinstance(error, UnsupportedCoding) else beside
        return self.problem(Problem.of(error, call=call_id, status=status), extra)

    def problem(self, problem: Problem, extra: Sequence[Header] = ()) -> Response:
        """Answer with *problem*."""
        body, content_type = self._render(problem)
        headers = [(b"content-type", content_type.encode("latin-1")), *self.headers, *extra]
        if problem.retry_after is not None:
            headers.append((b"retry-after", retry_after(problem.retry_after)))
        if problem.code == Code.UNAUTHENTICATED.name:
            headers += self._challenges
        if problem.call is not None:
            headers.append((b"x-request-id", problem.call.encode()))
        return Response(problem.status, headers, body)

    def refuse(self, request: Request, error: Error, extra: Sequence[Header] = ()) -> Response:
        """Answer a request that reaches no operation."""
        call = request_id(request.fields.get(b"x-request-id")) or new_call_id()
        response = self.problem(Problem.of(error, call=call), extra)
        what = f"{request.method} {request.path}"
        told = RequestRefused(peer=request.peer, status=response.status, detail=str(error), request=what, call=call)
        self._emit(told)
        return response

    def engine(self, status: int, detail: str) -> Response:
        """Answer for the engine what it refuses by itself."""
        return self.problem(engine_problem(status, detail))

    def body_of(self, error: Error, call_id: str, *, status: int | None = None) -> bytes:
        """Return the problem alone, for a stream that has begun."""
        return self._render(Problem.of(error, call=call_id, status=status))[0]
