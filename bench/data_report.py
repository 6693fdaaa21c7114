"""What ``data.py`` has found out, as Markdown, and beside the bars."""

import platform
import statistics
from typing import TYPE_CHECKING

from data_services import CONNECTIONS, RELAYING, WORKLOADS

if TYPE_CHECKING:
    from data import Results

TITLES = {
    "hardy": "**hardy**, typed SQL",
    "fastapi": "FastAPI, SQLAlchemy ORM",
    "asgi": "bare ASGI on uvicorn, asyncpg pool",
}
TITLES |= {RELAYING: "hardy, which also relays the events it writes"}
SPEEDUP = 5.0
"""Times as many requests per CPU-second as FastAPI with SQLAlchemy's ORM."""
BARS = (
    ("reads", "hardy, a session for each read", 60.0),
    ("redis", "hardy: RedisCache.get_many", 40.0),
    ("cache", "MemoryCache.get_many, hit", 1.0),
)
"""Section, row, and the most microseconds of CPU."""


def ratio(results: "Results", workload: str, peer: str) -> float | None:
    """Return how many times as much as *peer* hardy does with a CPU-second."""
    found = results.services.get(workload, {})
    if not {peer, "hardy"} <= found.keys():
        return None
    return statistics.median(found["hardy"].per_cpu_second) / statistics.median(found[peer].per_cpu_second)


def summary(results: "Results") -> str:
    """Return what has a bar, and the bar."""
    lines: list[str] = []
    for each in WORKLOADS:
        found = ratio(results, each.name, "fastapi")
        if found is not None:
            verdict = "kept" if found >= SPEEDUP else "MISSED"
            lines.append(
                f"{each.title + ', of FastAPI with SQLAlchemy ORM':64}{found:8.2f} x   at least {SPEEDUP:g}: {verdict}"
            )
    for section, row, bar in BARS:
        microseconds = results.costs[section][row]
        verdict = "kept" if microseconds <= bar else "MISSED"
        lines.append(f"{row:64}{microseconds:8.2f} us  at most {bar:g}: {verdict}")
    return "\n".join(lines)


def tables(results: "Results") -> str:
    """Return everything as Markdown."""
    about = (
        f"On PostgreSQL, by `make bench-data`: {results.rounds} interleaved rounds of {results.seconds:g} s each, 64 connections, "
        f"{CONNECTIONS} to the database, CPU of the server's process alone, the database being another; "
        f"Python {results.python}, {platform.machine()}. Every built-in of "
        "hardy is on; handing on the events, which the others leave to another process, has a row of its own."
    )
    costs = "What one operation costs the process that asks, by the same command, and what it may cost:"
    parts = [_services(results), about, costs, _costs(results)]
    return "\n\n".join(parts) + "\n"


def _services(results: "Results") -> str:
    names = max(results.services.values(), key=len)
    lines = [
        "| requests per CPU-second (per second of wall time) | " + " | ".join(each.title for each in WORKLOADS) + " |"
    ]
    lines.append("|---" + "|---:" * len(WORKLOADS) + "|")
    for name in names:
        cells: list[str] = []
        for each in WORKLOADS:
            figures = results.services[each.name].get(name)
            cells.append(
                f"{statistics.median(figures.per_cpu_second):,.0f} ({statistics.median(figures.wall):,.0f})"
                if figures
                else ""
            )
        lines.append(f"| {TITLES.get(name, name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _costs(results: "Results") -> str:
    headings = {"reads": "point read on PostgreSQL", "redis": "Valkey, 64 callers", "cache": "in memory"}
    bars = {(section, row): bar for section, row, bar in BARS}
    lines = ["| | CPU microseconds | at most |", "|---|---:|---:|"]
    for section, rows in results.costs.items():
        for row, microseconds in rows.items():
            bar = bars.get((section, row))
            name, most = (f"**{row}**", f"{bar:g}") if bar else (row, "")
            lines.append(
                f"| {headings[section]}: {name} | {microseconds:.{2 if section == 'cache' else 1}f} | {most} |"
            )
    return "\n".join(lines)
