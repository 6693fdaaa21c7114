"""A package imports only from the floors below, and only through the front of what it imports."""

import ast
import sys
from pathlib import Path

from importlinter.cli import lint_imports

# The step that makes a package's public names say where they live is written once, below everything.
SHARED = {("hardy.core._module", "publish")}


def imports(file: Path) -> list[tuple[str, str]]:
    """Every (module, name) that a file imports absolutely, wherever in the file it does so."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return found


def test_the_import_contracts_hold(root, capsys):
    assert lint_imports(str(root / "pyproject.toml"), no_cache=True, no_logo=True) == 0, capsys.readouterr().out


def test_every_folder_with_code_is_a_package(root):
    folders = {path.parent for path in (root / "src/hardy").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_package_has_a_floor(root, floor_of):
    packages = {path.parent.name for path in (root / "src/hardy").glob("*/__init__.py")}
    assert sorted(packages - set(floor_of)) == []


def test_core_imports_the_standard_library_only(root):
    outside = {
        f"{file.name}: {module}"
        for file in (root / "src/hardy/core").rglob("*.py")
        for module, _ in imports(file)
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith("hardy.core")
    }
    assert outside == set()


def test_a_package_is_imported_through_its_front(root, file):
    home = file.relative_to(root / "src").parent.parts
    private = [
        f"from {module} import {name}"
        for module, name in imports(file)
        if module.startswith("hardy")
        and (module, name) not in SHARED
        and private_part_outside([*module.split("."), name], home)
    ]
    assert private == []


def private_part_outside(target: list[str], home: tuple[str, ...]) -> bool:
    """Whether *target* goes through a private name of a package that *home* does not stand in."""
    for depth, part in enumerate(target):
        if part.startswith("_") and not part.startswith("__"):
            return tuple(target[:depth]) != home[:depth]
    return False
