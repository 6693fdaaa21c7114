"""Compares hardy with its peers in one run: ``make bench``, or ``make bench QUICK=1``.

One server process on the first core, the load on the last, 64 connections on
loopback, nothing beyond it. The figure is requests per CPU-second of all of a
server's processes, what one full core would serve; the wall rate, which on a
shared machine says more about its neighbours, stands beside it. Contenders
alternate within a round, so that a slow minute hits all of them, and a probe of
the CPU's speed goes with each round. Medians of the rounds are compared;
differences below 15 % are no finding.

The results are in ``bench/results``; ``bench/quote.py`` puts them into the README.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from measure import Figures, Latency, Size, check, measure, paced, probe, size
from report import summary, write
from servers import HERE, Contender, Running, contenders, services
from workloads import WORKLOADS, Workload

PACED = ("hardy", "fastapi", "gin", "nethttp")


@dataclass
class Results:
    """Everything that one run found out."""

    load: str
    rounds: int
    seconds: float
    speed: list[float] = field(default_factory=list[float])
    figures: dict[str, dict[str, Figures]] = field(default_factory=dict[str, dict[str, Figures]])
    """By workload and contender."""
    latencies: dict[str, Latency] = field(default_factory=dict[str, Latency])
    sizes: dict[str, Size] = field(default_factory=dict[str, Size])


def work_of(contender: Contender, workloads: list[Workload]) -> list[Workload]:
    """Return what *contender* is asked."""
    return [each for each in workloads if each.only in {"", contender.name}]


def one_round(found: list[Contender], workloads: list[Workload], results: Results, scratch: Path) -> None:
    """Measure everybody at everything once."""
    for contender in found:
        running = Running(contender)
        try:
            mine = work_of(contender, workloads)
            check(contender, running, mine)
            for each in mine:
                results.speed.append(probe())
                figures = results.figures.setdefault(each.name, {}).setdefault(contender.name, Figures())
                try:
                    measure(running, each, results.seconds, figures, scratch)
                except (RuntimeError, subprocess.SubprocessError) as error:
                    if contender.name == "hardy":
                        raise
                    print(f"{contender.name} does not get through {each.name}: {error}", file=sys.stderr)
        finally:
            running.stop()


def half_load(found: list[Contender], results: Results, rounds: int, seconds: float) -> None:
    """Measure latencies at half of what each has reached in this run."""
    post = next(each for each in WORKLOADS if each.name == "post")
    chosen = [each for each in found if each.name in PACED and results.figures["post"][each.name].wall]
    for contender in chosen:
        reached = statistics.median(results.figures["post"][contender.name].wall)
        results.latencies[contender.name] = Latency(reached / 2)
    for _ in range(rounds):
        for contender in chosen:
            running = Running(contender)
            try:
                warm = Latency(results.latencies[contender.name].rate)
                paced(running, post, warm, 0.5)
                paced(running, post, results.latencies[contender.name], seconds)
            finally:
                running.stop()


def sizes(found: list[Contender], results: Results) -> None:
    """Measure memory and start."""
    for contender in (*services(), *found):
        results.sizes[contender.name] = size(contender)


def main() -> None:
    """Measure, write the results, and say how far the bars are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one round of hardy, FastAPI and gin, three workloads")
    parser.add_argument("--only", default="", help="names of contenders, with commas")
    parser.add_argument("--workloads", default="", help="names of workloads, with commas")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.only = 1, options.only or "hardy,fastapi,gin"
        options.workloads = options.workloads or "plaintext,post,struct"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        only, wanted = options.only.split(","), options.workloads.split(",")
        found = [each for each in contenders(scratch) if not options.only or each.name in only]
        workloads = [each for each in WORKLOADS if not options.workloads or each.name in wanted]
        results = Results("wrk" if shutil.which("wrk") else "load.py", options.rounds, options.seconds)
        for number in range(options.rounds):
            one_round(found, workloads, results, scratch)
            print(f"round {number + 1} of {options.rounds} after {time.monotonic() - began:.0f} s", file=sys.stderr)
        if not options.quick:
            half_load(found, results, rounds=5, seconds=1.5)
            sizes(found, results)
    write(results, options.results)
    print(summary(results))
    print(f"\n{time.monotonic() - began:.0f} s in all; the results are in {options.results}")


if __name__ == "__main__":
    main()
