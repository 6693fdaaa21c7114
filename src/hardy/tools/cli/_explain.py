"""``hardy explain``: the long form of a diagnostic code, from pages that are installed with hardy."""

from pathlib import Path

import click

from hardy.tools.cli._style import table

_PAGES = Path(__file__).parents[1] / "explain"


@click.command("explain")
@click.argument("code", required=False)
@click.pass_context
def command(context: click.Context, code: str | None) -> int:
    """Print what a code means, the smallest example of it, and the fix; without CODE, all codes."""
    pages = {page.stem: page for page in sorted(_PAGES.glob("H*.md"))}
    if code is None:
        table(["code", "means"], [[name, _title(page)] for name, page in pages.items()])
        return 0
    page = pages.get(code.upper())
    if page is None:
        near = min(pages, key=lambda name: _distance(name, code.upper()))
        raise click.UsageError(f'no code "{code.upper()}"; the closest is "{near}"', ctx=context)
    click.echo(page.read_text(encoding="utf-8").rstrip())
    return 0


def _distance(name: str, code: str) -> int:
    digits = code.removeprefix("H")
    return abs(int(name[1:]) - int(digits)) if digits.isdecimal() and len(digits) < 10 else 0


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as lines:
        return next(lines, "").partition(": ")[2].strip()
