"""The README's hello, saved and run as the README says, answers everybody whom the README names."""

import json
import re
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text()
SOURCE = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]
RUN, *CALLS = re.findall(r"^(?:python hello\.py|curl|buf curl).*", PAGE, re.MULTILINE)
# Ports of the test's own: two runs of the tests do not meet.
ANY_PORTS = {"HARDY_HTTP__PORT": "0", "HARDY_GRPC__PORT": "0", "HARDY_ADMIN__PORT": "0"}

CLIENT = """
import sys
import grpc
import hello_pb2, hello_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = hello_pb2_grpc.HelloStub(channel)
    print(stub.Hello(hello_pb2.HelloHello(name="you"), timeout=10).value)
    print(stub.Hello(hello_pb2.HelloHello(), timeout=10).value)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hello.py").write_text(SOURCE)
    return tmp_path


@pytest.fixture
def places(start, folder):
    """Where the hello listens."""
    return start(RUN, folder, **ANY_PORTS).started()


def at(places: dict[str, str], command: str) -> str:
    """The command, sent to the test's own ports."""
    ports = {"localhost:8080": places["http"], "localhost:9090": places["grpc"]}
    for printed, place in ports.items():
        command = command.replace(printed, f"localhost:{place.rpartition(':')[2]}")
    return command


def test_the_example_is_the_hello_of_the_readme():
    documented = re.sub(r'^\s*""".*"""\n+', "", (ROOT / "examples/hello/hello.py").read_text(), flags=re.MULTILINE)
    assert documented == re.sub(r'^\s*""".*"""\n', "", SOURCE, flags=re.MULTILINE)


def test_it_answers_curl_and_buf(places, shell):
    answers = [shell(at(places, each)) for each in CALLS]

    assert json.loads(answers[0]) == "hello you"
    assert json.loads(answers[1]) == {"value": "hello you"}
    assert len(answers) == 2


def test_it_answers_a_stub_compiled_from_its_generated_proto(places, shell, folder):
    shell("hardy gen proto hello:build --out proto")
    made = "--python_out=. --grpc_python_out=."
    shell(f"python -m grpc_tools.protoc -Iproto/hello/v1 {made} proto/hello/v1/hello.proto")
    (folder / "client.py").write_text(CLIENT)

    assert shell(f"python client.py {places['grpc']}").splitlines() == ["hello you", "hello world"]


def test_its_pages_and_probes_are_where_the_readme_says(places, shell):
    assert "localhost:8080/docs" in PAGE
    assert "<title>hello" in shell(f"curl -s http://{places['http']}/docs")
    assert "localhost:9000/readyz" in PAGE
    assert json.loads(shell(f"curl -s http://{places['admin']}/readyz"))["ok"] is True


def test_an_error_is_a_problem_document(places, shell):
    answer = shell(f"curl -si http://{places['http']}/nowhere")

    assert answer.startswith("HTTP/1.1 404 ")
    assert "application/problem+json" in answer


def test_it_ends_on_ctrl_c(start, folder):
    program = start(RUN, folder, **ANY_PORTS)
    program.started()

    assert program.end(signal.SIGINT) == 0
