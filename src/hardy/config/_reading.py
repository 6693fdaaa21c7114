"""Reads a settings class into its tree, reporting everything about it that cannot work."""

import dataclasses
import re
import typing

from hardy.config._declared import declaration_of
from hardy.config._kind import Unreadable
from hardy.config._kinds import kind_of
from hardy.config._service_links import looks_like_service_link
from hardy.config._tree import Path, Section, Setting, default_of, section_type, variable_of
from hardy.core import BuildFailed, Diagnostic, Place

_DECORATOR = "@dataclass(frozen=True, slots=True, kw_only=True)"


def read_tree(cls: type, prefix: str) -> Section:
    """Return the tree of *cls*.

    Raises:
        BuildFailed: The class cannot be filled from outside, with every reason.
    """
    reader = _Reader(cls, prefix)
    if not re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", prefix):
        reader.fault(
            "H0206",
            f"the prefix {prefix!r} makes no variable names",
            Place.of(cls, highlight="prefix"),
            helps=(f'write `prefix: ClassVar[str] = "{_suggest(prefix)}"`',),
        )
    tree = reader.section(cls, ())
    reader.check_variables(tree)
    if reader.faults:
        raise BuildFailed(reader.faults)
    return tree


def _suggest(prefix: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", prefix.upper()).strip("_0123456789") or "ORDERS"


class _Reader:
    def __init__(self, root: type, prefix: str) -> None:
        self.root = root
        self.prefix = prefix
        self.faults: list[Diagnostic] = []

    def fault(
        self, code: str, title: str, place: Place | None, *, label: str = "", helps: tuple[str, ...] = ()
    ) -> None:
        self.faults.append(Diagnostic(code=code, title=title, place=place, label=label, helps=helps))

    def section(self, cls: type, path: Path, outer: tuple[type, ...] = ()) -> Section:
        if not self._is_complete(cls):
            return Section(path=path, type=cls)
        try:
            hints = typing.get_type_hints(cls, include_extras=True)
        except NameError as error:
            self._unresolvable(cls, error.name or str(error))
            return Section(path=path, type=cls)
        children: list[Setting | Section] = []
        for declared in dataclasses.fields(cls):
            if declared.init:
                child = self._child(cls, declared, hints[declared.name], path, outer)
                children += [] if child is None else [child]
        return Section(path=path, type=cls, children=tuple(children))

    def _is_complete(self, cls: type) -> bool:
        if "__dataclass_fields__" in vars(cls):
            return True
        self.fault(
            "H0206",
            f"`{cls.__name__}` is not a dataclass, so its settings are not read",
            Place.of(cls, highlight=f"class {cls.__name__}"),
            helps=(f"write {_DECORATOR} above it",),
        )
        return False

    def _unresolvable(self, cls: type, missing: str) -> None:
        self.fault(
            "H0206",
            f"`{cls.__name__}` has an annotation that cannot be resolved: `{missing}`",
            Place.of(cls, highlight=missing),
            label="no such name when the service runs",
            helps=(f"import `{missing}` at the top of the module, not under `if TYPE_CHECKING:`",),
        )

    def _child(
        self, cls: type, declared: dataclasses.Field[object], hint: object, path: Path, outer: tuple[type, ...]
    ) -> Setting | Section | None:
        here = (*path, declared.name)
        nested, optional = section_type(hint)
        if not path:
            self._check_service_link(cls, declared.name, nested=nested is not None)
        if nested is not None and nested in {*outer, cls}:
            self._refuse(cls, declared.name, f"`{nested.__name__}` contains itself")
            return None
        if nested is not None:
            section = self.section(nested, here, (*outer, cls))
            return dataclasses.replace(section, default=default_of(declared), optional=optional)
        try:
            kind = kind_of(hint)
        except (Unreadable, NameError) as error:
            self._refuse(cls, declared.name, str(error))
        except RecursionError:
            self._refuse(cls, declared.name, "its type contains itself")
        else:
            variable = variable_of(self.prefix, here)
            default = default_of(declared)
            return Setting(path=here, variable=variable, kind=kind, default=default, owner=cls, root=self.root)
        return None

    def _refuse(self, cls: type, name: str, remedy: str) -> None:
        place = declaration_of(cls, name).place
        title = f"`{cls.__name__}.{name}` has a type that no text can be read into"
        self.fault("H0206", title, place, helps=(remedy,))

    def _check_service_link(self, cls: type, name: str, *, nested: bool) -> None:
        variable = variable_of(self.prefix, (name,))
        if nested or not looks_like_service_link(name.upper()):
            return
        stem = re.split(r"_?(?:SERVICE_HOST|SERVICE_PORT|PORT)", name.upper())[0].lower() or "server"
        nested_in = f"{stem}: {stem.title().replace('_', '')}Settings"
        example = variable_of(self.prefix, (stem, "port"))
        self.fault(
            "H0205",
            f"{variable} is a name that Kubernetes sets by itself",
            declaration_of(cls, name).place,
            label="cannot be told from a service link",
            helps=(f"nest it: `{nested_in}` with a field `port` is read from {example}",),
        )

    def check_variables(self, tree: Section) -> None:
        """Refuse two settings that one variable would set, as ``a__b`` and ``a.b`` do."""
        seen: dict[str, Setting] = {}
        for setting in tree:
            first = seen.setdefault(setting.variable, setting)
            if first is not setting:
                self.fault(
                    "H0206",
                    f"`{first.name}` and `{setting.name}` are both read from {setting.variable}",
                    setting.declaration.place,
                    helps=(f"rename `{setting.path[-1]}`",),
                )
