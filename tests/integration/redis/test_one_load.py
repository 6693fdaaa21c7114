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


@pytest.mark.parametrize(("processes", "readers"), SIZES)
async def test_once_in_all_processes_with_a_lock_and_once_in_each_without(
    valkey_server, valkey_url, processes, readers
):
    words = (sys.executable, READER, valkey_url, str(readers // processes), str(processes))
    started = [
        await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        for _ in range(processes)
    ]

    async def found():
        for each in started:
            each.stdin.write(b"go\n")
        return sum([int(await each.stdout.readline()) for each in started])

    try:
        for each in started:
            assert await each.stdout.readline() == b"ready\n"
        assert await found() == readers
        assert valkey_server.execute("get", "loads in turn") == b"$1\r\n1"
        assert await found() == readers
        assert valkey_server.execute("get", "loads alone") == b"$1\r\n%d" % processes
    finally:
        for each in started:
            if each.returncode is None:
                each.kill()
            await each.wait()
