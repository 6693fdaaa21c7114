"""Fills a settings class from defaults, files, variables, secrets and flags."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Generic, TypeVar, cast

from hardy.config import _faults as faults
from hardy.config._assemble import Assembly, Origin, Value
from hardy.config._dotenv import read_dotenv
from hardy.config._flags import read_flags
from hardy.config._kind import BadValue
from hardy.config._layer import Layer, count
from hardy.config._raw import Raw
from hardy.config._reading import read_tree
from hardy.config._service_links import looks_like_service_link
from hardy.config._settings import Settings
from hardy.config._toml import read_toml
from hardy.config._tree import Path, Section
from hardy.config._variables import of_environment, platform_port, secret_files, variables
from hardy.core import BuildFailed, Diagnostic

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[S]):
    """Settings with the provenance of each value."""

    settings: S
    warnings: tuple[Diagnostic, ...] = ()
    """What does not stop the service, such as a variable that nothing reads."""
    origins: tuple[Origin, ...] = field(default=(), repr=False)
    """What `values` tells, unredacted."""

    @property
    def values(self) -> tuple[Value, ...]:
        """Every setting in the order of declaration, redacted. The documentation is read from source, so ask once."""
        return tuple(origin.told() for origin in self.origins)


def load(
    cls: type[S],
    *,
    environ: Mapping[str, str] | None = None,
    file: str | os.PathLike[str] | None = None,
    dotenv: str | os.PathLike[str] | None = None,
    secrets_dir: str | os.PathLike[str] = "/run/secrets",
    flags: Mapping[str, object] | None = None,
) -> Loaded[S]:
    """Return the settings *cls* describes, each from the last source that sets it.

    The sources, weakest first: the defaults in the class; the TOML *file*;
    the plain variable ``PORT``, for ``http.port``; *dotenv*; *environ*; files
    that hold secrets (``X_FILE`` variables and *secrets_dir*); *flags*.

    Args:
        cls: A dataclass that extends `Settings`.
        environ: The process's environment when ``None``.
        file: A TOML file, which must exist. When ``None``, ``<prefix>.toml``
            in the working directory is read if it is there.
        dotenv: A file of variables, which must exist. When ``None``, ``.env``
            in the working directory is read if it is there, in dev only.
        secrets_dir: Holds a file for each secret, called as its variable in
            upper or lower case.
        flags: Dotted setting to value, ``{"http.port": 8081}``; ``None``
            values are flags that were not given.

    Raises:
        BuildFailed: With every fault at once: a setting without a value
            (H0201) or with a bad one (H0202), an unknown key (H0203), a
            variable beside its file (H0204), a class that cannot be filled
            (H0205, H0206), a file that cannot be read (H0207), a secret in
            the wrong place (H0209).

    Example:
        >>> loaded = load(Settings, environ={"HARDY_HTTP__PORT": "8081", "HARDY_LIMITS__BODY": "64KB"})
        >>> loaded.settings.http.port, loaded.settings.limits.body
        (8081, 64000)
    """
    tree = read_tree(cls, cls.prefix)
    given = of_environment(os.environ if environ is None else environ)
    loading = _Loading(tree, cls.prefix, given)
    loading.read(file, dotenv, File(secrets_dir), flags or {})
    return cast("Loaded[S]", loading.finish())


class _Loading:
    def __init__(self, tree: Section, prefix: str, environ: dict[str, Raw]) -> None:
        self.tree = tree
        self.prefix = prefix
        self.environ = environ
        self.layers: list[Layer] = []
        """Weakest first."""
        self.environment = "production"

    def read(
        self,
        file: str | os.PathLike[str] | None,
        dotenv: str | os.PathLike[str] | None,
        secrets_dir: File,
        flags: Mapping[str, object],
    ) -> None:
        """Read every source. The environment is known before ``.env`` is, which dev alone reads."""
        toml = read_toml(File(file or f"{self.prefix.lower()}.toml"), self.tree, required=file is not None)
        own = variables(self.tree, self.environ, self.prefix, name="environment")
        typed = read_flags(self.tree, flags)
        first = secret_files(self.tree, self.environ, secrets_dir)
        self.environment = self._environment([toml, own, first, typed])
        local, locals_ = self._dotenv(dotenv)
        both = {**locals_, **self.environ}
        secrets = secret_files(self.tree, both, secrets_dir) if locals_ else first
        self.layers = [toml, platform_port(self.tree, both), local, own, secrets, typed]
        self.environment = self._environment(self.layers)

    def _environment(self, layers: list[Layer]) -> str:
        setting = next((each for each in self.tree if each.path == ("environment",)), None)
        raw = _merged(layers).get(("environment",))
        if setting is None or raw is None:
            return str(setting.default.get("production")) if setting is not None else "production"
        try:
            return str(setting.kind.read(raw.value))
        except BadValue:
            return "production"  # the strictest; the bad value itself is reported with the rest

    def _dotenv(self, dotenv: str | os.PathLike[str] | None) -> tuple[Layer, dict[str, Raw]]:
        file = File(dotenv or ".env")
        if dotenv is None and self.environment != "dev":
            return Layer(name=f"{file} (read in dev only)" if file.is_file() else ""), {}
        environ = {name: str(raw.value) for name, raw in self.environ.items()}
        found, problems = read_dotenv(file, environ, self.prefix, required=dotenv is not None)
        own = sum(name.startswith(f"{self.prefix}_") for name in found or {})
        name = f"{file} ({'absent' if found is None else count(own)})"
        layer = variables(self.tree, found or {}, self.prefix, name=name)
        layer.faults += problems
        return layer, found or {}

    def finish(self) -> Loaded[Settings]:
        """Build the settings, or raise with everything that is wrong."""
        assembly = Assembly(self.environment, _merged(self.layers))
        settings = assembly.build(self.tree)
        found = [fault for layer in self.layers for fault in layer.faults] + assembly.faults
        misspelt, warnings = self._unknown({each.variable for each in assembly.missing})
        if assembly.missing:
            looked_in = [layer.name for layer in (self.layers[3], self.layers[2], self.layers[4], self.layers[0])]
            dev = self.environment == "dev"
            found.insert(0, faults.missing(assembly.missing, misspelt, [n for n in looked_in if n], dev=dev))
        if found:
            raise BuildFailed([*found, *warnings])
        return Loaded(settings=cast("Settings", settings), warnings=tuple(warnings), origins=tuple(assembly.origins))

    def _unknown(self, missing: set[str]) -> tuple[list[tuple[Raw, str]], list[Diagnostic]]:
        """Sort what nobody reads into what was meant for a missing setting, and the rest."""
        known = [setting.variable for setting in self.tree]
        misspelt: list[tuple[Raw, str]] = []
        warnings: list[Diagnostic] = []
        for raw in (raw for layer in self.layers for raw in layer.unknown):
            if looks_like_service_link(raw.key.removeprefix(f"{self.prefix}_")):
                continue
            nearest = faults.nearest_variable(raw.key, known, self.prefix)
            if nearest in missing:
                misspelt.append((raw, str(nearest)))
            else:
                warnings.append(faults.unknown(raw, nearest, known[0]))
        return misspelt, warnings


def _merged(layers: list[Layer]) -> dict[Path, Raw]:
    """Return for each setting what the strongest layer says."""
    return {path: raw for layer in layers for path, raw in layer.found.items()}
