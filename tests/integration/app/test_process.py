"""A service as a process: how it starts, answers, drains, and what it leaves as its exit code."""

import asyncio
import json
import re
import signal
import socket

import grpc.aio
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def in_flight(web: httpx2.AsyncClient, running, path: str) -> "asyncio.Task[httpx2.Response]":
    """Start a call and return once the service is carrying it out."""
    task = asyncio.create_task(web.get(f"{running.http}{path}"))
    while (await web.get(f"{running.admin}/livez")).status_code != 200:  # a turn of the service's loop
        pass
    await asyncio.sleep(0.1)  # the request is on its way to another process, which tells nobody that it has come
    return task


async def test_a_drain_finishes_what_is_in_flight_and_goes_red_before_anything_else(svc, web):
    running = await svc(SVC_SHUTDOWN__DRAIN_DELAY="2s")
    kept = httpx2.AsyncClient(timeout=10, verify=False, trust_env=False)
    async with kept, grpc.aio.insecure_channel(str(running.facts["grpc"])) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == SERVING
        assert (await web.get(f"{running.admin}/readyz")).status_code == 200
        before = await kept.get(f"{running.http}/slow?seconds=0")
        assert "connection" not in before.headers
        call = await in_flight(web, running, "/slow?seconds=2.5")
        running.signal()
        async with asyncio.timeout(10):
            while (ready := await web.get(f"{running.admin}/readyz")).status_code == 200:
                pass
        assert not call.done()
        assert ready.json()["state"] == "draining"
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
        assert (await web.get(f"{running.admin}/livez")).status_code == 200
        during = await kept.get(f"{running.http}/slow?seconds=0")
        assert (during.status_code, during.headers["connection"]) == (200, "close")
        assert (await call).json() == "done"
    assert await running.end() == 0
    report = running.entry("drained")
    assert (report["forced"], report["finished"], report["stuck"]) == (False, 1, [])
    assert "store closed" in running.lines


async def test_a_stuck_call_is_named_and_does_not_keep_the_process(svc, web):
    running = await svc("--drain-timeout", "300ms")
    call = await in_flight(web, running, "/slow?seconds=600")
    stubborn = await in_flight(web, running, "/stubborn")
    running.signal()
    answer = await call
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
    assert await running.end() == 0  # before the one is over, and the other never is
    report = running.entry("drained")
    assert report["seconds"] > 0.3
    assert sorted(each.split()[0] for each in report["stuck"]) == ["slow", "stubborn"]
    assert answer.headers["x-request-id"] in str(report["stuck"])
    with pytest.raises(httpx2.HTTPError):
        await stubborn


async def test_a_second_signal_ends_the_waiting(svc, web):
    running = await svc("--drain-timeout", "60s")
    call = await in_flight(web, running, "/slow?seconds=60")
    running.signal()
    async with asyncio.timeout(30):  # half of the drain's time
        while (await web.get(f"{running.admin}/readyz")).status_code == 200:
            pass
        running.signal(signal.SIGINT)
        assert (await call).status_code == 503
        assert await running.end() == 0
    report = running.entry("drained")
    assert report["forced"]
    assert [each.split()[0] for each in report["stuck"]] == ["slow"]


async def test_streams_end_with_an_error_of_their_protocol_and_do_not_hold_the_drain(svc, web):
    running = await svc("--drain-timeout", "900ms")
    call = await in_flight(web, running, "/slow?seconds=0.7")  # longer than streams get, shorter than calls get

    async def events(accept: str) -> tuple[int, str]:
        answer = await web.get(f"{running.http}/ticks", headers={"accept": accept})
        return answer.status_code, answer.text

    async def items() -> grpc.StatusCode:
        async with grpc.aio.insecure_channel(str(running.facts["grpc"])) as channel:
            stream = channel.unary_stream("/svc.v1.Svc/Ticks")(b"")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in stream:
                    pass
        return caught.value.code()

    streams = asyncio.gather(events("text/event-stream"), events("application/x-ndjson"), items())
    await asyncio.sleep(0.2)
    running.signal()
    (sse_status, sse), (lines_status, lines), code = await streams
    assert (sse_status, lines_status, code) == (200, 200, grpc.StatusCode.UNAVAILABLE)
    *_, name, data = sse.strip().splitlines()
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["code"] == "UNAVAILABLE"
    assert json.loads(lines.splitlines()[-1])["error"]["code"] == "UNAVAILABLE"
    assert (await call).json() == "done"
    assert await running.end() == 0
    report = running.entry("drained")
    assert (report["streams"], report["finished"], report["stuck"]) == (3, 1, [])


async def test_a_signal_while_starting_stops_the_start(svc):
    running = await svc(wait="opening", SVC_SLOW_START="true")
    running.signal()
    assert await running.end() == 0
    assert running.entry("told to stop while starting")["signal"] == "SIGTERM"


async def test_what_cannot_be_opened_is_named_and_exits_with_5(svc):
    running = await svc(wait="", SVC_BROKEN="true")
    assert await running.end() == 5
    errors = running.errors.decode()
    assert errors.startswith(
        "error[H0402]: component `Store` cannot be opened: ConnectionRefusedError: nobody listens at db:5432"
    )
    assert "svc/app.py:" in errors
    assert "Traceback" not in errors


async def test_a_component_that_fails_to_close_is_logged_and_exits_with_1(svc):
    running = await svc(SVC_STUBBORN_CLOSE="true")
    running.signal()
    assert await running.end() == 1
    assert "the store is on fire" in running.entry("component failed to close")["exception"]


async def test_a_port_in_use_names_its_holder_and_exits_with_4(svc):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = await svc("--port", str(port), wait="")
        assert await running.end() == 4
    lines = running.errors.decode().splitlines()
    assert lines[0] == f"error[H0301]: port {port} is already in use"
    assert re.fullmatch(r"  held by   pid \d+   \S.*   \S+   since \d+ min", lines[1])
    own = re.fullmatch(r"  help: give this service its own port   SVC_HTTP__PORT=(\d+)", lines[4])
    assert int(own[1]) not in {0, port}
    assert lines[2:4] == ["", "  help: take the next free port now      --port 0"]
    assert lines[5:] == [
        f"  help: stop the other one               kill {running_pid(lines[1])}",
        "  more: hardy explain H0301",
    ]
    assert "store closed" in running.lines


def running_pid(line: str) -> str:
    return line.split()[3]


async def test_what_libraries_log_is_in_the_service_s_own_form(svc, web):
    running = await svc("--environment", "dev")
    answer = await web.post(f"{running.http}/ship", json={"order_id": "1"})
    assert answer.status_code == 401
    running.signal()
    assert await running.end() == 0
    odd = [line for line in running.lines if not line.startswith("{") and line != "store closed"]
    assert odd == []
    assert running.entry("started")["chain"].startswith("log > recover > deadline")
