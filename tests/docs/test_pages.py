"""Every code block of a page runs, or is at least what it says it is.

Python is executed, block after block in one module. JSON, TOML and proto are parsed. Commands are looked up: a make
target, a hardy subcommand and its flags must exist. What is no code is marked ``text``.
"""

import doctest
import json
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import pad
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

ROOT = Path(__file__).parents[2]
# Programs that a page may tell the reader to start; what they talk to is proven elsewhere.
FOREIGN = {"apt-get", "buf", "cd", "curl", "docker", "export", "git", "grpcurl", "kill", "kubectl", "mkdir", "pip"}
FOREIGN |= {"prek", "python", "python3", "uv", "uvicorn", "granian", "hypercorn", "source", "brew", ".ci/run"}


def fenced_blocks(document: Document):
    """Every fenced block, with or without a language."""
    for region in FencedCodeBlockLexer(language=r"[^\n]*")(document):
        yield Region(region.start, region.end, region.lexemes, lambda example: None)


PARSER = Sybil([fenced_blocks])


def test_the_blocks_of_a_page_run(page, reader_of_page, tmp_path):
    for example in PARSER.parse(page).examples():
        language = example.parsed["language"].strip().partition(" ")[0]
        source = example.parsed["source"]
        match language:
            case "python" | "pycon" | "py":
                run_python(example, source, reader_of_page)
            case "json":
                json.loads(source)
            case "toml":
                tomllib.loads(source)
            case "proto":
                compile_proto(source, tmp_path)
            case "sh" | "bash" | "console" | "shell":
                for command in commands(source):
                    assert_known(command, page)
            case "text" | "http" | "mermaid" | "diff" | "yaml" | "sql":
                pass
            case _:
                pytest.fail(f"{page.name}:{example.line}: say what this block is, `text` if it is no code")


def run_python(example: Example, source: str, reader) -> None:
    where = f"{example.path}:{example.line}"
    if source.lstrip().startswith(">>>"):
        for typed in doctest.DocTestParser().get_examples(source):
            reader.type_in(typed, where)
    else:
        reader.run(pad(source, example.line), example.path, "exec")


def compile_proto(source: str, folder: Path) -> None:
    (folder / "page.proto").write_text(source)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", "--descriptor_set_out=/dev/null", "page.proto"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def commands(source: str) -> list[str]:
    """The command lines of a block, without prompts, comments and printed output."""
    lines = source.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def assert_known(command: str, page: Path) -> None:
    for part in re.split(r"\s(?:&&|\|\||\||;)\s", command):
        words = [word for word in shlex.split(part, comments=True) if not re.match(r"[A-Z_0-9]+=", word)]
        if not words:
            continue
        program, *arguments = words
        if program == "make":
            assert set(arguments) <= make_targets(), command
        elif program == "hardy":
            assert_hardy_knows(arguments, command)
        else:
            assert program in FOREIGN, f"{page.name}: what is {program}? Add it to FOREIGN if a reader has it"


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def assert_hardy_knows(arguments: list[str], command: str) -> None:
    flags = {word.partition("=")[0] for word in arguments if word.startswith("-")}
    assert flags <= set(re.findall(r"--?[a-z][\w-]*", help_of(tuple(arguments)))), command


@cache
def help_of(arguments: tuple[str, ...]) -> str:
    """What ``hardy SUBCOMMAND --help`` prints, with as many leading words as name a subcommand."""
    words = [word for word in arguments[:2] if re.fullmatch(r"[a-z][a-z-]*", word)]
    for count in range(len(words), -1, -1):
        command = [str(Path(sys.executable).with_name("hardy")), *words[:count], "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and (count or not words):
            return done.stdout + " --help"
    raise AssertionError(f"hardy does not know {arguments}")


def test_the_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    dead = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert dead == []
