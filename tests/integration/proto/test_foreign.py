"""Others who have nothing but the .proto understand us, and we them."""

import importlib
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hardy.core import Operation
from hardy.schema.proto import Contract, Rpc, Service, generate

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/unit/schema_proto/golden/shop.proto"


class Card(msgspec.Struct, tag="card"):
    number: str


class Cash(msgspec.Struct, tag="cash"):
    amount: int


@dataclass
class Order:
    sku: str
    quantity: int
    at: datetime
    wait: timedelta
    pay: Card | Cash
    grid: list[list[int]]
    by_number: dict[int, Cash]
    labels: list[str] | None = None


async def place_order(order: Order) -> Order: ...


SERVICE = Service("foreign.v1.Orders", (Rpc("PlaceOrder", Operation.of(place_order)),))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A folder of protos as a repository has it."""
    root = tmp_path_factory.mktemp("proto")
    generate([SERVICE], root / "foreign/v1/orders.proto")
    shop = root / "shop/v1/shop.proto"
    shop.parent.mkdir(parents=True)
    shop.write_text(GOLDEN.read_text())
    return root


@pytest.fixture(scope="module")
def stub(tree):
    """What protoc's Python plugin makes of the .proto."""
    run_protoc(tree, f"--python_out={tree}", "foreign/v1/orders.proto")
    sys.path.insert(0, str(tree))
    try:
        yield importlib.import_module("foreign.v1.orders_pb2")
    finally:
        sys.path.remove(str(tree))


def run_protoc(tree, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{tree}", *arguments], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_buf_lint_has_nothing_to_say(tree):
    buf = Path(sys.executable).parent / "buf"
    if not buf.exists():
        pytest.skip("buf is not installed: pip install buf-bin")
    (tree / "buf.yaml").write_text("version: v2\nlint:\n  use: [BASIC]\n")
    done = subprocess.run(
        [buf, "lint", "--path", "foreign", "--path", "shop"],
        cwd=tree, env={"HOME": str(tree)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_protoc_alone_compiles_everything(tree):
    run_protoc(tree, "--descriptor_set_out=/dev/null", "shop/v1/shop.proto", "foreign/v1/orders.proto")


def test_a_foreign_stub_reads_what_we_write(tree, stub):
    method = Contract.load(tree / "foreign/v1/orders.binpb", [SERVICE]).methods[0]
    at = datetime(2024, 5, 1, 10, tzinfo=UTC)
    order = Order("", 0, at, timedelta(seconds=-1.5), Cash(0), [[], [1, 2]], {-5: Cash(3)}, [])

    read = stub.Order.FromString(method.message.encode(order))

    assert (read.HasField("sku"), read.sku, read.HasField("quantity"), read.quantity) == (True, "", True, 0)
    assert (read.at.ToDatetime(UTC), read.wait.ToTimedelta()) == (at, timedelta(seconds=-1.5))
    assert (read.pay.WhichOneof("kind"), read.pay.cash.amount) == ("cash", 0)
    assert [list(each.value) for each in read.grid] == [[], [1, 2]]
    assert read.by_number[-5].amount == 3
    assert read.HasField("labels")


def test_we_read_what_a_foreign_stub_writes(tree, stub):
    method = Contract.load(tree / "foreign/v1/orders.binpb", [SERVICE]).methods[0]
    written = stub.Order(sku="tea", quantity=2, grid=[{"value": [1]}, {}], by_number={7: {"amount": 1}})
    written.at.FromJsonString("2024-05-01T10:00:00.000001Z")
    written.wait.FromJsonString("3600.5s")
    written.pay.card.number = "42"

    order = method.message.decode(written.SerializeToString())

    assert order == Order(
        "tea", 2, datetime(2024, 5, 1, 10, 0, 0, 1, UTC), timedelta(seconds=3600.5), Card("42"), [[1], []], {7: Cash(1)}
    )


def test_two_contracts_of_one_package_live_side_by_side(tree):
    first = Contract.declare([SERVICE])
    second = Contract.load(tree / "foreign/v1/orders.binpb", [SERVICE])
    assert first.message_class("foreign.v1.Order") is not second.message_class("foreign.v1.Order")
    assert first.pool is not second.pool


def test_the_descriptor_set_carries_its_imports():
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    files = FileDescriptorSet.FromString(Contract.declare([SERVICE]).descriptor_set())
    assert [each.name for each in files.file] == [
        "google/protobuf/timestamp.proto", "google/protobuf/duration.proto", "foreign/v1/foreign.proto",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("absent", "statement", "told"),
    [
        pytest.param(
            "google.protobuf", "import hardy.schema.proto",
            "hardy.schema.proto needs protobuf. Install it with: pip install 'hardy[grpc]'", id="protobuf",
        ),
        pytest.param(
            "grpc_tools", "from hardy.schema.proto import generate; generate([], 'a.proto')",
            "hardy gen proto needs grpcio-tools. Install it with: pip install 'hardy[dev]'", id="grpcio-tools",
        ),
    ],
)  # fmt: skip
def test_an_absent_extra_is_named(tmp_path, absent, statement, told):
    program = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == {absent!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
try:
    {statement}
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (told, "")
