"""Each diagnostic code has a page that `hardy explain` prints, and each page a code that is used."""

import ast
import re
from pathlib import Path

CODE = re.compile(r"H\d{4}")


def codes_in(folder: Path) -> set[str]:
    """Every string in the sources that is a code and nothing else."""
    return {
        node.value
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def pages(root: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (root / "src/hardy/tools/explain").glob("H*.md")}


def test_every_code_has_a_page(root):
    assert sorted(codes_in(root / "src/hardy") - set(pages(root))) == []


def test_every_page_has_a_code_that_is_used(root):
    assert sorted(set(pages(root)) - codes_in(root / "src/hardy")) == []


def test_every_page_begins_with_its_code_and_shows_an_example(root):
    odd = [
        code
        for code, text in pages(root).items()
        if not re.match(rf"# {code}: [^\n]*[^.\n]\n", text) or "```" not in text
    ]
    assert odd == []
