"""What is made from a settings class: ``.env.example``, the Markdown reference, what `hardy show config` prints."""

from collections.abc import Iterator, Mapping

from hardy.config._assemble import shown_value
from hardy.config._declared import own_doc, summary
from hardy.config._load import Loaded
from hardy.config._reading import read_tree
from hardy.config._settings import Settings
from hardy.config._tree import Default, Section, Setting
from hardy.core import MISSING


def describe(loaded: Loaded[Settings]) -> list[dict[str, object]]:
    """Return every setting with value, source, default and documentation, ready for JSON.

    A secret says whether it is set, and never what it is.

    Example:
        >>> from hardy.config import load
        >>> describe(load(Settings, environ={"HARDY_REPLICAS": "3"}))[1]["source"]
        'environment'
    """
    return [
        {
            "name": each.name,
            "variable": each.variable,
            "value": each.value,
            "set": each.value is not None,
            "source": each.source,
            "default": each.default,
            "type": each.type,
            "rule": each.rule,
            "doc": each.doc,
            "secret": each.secret,
        }
        for each in loaded.values
    ]


def env_example(cls: type[Settings]) -> str:
    """Return the text of ``.env.example``: what must be set, and commented out what may be.

    Deterministic, so that a stale copy is found by comparison.

    Raises:
        BuildFailed: The class cannot be filled from outside.
    """
    tree = read_tree(cls, cls.prefix)
    lines = [f"# The settings of {cls.prefix.lower()}. Copy to .env, which is read in dev only."]
    for section, settings in _sections(tree):
        lines += ["", f"# {_title(section, tree)}"]
        for setting, default in settings:
            lines += _example(setting, default)
    return "\n".join(lines) + "\n"


def _example(setting: Setting, default: Default) -> list[str]:
    doc = setting.declaration.doc
    lines = ["", *([f"# {doc}"] if doc else [])]
    if default.missing:
        return [*lines, f"# Required: {setting.kind.rule}.", f"{setting.variable}="]
    shown = shown_value(setting, default.get("dev"))
    value = "" if shown is None or setting.kind.secret else _quoted(shown)
    return [*lines, f"# {setting.kind.rule[:1].upper()}{setting.kind.rule[1:]}.", f"# {setting.variable}={value}"]


def _quoted(value: str) -> str:
    return f"'{value}'" if any(each in value for each in ' #"$') else value


def reference(cls: type[Settings]) -> str:
    """Return the settings as a Markdown page with a table for each section.

    Raises:
        BuildFailed: The class cannot be filled from outside.
    """
    tree = read_tree(cls, cls.prefix)
    lines = [f"# Settings of {cls.prefix.lower()}"]
    for section, settings in _sections(tree):
        lines += ["", f"## {_title(section, tree)}", ""]
        lines += ["| variable | in a file | value | default | what it is |", "|---|---|---|---|---|"]
        for setting, default in settings:
            rule = f"secret: {setting.kind.rule}" if setting.kind.secret else setting.kind.rule
            cells = [f"`{setting.variable}`", f"`{setting.name}`", rule, _defaults(setting, default)]
            cells.append(setting.declaration.doc)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _defaults(setting: Setting, default: Default) -> str:
    if default.missing:
        return "required"
    if default.by_environment is None:
        return _code(shown_value(setting, default.get("")))
    return ", ".join(f"{_code(shown_value(setting, value))} in {names}" for names, value in _groups(default))


def _groups(default: Default) -> Iterator[tuple[str, object]]:
    """Yield the environments that share a default, with it."""
    values: Mapping[str, object] = default.by_environment or {}
    for value in dict.fromkeys(values.values()):
        yield " and ".join(name for name, each in values.items() if each == value), value


def _code(text: str | None) -> str:
    return f"`{text}`" if text else "none"


def _title(section: Section, tree: Section) -> str:
    doc = summary(own_doc(section.type)).rstrip(".")
    if section is tree:
        return "The service"
    doc += " (absent unless something in it is set)" if _is_absent(section) else ""
    return f"{'.'.join(section.path)}: {doc}" if doc else ".".join(section.path)


def _is_absent(section: Section) -> bool:
    return section.optional and section.default.get("production") is None


def _sections(tree: Section) -> Iterator[tuple[Section, list[tuple[Setting, Default]]]]:
    """Yield every section with the settings directly in it, and their defaults in it."""
    yield from _walk(tree, MISSING, optional=False)


def _walk(
    section: Section, given: object, *, optional: bool
) -> Iterator[tuple[Section, list[tuple[Setting, Default]]]]:
    own = [child for child in section.children if isinstance(child, Setting)]
    if own:
        yield section, [(each, _default(each, given, optional=optional)) for each in own]
    for child in section.children:
        if isinstance(child, Section):
            inner = child.default.get("production") if given is MISSING else getattr(given, child.path[-1])
            absent = optional or inner is None
            yield from _walk(child, MISSING if inner is None else inner, optional=absent)


def _default(setting: Setting, given: object, *, optional: bool) -> Default:
    """Return what a setting is when nobody sets it, within the default *given* for its section."""
    if given is MISSING:
        return Default(value=None) if optional and setting.default.missing else setting.default
    value: object = getattr(given, setting.path[-1])
    return setting.default if value is None and setting.default.by_environment else Default(value=value)


def declared(cls: type[Settings]) -> list[dict[str, object]]:
    """Return every setting that *cls* declares as plain data: name, variable, rule, documentation; nothing is read.

    Raises:
        BuildFailed: The class cannot be filled from outside.

    Example:
        >>> declared(Settings)[1]["variable"]
        'HARDY_REPLICAS'
    """
    return [
        {
            "name": setting.name,
            "variable": setting.variable,
            "rule": setting.kind.rule,
            "doc": setting.declaration.doc,
            "secret": setting.kind.secret,
            "required": default.missing,
        }
        for _, settings in _sections(read_tree(cls, cls.prefix))
        for setting, default in settings
    ]
