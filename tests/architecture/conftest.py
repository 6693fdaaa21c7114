"""What the tests of the house ask about the tree: its packages, its files, its floors."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


def python_files() -> list[Path]:
    """Every file of hardy that a person writes."""
    return sorted(path for path in (SOURCE / "hardy").rglob("*.py") if "_pb2" not in path.name)


def public_packages() -> list[str]:
    """Every package whose dotted name has no private part, found on disk."""
    folders = (path.parent.relative_to(SOURCE) for path in (SOURCE / "hardy").rglob("__init__.py"))
    return sorted(".".join(folder.parts) for folder in folders if not any(part[0] == "_" for part in folder.parts[1:]))


def floors() -> dict[str, int]:
    """Package of the first level to its floor, as the import contract in pyproject.toml says."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = configuration["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    return {name.strip(" ()"): floor for floor, layer in enumerate(reversed(layers)) for name in layer.split("|")}


def packages_usable_alone() -> list[str]:
    """The packages of floors 0 to 3, with the doors and adapters one by one."""
    return [name for name in public_packages() if name != "hardy" and floors()[name.split(".")[1]] <= 3]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``package``, ``lone_package`` or ``file`` once for each there is."""
    if "package" in metafunc.fixturenames:
        metafunc.parametrize("package", public_packages())
    if "lone_package" in metafunc.fixturenames:
        metafunc.parametrize("lone_package", packages_usable_alone())
    if "file" in metafunc.fixturenames:
        files = python_files()
        metafunc.parametrize("file", files, ids=[str(path.relative_to(SOURCE)) for path in files])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def floor_of() -> dict[str, int]:
    return floors()


@pytest.fixture(scope="session")
def loaded_by():
    """Return what a fresh interpreter has loaded after a statement."""

    def loaded_by(statement: str) -> set[str]:
        program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
        done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    return loaded_by
