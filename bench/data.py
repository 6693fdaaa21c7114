"""What data and shared state cost: ``make bench-data``, or ``python bench/data.py --quick``.

Services on a real PostgreSQL, a GET by key and a POST whose transaction keeps a row
and an event, beside FastAPI with SQLAlchemy's ORM and asyncpg without a framework.
The figure is requests per CPU-second of the server's process: the database is
another, and has the core of the load. Rounds are interleaved, medians compared,
answers and what is in the database afterwards checked. Then `sql`, `redis_client`
and `cache` say what one operation costs its caller. Each figure that has a bar is
printed beside it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

import cache
import redis_client
import sql
from data_report import summary, tables
from data_services import contenders, one_round, postgres
from hardy.testing import ValkeyServer
from measure import Figures
from servers import HERE, python


@dataclass
class Results:
    """Everything that one run found out."""

    rounds: int
    seconds: float
    python: str = field(default_factory=python)
    services: dict[str, dict[str, Figures]] = field(default_factory=dict[str, dict[str, Figures]])
    """By workload and contender."""
    costs: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """Microseconds of CPU, by section and operation."""


def services(results: Results) -> None:
    """Measure the services, and what a read costs, on one PostgreSQL."""
    with tempfile.TemporaryDirectory() as scratch, postgres() as server:
        found = contenders()
        for number in range(results.rounds):
            one_round(server, found, results.seconds, results.services, Path(scratch))
            print(f"round {number + 1} of {results.rounds} of the services is over", file=sys.stderr)
        with server.database() as url:
            results.costs["reads"] = uvloop.run(sql.measure(300 if results.rounds == 1 else 1000, url))


def shared_state(results: Results) -> None:
    """Measure what commands and hits in the cache cost."""
    with ValkeyServer() as server:
        results.costs["redis"] = redis_client.medians(uvloop.run(redis_client.measure(server.url)))
    results.costs["cache"] = asyncio.run(cache.measure())


def main() -> None:
    """Measure, write the results, and say how far the bars are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one short round, which writes no results")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    began = time.monotonic()
    results = Results(1, 1.0) if options.quick else Results(options.rounds, options.seconds)
    services(results)
    shared_state(results)
    print(tables(results) if options.quick else "", summary(results), sep="\n")
    if not options.quick:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "data.json").write_text(json.dumps(asdict(results), indent=1) + "\n")
        (options.results / "data.md").write_text(tables(results))
    print(
        f"\n{time.monotonic() - began:.0f} s in all"
        + ("" if options.quick else f"; the results are in {options.results}")
    )


if __name__ == "__main__":
    main()
