"""The service as it is deployed: its own process, the production environment, tokens of a real issuer."""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from hardy import NotFound, Unauthenticated
from hardy.adapters.jwt import JwtSettings, dev_key, mint
from hardy.app import described
from hardy.core import Operation
from hardy.transport import http
from orders.app import PROTO, Settings, build
from orders.usecases import get_order, place_order

SOURCES = Path(__file__).parents[1] / "src"
ISSUER, AUDIENCE = "https://id.example.com", "orders"


@pytest.fixture(scope="module")
def key() -> ECKey:
    return ECKey.generate_key("P-256")


@pytest.fixture
def variables(key, tmp_path) -> dict[str, str]:
    """What an operator sets, and ports that are free."""
    (tmp_path / "jwt.pem").write_bytes(key.as_pem(private=False))
    return {
        "ORDERS_DATABASE__URL": f"sqlite:///{tmp_path}/orders.db",
        "ORDERS_DATABASE__MIGRATE": "apply",
        "ORDERS_JWT__ISSUER": ISSUER,
        "ORDERS_JWT__AUDIENCE": AUDIENCE,
        "ORDERS_JWT__KEY_FILE": f"{tmp_path}/jwt.pem",
        "ORDERS_HTTP__PORT": "0",
        "ORDERS_GRPC__PORT": "0",
        "ORDERS_ADMIN__PORT": "0",
        "ORDERS_SHUTDOWN__DRAIN_DELAY": "0",
    }


def token(key: ECKey, **claims: object) -> str:
    now = int(time.time())
    standard = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60}
    return jwt.encode({"alg": "ES256", "typ": "JWT"}, {**standard, **claims}, key)


@asynccontextmanager
async def serving(folder: Path, variables: dict[str, str]):
    """Run ``python -m orders`` as a container does and yield its process."""
    path = os.pathsep.join(each for each in (str(SOURCES), os.environ.get("PYTHONPATH")) if each)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "orders"),
        cwd=folder,
        env={"PYTHONPATH": path, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def started(process: asyncio.subprocess.Process) -> dict[str, str]:
    """Where the service listens."""
    async with asyncio.timeout(20):
        async for line in process.stdout:
            if (entry := json.loads(line))["event"] == "started":
                return entry
        return pytest.fail((await process.stderr.read()).decode())


def route_of(use_case) -> tuple[Operation, http.Route]:
    exposed = described(build(Settings(environment="dev")), "http")
    return next((each.operation, each.binding) for each in exposed if each.operation.name == use_case.__name__)


async def test_it_starts_serves_and_ends_with_the_settings_of_production(tmp_path, variables, key):
    async with serving(tmp_path, variables) as process:
        facts = await started(process)
        assert (facts["environment"], facts["docs"], facts["reflection"]) == ("production", False, False)

        address = f"http://127.0.0.1:{facts['http'].rpartition(':')[2]}"
        async with http.HttpClient(address) as client:
            as_alice = {"authorization": f"Bearer {token(key)}"}
            order = await client.call(*route_of(place_order), {"sku": "tea", "quantity": 2}, headers=as_alice)
            assert order.buyer == "alice"

            as_bob = {"authorization": f"Bearer {token(key, sub='bob')}"}
            operation, route = route_of(get_order)
            with pytest.raises(NotFound):
                await client.call(operation, route, operation.message(order_id=order.id), headers=as_bob)

        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another"}, {"iss": "https://evil.example.com"}, {"exp": 1}, {"dev": True}],
    ids=["audience", "issuer", "expired", "of a developer's machine"],
)
async def test_a_token_that_is_not_meant_for_it_is_refused(tmp_path, variables, key, claims):
    bearer = mint(dev_key(tmp_path / ".hardy"), "alice") if "dev" in claims else token(key, **claims)
    async with serving(tmp_path, variables) as process:
        facts = await started(process)
        async with http.HttpClient(f"http://127.0.0.1:{facts['http'].rpartition(':')[2]}") as client:
            with pytest.raises(Unauthenticated):
                await client.call(
                    *route_of(place_order), {"sku": "tea", "quantity": 2}, headers={"authorization": f"Bearer {bearer}"}
                )


async def test_without_the_key_of_its_issuer_it_does_not_start(tmp_path, variables):
    del variables["ORDERS_JWT__KEY_FILE"]
    async with serving(tmp_path, variables) as process:
        told = (await asyncio.wait_for(process.communicate(), 20))[1].decode()

    assert "error[H0280]" in told
    assert process.returncode == 3


def test_the_numbers_of_its_contract_are_those_of_the_checked_in_file():
    settings = Settings(jwt=JwtSettings(issuer=ISSUER, audience=(AUDIENCE,), key=None))

    assert PROTO.is_file()
    assert PROTO.with_suffix(".binpb").is_file()
    assert [fault.code for fault in build(settings).check() if fault.code.startswith("H06")] == []
