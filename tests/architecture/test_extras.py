"""The bare package serves REST; what needs an extra says which."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib

import pytest

BLOCKED_IMPORT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
try:
    import {package}
except ImportError as error:
    print(error)
"""
# Where an extra may be asked for; everywhere else the bare package must do.
MAY_NEED_AN_EXTRA = re.compile(
    r"hardy\.(adapters|testing|tools|schema\.proto)\.?|hardy\.testing|hardy\.transport\.(?!http\b)"
)


@pytest.fixture(scope="session")
def brought_by_extras(root) -> set[str]:
    """The modules that only an extra installs."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = {name_of(line) for lines in project["optional-dependencies"].values() for line in lines}
    core = {name_of(line) for line in project["dependencies"]}
    return {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if {normal(name) for name in distributions} & (wanted - core - {"hardy"})
    }


def name_of(requirement: str) -> str:
    return normal(re.match(r"[\w.-]+", requirement).group())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_package_works_bare_or_names_its_extra(package, brought_by_extras):
    program = BLOCKED_IMPORT.format(absent=sorted(brought_by_extras), package=package)
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if MAY_NEED_AN_EXTRA.match(package) and done.stdout:
        assert re.search(r"needs [\w ,.-]+\. Install it with: pip install 'hardy\[\w+\]'", done.stdout)
    else:
        assert done.stdout == ""
