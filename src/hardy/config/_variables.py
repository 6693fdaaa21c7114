"""Settings from variables (the process's environment or ``.env``), and from the files that hold secrets."""

from collections.abc import Mapping
from pathlib import Path as File

from hardy.config._layer import Layer
from hardy.config._raw import Raw
from hardy.config._tree import Section, Setting
from hardy.core import Diagnostic, Place

LARGEST_SECRET = 2**20
_TWIN = "_FILE"


def of_environment(environ: Mapping[str, str]) -> dict[str, Raw]:
    """Return the variables of the process's environment."""
    return {name: Raw(value=value, file="environment", key=name) for name, value in environ.items()}


def variables(tree: Section, given: Mapping[str, Raw], prefix: str, *, name: str) -> Layer:
    """Return the settings that *given* variables set by their own names."""
    layer = Layer(name=name)
    known = {setting.variable: setting for setting in tree}
    for variable, raw in given.items():
        if variable in known:
            layer.found[known[variable].path] = raw
        elif variable.startswith(f"{prefix}_") and _twin_of(variable, known) is None:
            layer.unknown.append(raw)
    return layer


def _twin_of(variable: str, known: Mapping[str, Setting]) -> Setting | None:
    """Return the setting that ``X_FILE`` names a file for."""
    return known.get(variable.removesuffix(_TWIN)) if variable.endswith(_TWIN) and variable not in known else None


def platform_port(tree: Section, given: Mapping[str, Raw]) -> Layer:
    """Return ``http.port`` from the plain variable PORT that hosting platforms set."""
    layer = Layer(name="PORT")
    if "PORT" in given and any(setting.path == ("http", "port") for setting in tree):
        layer.found["http", "port"] = given["PORT"]
    return layer


def secret_files(tree: Section, given: Mapping[str, Raw], folder: File) -> Layer:
    """Return the settings whose values stand in files: named by ``X_FILE``, or in *folder*.

    A file in *folder* is called as the variable, in upper or lower case.
    """
    present = folder.is_dir()
    layer = Layer(name=str(folder) if present else f"{folder} (absent)")
    known = {setting.variable: setting for setting in tree}
    for setting in tree:
        twin = given.get(f"{setting.variable}{_TWIN}")
        if twin is not None and _twin_of(twin.key, known) is setting:
            if setting.variable in given:
                layer.faults.append(_both(setting, given[setting.variable], twin))
            _add(layer, setting, File(str(twin.value)), f"{twin.key} names {twin.value}, which")
        elif present:
            for name in (setting.variable, setting.variable.lower()):
                if (folder / name).is_file():
                    _add(layer, setting, folder / name, f"{folder / name}")
                    break
    return layer


def _add(layer: Layer, setting: Setting, file: File, subject: str) -> None:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_SECRET + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "error").lower() if isinstance(error, OSError) else "it is not UTF-8"
        layer.faults.append(_unreadable(setting, file, f"{subject} cannot be read: {reason}"))
        return
    if len(content) > LARGEST_SECRET:
        layer.faults.append(_unreadable(setting, file, f"{subject} is larger than 1 MiB"))
        return
    # Editors and `echo` end a file with a line break that is no part of the secret.
    value = text.removesuffix("\n").removesuffix("\r")
    layer.found[setting.path] = Raw(value=value, file=str(file), key=setting.variable, form="secret")


def _unreadable(setting: Setting, file: File, title: str) -> Diagnostic:
    return Diagnostic(
        code="H0207",
        title=title,
        place=Place(str(file)),
        notes=(f"it holds the value of {setting.variable}",),
        helps=(f"ls -l {file}",),
    )


def _both(setting: Setting, plain: Raw, twin: Raw) -> Diagnostic:
    return Diagnostic(
        code="H0204",
        title=f"{plain.key} and {twin.key} are both set",
        place=plain.key_place(),
        label=f"{plain.key} is set in {plain.source}",
        also=((twin.place(hidden=False), f"{twin.key} is set in {twin.source}"),),
        helps=(_remove(plain),),
    )


def _remove(raw: Raw) -> str:
    return f"delete line {raw.line} of {raw.file}" if raw.is_file else f"unset {raw.key}"
