"""Puts the results of the last runs into the README, between the two marks: ``python bench/quote.py``."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def quoted(readme: str, table: str) -> str:
    """Return *readme* with *table* between its marks."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md has no {BEGIN} and {END}")
    picture = "![Validated POST, requests per CPU-second](bench/results/chart.svg)"
    return f"{before}{BEGIN}\n{picture}\n\n{table.strip()}\n{END}{after}"


if __name__ == "__main__":
    path = ROOT / "README.md"
    table = "\n".join((ROOT / "bench/results" / name).read_text() for name in ("table.md", "data.md"))
    path.write_text(quoted(path.read_text(), table))
