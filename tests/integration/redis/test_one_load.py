"""Thousands want the same missing key at once, in several processes: it is loaded once."""

import asyncio
import sys
from pathlib import Path

import pytest

READER = Path(__file__).with_name("reader.py")
SIZES = [
    pytest.param(2, 1_000, id="2 processes"),
    pytest.param(4, 10_000, id="4 processes", marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
]


async def read_by(url, processes, readers, way):
    """Return how many of all readers found the value."""
    words = (sys.executable, READER, url, str(readers // processes), str(processes), way)
    started = [
        await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        for _ in range(processes)
    ]
    try:
        for each in started:
            assert await each.stdout.readline() == b"ready\n"
        for each in started:
            each.stdin.write(b"go\n")
        return sum([int(await each.stdout.readline()) for each in started])
    finally:
        for each in started:
            if each.returncode is None:
                each.kill()
            await each.wait()


@pytest.mark.parametrize(("processes", "readers"), SIZES)
async def test_with_a_lock_once_in_all_processes(valkey_server, valkey_url, processes, readers):
    assert await read_by(valkey_url, processes, readers, "lock") == readers
    assert valkey_server.execute("get", "loads") == b"$1\r\n1"


@pytest.mark.parametrize(("processes", "readers"), SIZES)
async def test_without_one_once_in_each_process(valkey_server, valkey_url, processes, readers):
    assert await read_by(valkey_url, processes, readers, "alone") == readers
    assert valkey_server.execute("get", "loads") == b"$1\r\n%d" % processes
