"""Rate limits as callers meet them: on the wire, among processes, and when the server that counts is away."""

import asyncio
import json
import re
import sys

import grpc.aio
import httpx2
import pytest

from hardy import App, public
from hardy.adapters.redis import Redis, RedisLimiter, RedisSettings
from hardy.app import Assembly, Listen, Service
from hardy.config import Settings
from hardy.resilience import per_address, per_operation
from hardy.testing import VirtualClock
from hardy.transport import grpc as rpc, http


async def search(query: str = "") -> str:
    return query


def app_with(limit, *components, clock=None, timeout=None):
    app = App("shop", Settings(environment="test"), clock=clock)
    for each in components:
        app.manage(each)
    app.expose(
        search, http.get("/search"), rpc.service("shop.v1.Shop")("Search"), allow=public, limit=limit, timeout=timeout
    )
    return app


# RFC 9651: a List of Strings with Parameters whose values are Integers.
ITEM = r'"[ !#-\[\]-~]*"(?:;[a-z*][a-z0-9_.*-]*=-?\d{1,15})*'
LIST = re.compile(rf"{ITEM}(?:[ \t]*,[ \t]*{ITEM})*")


def parsed(field):
    assert LIST.fullmatch(field), field
    items = [item.split(";") for item in re.split(r"\s*,\s*", field)]
    return {
        name.strip('"'): {key: int(value) for key, value in (each.split("=") for each in rest)} for name, *rest in items
    }


async def test_every_answer_over_http_tells_what_is_left_and_the_refusal_when_to_come_back():
    limits = [per_address(600, per=60), per_operation(3, per=30, burst=2)]
    clock = VirtualClock()
    async with Service(Assembly(app_with(limits, clock=clock)), http=Listen()) as service:
        async with httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}") as web:
            answers = [await web.get("/search") for _ in range(3)]
            clock.advance(10)
            later = await web.get("/search")
    assert [each.status_code for each in (*answers, later)] == [200, 200, 429, 200]
    policies = [parsed(", ".join(each.headers.get_list("ratelimit-policy"))) for each in answers]
    assert policies == [{"address": {"q": 600, "w": 60}, "operation": {"q": 3, "w": 30, "hardy-burst": 2}}] * 3
    left = [parsed(", ".join(each.headers.get_list("ratelimit"))) for each in answers]
    assert [each["operation"] for each in left] == [{"r": 1, "t": 10}, {"r": 0, "t": 20}, {"r": 0, "t": 10}]
    assert [each["address"]["r"] for each in left] == [599, 598, 597]
    assert answers[2].headers["retry-after"] == "10"
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json()["reason"] == "rate_limited"


async def test_over_grpc_the_same_is_said_in_metadata_and_retry_info():
    app = app_with(per_operation(1, per=30), clock=VirtualClock())
    async with Service(Assembly(app), grpc=Listen()) as service:
        method = service.grpc.contracts.methods()["/shop.v1.Shop/Search"]
        async with grpc.aio.insecure_channel(service.grpc.target) as channel:
            search_ = channel.unary_unary("/shop.v1.Shop/Search")
            data = method.message.encode(Assembly(app).operation(search).message(query="tea"))
            passed = search_(data)
            await passed
            told = dict(await passed.trailing_metadata())
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await search_(data)
    assert (told["ratelimit-policy"], told["ratelimit"]) == ('"operation";q=1;w=30', '"operation";r=0;t=30')
    error = refused.value
    trailing = dict(error.trailing_metadata())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert trailing["ratelimit"] == '"operation";r=0;t=30'
    assert b"google.rpc.RetryInfo" in trailing["grpc-status-details-bin"]


COUNTER = """
import asyncio, json, sys, time
from hardy.adapters.redis import Redis, RedisLimiter, RedisSettings
from hardy.resilience import Rate

async def main(url, seconds):
    rate, admitted, asked = Rate(50, per=1, burst=20), 0, 0
    async with Redis(RedisSettings(url=url, timeout=30)) as redis:
        limiter = RedisLimiter(redis, timeout=30)
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.time()
        async def ask():
            nonlocal admitted, asked
            while time.time() - begun < seconds:
                answer = await limiter.admit("everybody", rate)
                admitted += answer.allowed
                asked += 1
        await asyncio.gather(*[ask() for _ in range(4)])
        print(json.dumps([begun, time.time(), admitted, asked]), flush=True)

asyncio.run(main(sys.argv[1], float(sys.argv[2])))
"""


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "seconds", [pytest.param(2, id="two seconds"), pytest.param(60, id="a minute", marks=pytest.mark.slow)]
)
async def test_four_processes_on_one_limit_never_let_one_too_many_through(valkey_url, seconds):
    pipe = asyncio.subprocess.PIPE
    counters = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", COUNTER, valkey_url, str(seconds), stdin=pipe, stdout=pipe
        )
        for _ in range(4)
    ]
    try:
        for each in counters:
            assert await each.stdout.readline() == b"ready\n"
        for each in counters:
            each.stdin.write(b"go\n")
        results = [json.loads(await each.stdout.readline()) for each in counters]
    finally:
        for each in counters:
            if each.returncode is None and each.stdin is not None:
                each.stdin.close()
            await each.wait()
    window = max(end for _, end, _, _ in results) - min(begun for begun, _, _, _ in results)
    admitted, asked = sum(each[2] for each in results), sum(each[3] for each in results)
    assert admitted <= 20 + 50 * window
    assert asked > admitted >= 20


async def test_without_the_server_that_counts_each_limit_does_what_it_says(valkey_url, valkey_server):
    outcomes = {}
    for word in ("open", "closed"):
        # Only the limiter's own patience, a fraction of a second, can end the waiting before the client's does.
        redis = Redis(RedisSettings(url=valkey_url, timeout=600))
        app = app_with(per_operation(2, per=3600, on_failure=word), redis, RedisLimiter(redis), timeout=600)
        async with Service(Assembly(app), http=Listen()) as service:
            async with httpx2.AsyncClient(base_url=f"http://{service.http.addresses[0]}", timeout=30) as web:
                before = (await web.get("/search")).status_code
                valkey_server.pause()
                try:
                    paused = [await web.get("/search") for _ in range(3)]
                finally:
                    valkey_server.resume()
                outcomes[word] = (before, {each.status_code for each in paused})
                if word == "closed":
                    assert "retry-after" in paused[0].headers
                async with asyncio.timeout(30):
                    while (await web.get("/search")).status_code != 429:  # it counts again
                        await asyncio.sleep(0.01)
        valkey_server.flush()
    assert outcomes == {"open": (200, {200}), "closed": (200, {503})}
