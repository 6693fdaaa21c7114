"""Builds the settings from what the sources say, collecting every fault and where each value came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from hardy.config import _faults as faults
from hardy.config._kind import BadValue
from hardy.config._raw import Raw
from hardy.config._secret import MASK, Secret
from hardy.config._tree import Default, Path, Section, Setting
from hardy.core import MISSING, Diagnostic, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One setting as it was loaded, in the words of an operator; a secret is ``***``."""

    name: str
    """``http.port``: table and key in a file."""
    variable: str
    """``ORDERS_HTTP__PORT``."""
    value: str | None
    """As one would write it; ``None`` when there is none."""
    source: str
    """``.env:3``, ``environment``, ``flag --port``, ``default``, ``default for dev``."""
    default: str | None
    """``None`` when the setting must be set."""
    type: str
    """``int``, ``duration``, ``list of url``."""
    rule: str
    """``a whole number from 1 to 200``."""
    doc: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """One setting with its value, where that is from, and the default."""

    setting: Setting
    value: object
    source: str
    default: object

    def told(self) -> Value:
        """Return it in words, redacted. Reads the documentation from source."""
        setting = self.setting
        return Value(
            name=setting.name,
            variable=setting.variable,
            value=shown_value(setting, self.value),
            source=self.source,
            default=shown_value(setting, self.default),
            type=setting.kind.name,
            rule=setting.kind.rule,
            doc=setting.declaration.doc,
            secret=setting.kind.secret,
        )


@dataclass(slots=True)
class Assembly:
    """One attempt to build settings for *environment* from what was *found*."""

    environment: str
    found: Mapping[Path, Raw]
    faults: list[Diagnostic] = field(default_factory=list)
    missing: list[Setting] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)

    def build(self, section: Section, given: object = MISSING) -> object:
        """Return an instance of the section's class, `MISSING` when something is wrong in it.

        Args:
            section: What to build.
            given: The default that the class around it declares; its attributes are the defaults inside.
        """
        values: dict[str, object] = {}
        for child in section.children:
            name = child.path[-1]
            default = child.default if given is MISSING else _inside(given, child)
            if isinstance(child, Section):
                values[name] = self._nested(child, default)
            else:
                values[name] = self._setting(child, default)
        if any(value is MISSING for value in values.values()):
            return MISSING
        return self._construct(section, values)

    def _nested(self, section: Section, default: Default) -> object:
        given = default.get(self.environment)
        if given is None or (given is MISSING and section.optional):
            if not self._touched(section):
                return self._absent(section, given)
            given = MISSING
        return self.build(section, given)

    def _touched(self, section: Section) -> bool:
        return any(setting.path in self.found for setting in section)

    def _absent(self, section: Section, given: object) -> object:
        """Return ``None`` for a section that nobody touches, unless it has to be there."""
        if given is MISSING:
            return self.build(section)
        self.origins += [Origin(setting, None, "default", None) for setting in section]
        return None

    def _setting(self, setting: Setting, declared: Default) -> object:
        default = declared.get(self.environment)
        raw = self.found.get(setting.path)
        if raw is None:
            return self._default(setting, declared, default)
        if setting.kind.secret and raw.form in {"table", "flag"}:
            self.faults.append(faults.exposed(setting, raw))
            return MISSING
        try:
            value = setting.kind.read(raw.value)
        except BadValue as error:
            shown = None if default is MISSING else shown_value(setting, default) or ""
            self.faults.append(faults.bad_value(setting, raw, error, shown))
            return MISSING
        self.origins.append(Origin(setting, value, raw.source, default))
        return value

    def _default(self, setting: Setting, declared: Default, default: object) -> object:
        if default is MISSING:
            self.missing.append(setting)
            return MISSING
        if setting.kind.secret and self.environment == "production" and default:
            self.faults.append(faults.exposed(setting, None))
            return MISSING
        source = f"default for {self.environment}" if declared.by_environment else "default"
        self.origins.append(Origin(setting, default, source, default))
        return default

    def _construct(self, section: Section, values: dict[str, object]) -> object:
        try:
            return section.type(**values)
        except (ValueError, TypeError) as error:
            message = _without_secrets(str(error), values)
        touched = [setting.variable for setting in section if setting.path in self.found]
        variables = touched or [setting.variable for setting in section][:3]
        self.faults.append(faults.refused(section, message, Place.of(section.type), variables))
        return MISSING


def _inside(given: object, child: Setting | Section) -> Default:
    """Return the default that an instance *given* for the whole section has for one of its fields."""
    value: object = getattr(given, child.path[-1])
    if value is None and child.default.by_environment:
        return child.default
    return Default(value=value)


def shown_value(setting: Setting, value: object) -> str | None:
    """Return *value* as one would write it, redacted; ``None`` for none."""
    return None if value is None or value is MISSING else setting.kind.show(value)


def _without_secrets(message: str, values: Mapping[str, object]) -> str:
    for value in values.values():
        if isinstance(value, Secret):
            revealed = str(cast("Secret[object]", value).reveal())
            message = message.replace(revealed, MASK) if revealed else message
    return message
