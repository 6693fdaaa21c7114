"""``make demo``: the reference service runs, and what it prints to try works when it is pasted."""

import json
import re
import shutil
import signal
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANY_PORTS = "--port 0 --grpc-port 0 --admin-port 0"


@pytest.fixture
def folder(tmp_path):
    """The example, copied: a running demo keeps its data beside it."""
    ignored = shutil.ignore_patterns(".hardy", "__pycache__", "tests")
    return shutil.copytree(ROOT / "examples/orders", tmp_path / "my orders", ignore=ignored)


@pytest.fixture
def demo(start, folder):
    program = start(f"python demo.py {ANY_PORTS}", folder)
    program.wait_for("Ctrl-C ends it.")
    return program


def lines_of(program) -> dict[str, list[str]]:
    """The printed lines to try, by the comment above them."""
    found: dict[str, list[str]] = {}
    for line in program.said["stdout"]:
        if line.startswith("# "):
            comment = line
        elif re.match(r"curl |printf |buf ", line):
            found.setdefault(comment, []).append(line)
    return found


def of(lines: dict[str, list[str]], start: str) -> list[str]:
    (found,) = [commands for comment, commands in lines.items() if comment.startswith(f"# {start}")]
    return found


def test_every_line_that_the_demo_prints_works_as_it_stands(demo, start, shell, tmp_path):
    lines = lines_of(demo)

    (placed,) = map(shell, of(lines, "place an order"))
    assert placed.startswith("HTTP/1.1 201 ")
    assert re.search(r"^location: /orders/[0-9a-f-]{36}$", placed, re.MULTILINE)

    first, again = map(shell, of(lines, "place one order"))
    assert first.startswith("HTTP/1.1 201 ")
    assert "idempotency-replayed" in again
    assert "idempotency-replayed" not in first
    assert json.loads(first.splitlines()[-1]) == json.loads(again.splitlines()[-1])

    (faulty,) = map(shell, of(lines, "every fault"))
    assert [fault["pointer"] for fault in json.loads(faulty)["errors"]] == ["/sku", "/quantity"]

    (page,) = map(shell, of(lines, "list"))
    assert [order["buyer"] for order in json.loads(page)["items"]] == ["alice", "alice"]

    whole, unchanged = map(shell, of(lines, "look one up"))
    assert whole.startswith("HTTP/1.1 200 ")
    assert 'etag: "1"' in whole
    assert unchanged.startswith("HTTP/1.1 304 ")

    (best,) = of(lines, "what sells")
    shell(f"until {best} | grep -q '\"tea\"'; do sleep 0.05; done")

    (cancel,) = of(lines, "cancel")
    assert '"status":"cancelled"' in shell(cancel)
    assert shell(cancel).startswith("HTTP/1.1 412 ")

    (imported,) = map(shell, of(lines, "import"))
    assert json.loads(imported) == {"count": 2}

    (watch,) = of(lines, "watch")
    watching = start(watch, tmp_path)
    assert '"status":"placed"' in watching.wait_for("data: ")
    watching.wait_for('"status":"cancelled"')

    place, track, watch = of(lines, "the same over gRPC")
    assert json.loads(shell(place))["buyer"] == "alice"
    assert json.loads(shell(track))["status"] == "STATUS_CANCELLED"
    watching = start(watch, tmp_path)
    watching.wait_for("STATUS_PLACED")

    assert sum(map(len, lines.values())) == 14, "this test must try every line"


def test_the_pages_it_names_are_there(demo, shell):
    places = {words[0]: words[1] for line in demo.said["stdout"] if len(words := line.split()) == 2}

    assert "<title>" in shell(f"curl -s {places['docs']}")
    assert json.loads(shell(f"curl -s {places['admin']}"))["ok"] is True


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_ends_cleanly(demo, start, tmp_path, how):
    watching = start(of(lines_of(demo), "watch")[0], tmp_path)
    watching.wait_for("data: ")

    assert demo.end(how) == 0, demo.told()
    assert "Traceback" not in demo.told()


def test_orders_outlive_the_demo(start, folder, shell):
    for count in (1, 2):
        program = start(f"python demo.py {ANY_PORTS}", folder)
        program.wait_for("Ctrl-C ends it.")
        (page,) = map(shell, of(lines_of(program), "list"))
        assert len(json.loads(page)["items"]) == count
        assert program.end(signal.SIGTERM) == 0


def test_a_port_that_is_taken_is_told_with_its_holder(start, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        program = start(f"python demo.py {ANY_PORTS} --port {taken.getsockname()[1]}", folder)

        assert program.wait() == 4
    assert "error[H0301]" in program.told()
    assert "held by" in program.told()


def test_the_same_service_runs_on_real_servers(start, shell, folder):
    program = start(f"python demo_full.py {ANY_PORTS}", folder)
    program.wait_for("Ctrl-C ends it.")
    lines = lines_of(program)
    first, again = map(shell, of(lines, "place one order"))
    assert "idempotency-replayed" not in first
    assert json.loads(first.splitlines()[-1]) == json.loads(again.splitlines()[-1])
    (best,) = of(lines, "what sells")
    shell(f"until {best} | grep -q '\"tea\"'; do sleep 0.05; done")
    assert program.end(signal.SIGTERM) == 0, program.told()
    urls = [line.partition("=")[2] for line in program.said["stdout"] if "__URL=" in line]
    assert [url.partition(":")[0] for url in urls] == ["postgresql", "redis", "nats"]
    for url in urls:  # they ended with the demo
        _, _, place = url.rpartition("@")[2].rpartition("//")
        host, _, port = place.partition("/")[0].partition(":")
        with pytest.raises(ConnectionRefusedError), socket.create_connection((host, int(port)), timeout=5):
            pass
