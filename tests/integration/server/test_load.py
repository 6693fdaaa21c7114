"""Requests that are refused because of overload: answered at once, in order, and the connection goes on."""

import json

from hardy.server import Response
from hardy.transport import http

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"


class Every:
    """Lets in every n-th request."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked = 0

    def admits(self) -> bool:
        self.asked += 1
        return self.asked % self.n == 0


async def test_a_refused_request_is_told_when_to_come_back_and_the_next_one_is_served(serve):
    service = await serve(load=Every(2))
    peer, refused = await service.ask(GET % 1)
    assert (refused.status, refused.header("retry-after"), refused.header("connection")) == (503, "1", None)
    assert json.loads(refused.body)["code"] == "UNAVAILABLE"
    peer.send(GET % 2)
    assert (await peer.reply()).body == b"hello /2"
    statistics = service.server.statistics()
    assert (statistics.requests, statistics.shed, statistics.in_flight) == (2, 1, 0)


async def test_a_long_pipeline_is_answered_in_order(serve):
    service = await serve(load=Every(10))
    peer = await service.connect()
    peer.send(b"".join(GET % number for number in range(1, 2001)))
    statuses = [(await peer.reply()).status for _ in range(2000)]
    assert statuses == ([503] * 9 + [200]) * 200


async def test_the_body_of_a_refused_request_is_not_taken_for_the_next_one(serve):
    service = await serve(load=Every(2))
    peer = await service.connect()
    peer.send(b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n" + b"GET /evil HTTP/1.1\r\n\r\n")
    assert (await peer.reply()).status == 503
    peer.send(b"x" * (60 - 22) + GET % 2)
    assert (await peer.reply()).body == b"hello /2"


async def test_a_client_that_has_left_meanwhile_is_let_go(serve):
    service = await serve(load=Every(1000))
    peer = await service.connect()
    peer.send(b"".join(GET % number for number in range(500)))
    peer.reset()
    await service.until(lambda: service.server.statistics().connections == 0)
    assert service.server.statistics().in_flight == 0


async def test_a_rendering_that_is_broken_does_not_cost_the_answer(serve):
    def render(request):
        raise ValueError("no")

    service = await serve(load=Every(2), render_shed=render)
    _, refused = await service.ask(GET % 1)
    assert refused.status == 503
    assert isinstance(service.errors[0], ValueError)


async def test_over_the_transport_a_refusal_is_a_problem_with_the_calls_id(serve):
    transport = http.Transport(())
    service = await serve(transport.handle, load=Every(1000), render_shed=transport.shed)
    peer, refused = await service.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n\r\n")
    problem = json.loads(refused.body)
    assert refused.header("content-type") == "application/problem+json"
    assert (problem["status"], problem["code"], problem["call"]) == (503, "UNAVAILABLE", "mine-1")
    assert refused.header("x-request-id") == "mine-1"
    assert refused.header("retry-after") == "1"
    peer.send(GET % 1)
    second = await peer.reply()
    assert json.loads(second.body)["call"] == second.header("x-request-id") != "mine-1"


async def test_without_a_load_everything_is_let_in(serve):
    async def handle(request) -> Response:
        return Response(204)

    service = await serve(handle)
    _, reply = await service.ask(GET % 1)
    assert reply.status == 204
