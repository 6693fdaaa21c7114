"""`hardy call` over every door, to a service that really runs."""

import json
import os
import subprocess
import sys

import pytest

from hardy.tools.cli import main


@pytest.fixture(scope="module")
def shop(tmp_path_factory, running_shop):
    return running_shop(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture
def done(capfd, monkeypatch):
    """Run the program to its end, in this process: it is the service that is another one."""

    def done(folder, *argv):
        monkeypatch.chdir(folder)
        capfd.readouterr()
        code = main(list(argv))
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(argv, code, out, err)

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]

    monkeypatch.setattr(sys, "path", list(sys.path))
    forget()  # what a test elsewhere imported under this name
    yield done
    forget()


@pytest.fixture
def call(shop, done):
    folder, places = shop

    def call(*argv: str, grpc: bool = False):
        door = ["--grpc", "--at", places["grpc"]] if grpc else ["--at", places["http"]]
        return done(folder, "call", *door, *argv)

    return call


DOORS = pytest.mark.parametrize("grpc", [False, True], ids=["rest", "grpc"])


@DOORS
def test_a_reply_is_json_on_standard_output(call, grpc):
    ended = call("buy", '{"sku": "tea", "quantity": 2}', grpc=grpc)
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"version": 1, "text": "2 tea"})
    status, took, door = ended.stderr.strip().split("   ")
    assert (status, door) == (("OK", "gRPC shop.v1.Shop/Buy") if grpc else ("201", "REST POST /purchases"))
    assert took.endswith(" ms")


@DOORS
def test_an_error_is_told_with_its_code_reason_and_details(call, grpc):
    ended = call("buy", '{"sku": "moon"}', grpc=grpc)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    lines = ended.stderr.splitlines()
    assert lines[0].startswith("FAILED_PRECONDITION   " if grpc else "409 FAILED_PRECONDITION   ")
    assert lines[1:] == ["  there is only one", "  reason   sold_out", "  sku   moon"]


@DOORS
def test_a_stream_is_one_line_an_item(call, grpc):
    ended = call("count", '{"upto": 3}', grpc=grpc)
    assert ended.returncode == 0
    assert [json.loads(line)["text"] for line in ended.stdout.splitlines()] == ["0", "1", "2"]


@DOORS
def test_a_stream_to_the_service_is_an_array(call, grpc):
    ended = call("collect", '[{"sku": "tea"}, {"sku": "milk"}]', grpc=grpc)
    assert json.loads(ended.stdout)["text"] == "tea milk"


@DOORS
def test_it_calls_as_whoever_is_named(call, grpc):
    assert call("audit", grpc=grpc).stderr.splitlines()[0].split("   ")[0].endswith("UNAUTHENTICATED")
    assert call("audit", "--as", "alice", grpc=grpc).stderr.split("   ")[0].endswith("PERMISSION_DENIED")
    ended = call("audit", "--as", "alice", "--scope", "audit", grpc=grpc)
    assert (ended.returncode, json.loads(ended.stdout)["text"]) == (0, "all is well")


def test_every_fault_of_a_message_is_told(call):
    ended = call("buy", '{"sku": 1, "quantity": 0}')
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert ended.stderr.splitlines()[0] == "INVALID_ARGUMENT   not sent"
    assert [line.split()[0] for line in ended.stderr.splitlines()[1:]] == ["sku", "quantity"]


def test_local_needs_no_running_service(shop, done):
    folder, _ = shop
    for name, *argv in (["buy", '{"sku": "tea"}'], ["audit", "--as", "alice", "--scope", "audit"], ["tidy"]):
        ended = done(folder, "call", "--local", name, *argv)
        assert ended.returncode == 0, ended.stderr
    assert done(folder, "call", "--local", "audit").returncode == 1
    replies = done(folder, "call", "--local", "count", '{"upto": 2}').stdout
    assert [json.loads(line)["text"] for line in replies.splitlines()] == ["0", "1"]  # the log is elsewhere


def test_a_service_that_does_not_run_is_told(shop, done):
    folder, _ = shop
    ended = done(folder, "call", "--at", "127.0.0.1:1", "buy", '{"sku": "tea"}')
    assert ended.returncode == 5
    assert ended.stderr == "error: nothing answers at 127.0.0.1:1\n  help: start the service: hardy dev\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["byu"], 'no operation "byu"; the closest is "buy"'),
        (["tidy"], "tidy cannot be called from outside; try: hardy call tidy --local"),
        (["buy", '{"sku": "tea"}', "--at", "nowhere"], '"nowhere" is no address; write 127.0.0.1:8080'),
    ],
    ids=["misspelt", "internal", "no-address"],
)
def test_wrong_usage_ends_with_2(shop, done, argv, said):
    folder, _ = shop
    ended = done(folder, "call", *argv)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_a_message_comes_from_standard_input(shop, hardy_program):
    folder, places = shop
    ended = subprocess.run(
        [hardy_program, "call", "--at", places["http"], "collect", "-"],
        input='{"sku": "tea"}\n{"sku": "milk"}\n',
        capture_output=True,
        text=True,
        cwd=folder,
        env=dict(os.environ),
    )
    assert json.loads(ended.stdout)["text"] == "tea milk"
