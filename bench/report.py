"""What a run has found out, as a table, a picture and data."""

import json
import platform
import statistics
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from servers import python
from workloads import WORKLOADS

if TYPE_CHECKING:
    from run import Results

TITLES = {"asgi": "bare ASGI on uvicorn", "fastapi": "FastAPI", "starlette": "Starlette", "litestar": "Litestar"}
TITLES |= {"robyn": "Robyn", "nethttp": "net/http (Go)", "gin": "gin (Go)"}
TITLES |= {"gin-duties": "gin (Go) with log, id, deadline"}
BARS = (
    ("plaintext", "gin", 1.2),
    ("post", "gin", 1.15),
    ("struct", "gin", 1.3),
    ("post", "fastapi", 8.0),
    ("plaintext", "gin-duties", None),
    ("post", "gin-duties", None),
)
"""Workload, peer, and how many times faster hardy should be, where that was set."""
INK, SOFT, OWN = "#57606a", "#b9c2cc", "#1a7f64"
WIDTH, ROW = 720, 22


def write(results: "Results", folder: Path) -> None:
    """Write the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(asdict(results), indent=1) + "\n")
    (folder / "table.md").write_text(tables(results))
    if "post" in results.figures:
        (folder / "chart.svg").write_text(chart(results))


def title(name: str) -> str:
    """Return a contender's name for people."""
    return TITLES.get(name, name)


def medians(results: "Results", workload: str) -> dict[str, float]:
    """Return each contender's figure at one workload; hardy's with Structs is that of the workload for them."""
    return {
        name: statistics.median(each.per_cpu_second)
        for name, each in results.figures.get(workload, {}).items()
        if each.wall
    }


def ratio(results: "Results", workload: str, peer: str) -> float | None:
    """Return how many times as much as *peer* hardy does with a CPU-second."""
    against = medians(results, "post" if workload == "struct" else workload).get(peer)
    own = medians(results, workload).get("hardy")
    return None if own is None or against is None else own / against


def summary(results: "Results") -> str:
    """Return the ratios that have a bar."""
    lines: list[str] = []
    for workload, peer, bar in BARS:
        found = ratio(results, workload, peer)
        if found is not None:
            lines.append(f"{workload:10} {found:5.2f} x {title(peer)}" + (f", the bar is {bar:g}" if bar else ""))
    return "\n".join(lines)


def tables(results: "Results") -> str:
    """Return everything as Markdown."""
    speeds = results.speed
    about = (
        f"{results.rounds} interleaved rounds of {results.seconds:g} s each, 64 connections, one core, load by {results.load}, "
        f"Python {python()}, {platform.machine()}; the CPU probe read "
        f"{min(speeds):.0f} to {max(speeds):.0f} (median {statistics.median(speeds):.0f}) million steps a second."
    )
    parts = [_throughput(results), about]
    if results.latencies:
        parts += [_latencies(results)]
    if results.sizes:
        parts += [_sizes(results)]
    return "\n\n".join(parts) + "\n"


def _throughput(results: "Results") -> str:
    shown = [each for each in WORKLOADS if each.name in results.figures and not each.only]
    lines = ["| units of work per CPU-second (per second of wall time) | " + " | ".join(w.title for w in shown) + " |"]
    lines.append("|---" + "|---:" * len(shown) + "|")
    names = list(dict.fromkeys(name for each in results.figures.values() for name in each))
    for name in names:
        cells = [_cell(results, each.name, name) for each in shown]
        lines.append(f"| {'**hardy**' if name == 'hardy' else title(name)} | " + " | ".join(cells) + " |")
    if "struct" in results.figures:
        cells = [_cell(results, "struct", "hardy") if each.name == "post" else "" for each in shown]
        lines.insert(3, "| **hardy**, msgspec Structs | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(results: "Results", workload: str, name: str) -> str:
    figures = results.figures[workload].get(name)
    if figures is None or not figures.wall:
        return ""
    return f"{statistics.median(figures.per_cpu_second):,.0f} ({statistics.median(figures.wall):,.0f})"


def _latencies(results: "Results") -> str:
    lines = [
        "| POST at half of its own saturation: milliseconds, best / median of the rounds | requests/s | p50 | p90 | p99 | p99.9 |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for name, latency in results.latencies.items():
        cells = [f"{min(each):.2f} / {statistics.median(each):.2f}" for each in zip(*latency.rounds, strict=True)]
        lines.append(f"| {title(name)} | {latency.rate:,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _sizes(results: "Results") -> str:
    lines = ["| | RSS, MiB | PSS, MiB | CPU-seconds to the first answer |", "|---|---:|---:|---:|"]
    for name, each in results.sizes.items():
        lines.append(f"| {title(name)} | {each.rss:.0f} | {each.pss:.0f} | {each.start_cpu:.2f} |")
    return "\n".join(lines)


def chart(results: "Results") -> str:
    """Return a picture of the validated POST."""
    bars = [(title(name), value, name == "hardy") for name, value in medians(results, "post").items()]
    if "struct" in results.figures:
        bars.append(("hardy, Structs", medians(results, "struct")["hardy"], True))
    bars.sort(key=lambda bar: -bar[1])
    scale = (WIDTH - 280) / bars[0][1]
    height = ROW * len(bars) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img" font-size="13">',
        "<style>text { font-family: system-ui, sans-serif }</style>",
        "<title>Validated POST, requests per CPU-second</title>",
        f'<text x="0" y="16" fill="{INK}" font-weight="600">Validated POST, requests per CPU-second</text>',
    ]
    for place, (name, value, own) in enumerate(bars):
        y = 30 + place * ROW
        weight = ' font-weight="600"' if own else ""
        lines += [
            f'<text x="170" y="{y + 14}" text-anchor="end" fill="{INK}"{weight}>{name}</text>',
            f'<rect x="180" y="{y + 2}" width="{value * scale:.1f}" height="{ROW - 6}" fill="{OWN if own else SOFT}"/>',
            f'<text x="{188 + value * scale:.1f}" y="{y + 14}" fill="{INK}"{weight}>{value:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
