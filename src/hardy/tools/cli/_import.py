"""Imports the user's build function, and says precisely what went wrong when it cannot be."""

import difflib
import importlib
import re
import shutil
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from platform import python_version
from types import FunctionType, ModuleType
from typing import cast

from hardy.app import App, Build, blame
from hardy.core import BuildFailed, Diagnostic, Place
from hardy.tools.cli._project import Project

_DISTRIBUTIONS = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "google": "protobuf",
    "grpc": "hardy[grpc]",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""What to install for modules whose distribution has another name."""


def import_build(project: Project) -> Build:
    """Import the build function that *project* names.

    Raises:
        BuildFailed: It cannot be imported (H0102), or is no build function (H0103).
    """
    module = _import(project)
    found: object = module
    for part in project.attribute.split("."):
        if not hasattr(found, part):
            raise BuildFailed([_no_attribute(project, module, part)])
        found = getattr(found, part)
    if isinstance(found, App) or not callable(found) or isinstance(found, type):
        raise BuildFailed([_no_function(project, found)])
    return cast("Build", found)  # that it makes an App is checked when it is called


def _import(project: Project) -> ModuleType:
    try:
        return importlib.import_module(project.module)
    except BuildFailed:
        raise
    except SyntaxError as error:
        fault = not_python(error, project.module)
    except ModuleNotFoundError as error:
        fault = _not_found(error, project)
    except ImportError as error:
        fault = _import_failed(error, project.module)
    except SystemExit as error:
        fault = _ended(error, project.module)
    except Exception as error:  # the user's code runs on import: whatever it raises
        fault = _raised(error, project.module)
    raise BuildFailed([fault]) from None


def not_python(error: SyntaxError, module: str) -> Diagnostic:
    """Return the diagnostic for a file that Python cannot read, with the place it stumbled over."""
    place = syntax_place(error)
    return _fault(
        f"`{module}` could not be imported: {place.location} is not valid python",
        place,
        label=str(error.msg),
        helps=(f"correct the line, then: python -m py_compile {place.file}",),
    )


def syntax_place(error: SyntaxError) -> Place:
    """Return where Python stumbled, with the words it points at."""
    line, text = error.lineno or 0, (error.text or "").rstrip("\n")
    begin, end = (error.offset or 1) - 1, (error.end_offset or 0) - 1
    same_line = (error.end_lineno or line) == line
    if "never closed" in str(error.msg):
        word = text[begin : begin + 1]
    elif same_line and end > begin:
        word = text[begin:end]
    else:
        word = text[begin:].strip()
    place = Place.of_line(error.filename or "?", line)
    return Place(place.file, line, place.text or text, word)


def _not_found(error: ModuleNotFoundError, project: Project) -> Diagnostic:
    missing = error.name or ""
    if "pip install" in str(error):
        return _import_failed(error, project.module)
    if project.module == missing or project.module.startswith(f"{missing}."):
        return _not_there(project, missing)
    place = _highlighted(blame(error).place, missing)
    own = missing.partition(".")[0]
    if PathFinder.find_spec(own, [str(each) for each in project.sources]) is not None:
        near = difflib.get_close_matches(missing, _modules(own, project), n=1)
        helps = (f"write `{near[0]}`",) if near else (f"make the file {missing.replace('.', '/')}.py",)
        label = "there is no such module"
    else:
        helps = (install(_DISTRIBUTIONS.get(own, own), project.root),)
        label = f"not installed in {sys.prefix} (python {python_version()})"
    title = f"`{project.module}` could not be imported: no module named `{missing}`"
    return _fault(title, place, label=label, helps=helps)


def _not_there(project: Project, missing: str) -> Diagnostic:
    looked = "   ".join(str(each) for each in project.sources if each.is_dir())
    known = sorted({*_modules(project.module.partition(".")[0], project), *_top_level(project)})
    near = difflib.get_close_matches(project.module, known, n=1, cutoff=0.5)
    better = f"{near[0] if near else 'package.module'}:{project.attribute}"
    return Diagnostic(
        code="H0102",
        title=f"`{project.module}` could not be imported: no module named `{missing}`",
        body=(f"looked in   {looked}", ""),
        helps=(f'{"the closest is" if near else "name the module and its function, as"} "{better}"',),
    )


def _top_level(project: Project) -> list[str]:
    return [file.stem for source in project.sources if source.is_dir() for file in source.glob("*.py")]


def _modules(package: str, project: Project) -> list[str]:
    """Return the modules of the user's own *package*, from disk."""
    found: list[str] = []
    for source in project.sources:
        for file in (source / package).rglob("*.py") if (source / package).is_dir() else ():
            parts = file.relative_to(source).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def _import_failed(error: ImportError, module: str) -> Diagnostic:
    first, marker, remedy = str(error).partition(" Install it with: ")
    place = blame(error).place
    helps = (remedy if marker else f'see where it comes from: python -c "import {module}"',)
    wanted = re.match(r"cannot import name '(\w+)'", str(error))
    name = wanted[1] if wanted else ""
    source = sys.modules.get(error.name or "")
    if not marker and name and source is not None:
        near = difflib.get_close_matches(name, dir(source), n=1)
        helps = (f"`{error.name}` has `{near[0]}`; write that",) if near else helps
    title = f"`{module}` could not be imported: {first.rstrip('.').partition(' (')[0]}"
    return _fault(title, _highlighted(place, name), helps=helps)


def _ended(error: SystemExit, module: str) -> Diagnostic:
    place = blame(error).place
    helps = ('put it below `if __name__ == "__main__":`',)
    return _fault(f"`{module}` could not be imported: it ends the process", place, label="here", helps=helps)


def _raised(error: Exception, module: str) -> Diagnostic:
    blamed = blame(error)
    title = f"`{module}` could not be imported: {type(error).__name__}: {error}"
    helps = (f'see the whole traceback: python -c "import {module}"',)
    return _fault(title, blamed.place, body=blamed.frames[1:], helps=helps)


def _fault(
    title: str, place: Place | None, *, label: str = "", body: tuple[str, ...] = (), helps: tuple[str, ...]
) -> Diagnostic:
    return Diagnostic(code="H0102", title=title, place=place, label=label, body=body, helps=helps)


def _highlighted(place: Place | None, word: str) -> Place | None:
    if place is None or not word or word not in place.text:
        return place
    return Place(place.file, place.line, place.text, word)


def install(distribution: str, root: Path) -> str:
    """Return the command that installs *distribution* into this project."""
    if shutil.which("uv") and (root / "pyproject.toml").is_file():
        return f"uv add {distribution}"
    return f"pip install {distribution}"


def _no_attribute(project: Project, module: ModuleType, name: str) -> Diagnostic:
    functions = [each for each, value in vars(module).items() if _is_own_function(value, module)]
    near = difflib.get_close_matches(name, functions, n=1, cutoff=0.4) or [
        each for each in functions if each.startswith(("build", "make", "create"))
    ]
    file = getattr(module, "__file__", None) or "?"
    if near:
        helps = (f"the closest is `{near[0]}`: hardy run {project.module}:{near[0]}",)
    else:
        helps = (f"write it: def {name}(settings: Settings) -> App:",)
    title = f"`{project.module}` has no `{name}`"
    return Diagnostic(code="H0103", title=title, place=Place.of_line(file, 0), helps=helps)


def _is_own_function(value: object, module: ModuleType) -> bool:
    return isinstance(value, FunctionType) and value.__module__ == module.__name__


def _no_function(project: Project, found: object) -> Diagnostic:
    what = (
        "an App, not the function that builds one" if isinstance(found, App) else f"no function: {type(found).__name__}"
    )
    return Diagnostic(
        code="H0103",
        title=f"`{project.reference}` is {what}",
        helps=(f"write `def build(settings: Settings) -> App:` and name it: {project.module}:build",),
    )
