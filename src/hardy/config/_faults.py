"""What a person reads when a setting is missing, bad, in the wrong place, or misspelt."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import groupby

from hardy.config._declared import declaring
from hardy.config._kind import BadValue
from hardy.config._raw import Raw
from hardy.config._tree import Section, Setting
from hardy.core import Diagnostic, Place

_PASSWORD = re.compile(r"://[^\s@]*:.*@")


def missing(
    settings: Sequence[Setting], misspelt: Iterable[tuple[Raw, str]], looked_in: Sequence[str], *, dev: bool
) -> Diagnostic:
    """Return the one diagnostic for all *settings* that have no value."""
    spots = [_spot(list(group)) for _, group in groupby(settings, key=lambda each: each.path[0])]
    drawn = [(place, label) for place, label in spots if place is not None]
    undrawn = [label for place, label in spots if place is None]
    title = "1 setting has no value" if len(settings) == 1 else f"{len(settings)} settings have no value"
    helps = [f"{raw.source} sets {raw.key}, which no setting reads; rename it to {name}" for raw, name in misspelt]
    return Diagnostic(
        code="H0201",
        title=title,
        place=drawn[0][0] if drawn else None,
        label=drawn[0][1] if drawn else "",
        also=tuple(drawn[1:]),
        body=(*undrawn, "looked in   " + "   ".join(looked_in), ""),
        helps=(*helps, *(_how_to_set(each, dev=dev) for each in settings)),
    )


def _spot(settings: Sequence[Setting]) -> tuple[Place | None, str]:
    names = [each.variable for each in settings]
    listed = " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])
    return settings[0].used_at.place, f"{listed} {'is' if len(names) == 1 else 'are'} not set"


def _how_to_set(setting: Setting, *, dev: bool) -> str:
    doc = setting.declaration.doc
    comment = f"   # {doc}" if doc else ""
    if setting.kind.secret:
        made = "$(python3 -c 'import secrets; print(secrets.token_hex())')"
        if dev:
            return f'for local work   echo "{setting.variable}={made}" >> .env{comment}'
        return f"export {setting.variable}_FILE=/run/secrets/{setting.variable.lower()}{comment}"
    example = f"'{setting.variable}={setting.kind.example}'"
    return f"for local work   echo {example} >> .env{comment}" if dev else f"export {example}{comment}"


def bad_value(setting: Setting, raw: Raw, error: BadValue, default: str | None) -> Diagnostic:
    """Return the diagnostic for a value that breaks the rule of its setting."""
    # What is no URL may be one all the same but for a character of the password in it.
    secret = setting.kind.secret or (isinstance(raw.value, str) and bool(_PASSWORD.search(raw.value)))
    return Diagnostic(
        code="H0202",
        title=f"{_subject(setting, raw)} must be {setting.kind.rule}",
        place=raw.place(hidden=secret),
        label=f"{error.label} (value hidden)" if secret else error.label,
        notes=_declared(setting),
        helps=_remedies(setting, raw, error, default),
    )


def _subject(setting: Setting, raw: Raw) -> str:
    """Return the name that the value was given under, and the variable when that is another."""
    name = f"`{setting.name}`" if raw.form == "table" else raw.key
    return name if name == setting.variable else f"{name} ({setting.variable})"


def _declared(setting: Setting) -> tuple[str, ...]:
    """Return where the rule comes from; of hardy's own settings, what they are."""
    declaration = setting.declaration
    if declaring(setting.owner, setting.path[-1]).__module__.partition(".")[0] == "hardy" or declaration.place is None:
        return (declaration.doc,) if declaration.doc else ()
    line = declaration.place.text.strip()
    if setting.kind.secret:
        line = line.partition(" = ")[0]  # a default may stand behind it
    return (f"declared at {declaration.place.location}   {line}".rstrip(),)


def _remedies(setting: Setting, raw: Raw, error: BadValue, default: str | None) -> tuple[str, ...]:
    helps = [f"write {error.nearest}"] if error.nearest else []
    if default is not None:
        helps.append(f"{_take_back(raw)} to use the default{f', {default}' if default else ''}")
    elif setting.kind.secret:
        helps.append("make one   python3 -c 'import secrets; print(secrets.token_hex())'")
    elif raw.is_file or raw.form == "flag":
        helps.append(f"write {raw.key}{raw.equals}{setting.kind.example}")
    elif raw.form == "secret":
        helps.append(f"vi {raw.file}")
    else:
        helps.append(f"export '{raw.key}={setting.kind.example}'")
    return tuple(helps)


def _take_back(raw: Raw) -> str:
    if raw.is_file:
        return "delete the line"
    if raw.form == "flag":
        return f"leave out {raw.key}"
    return f"rm {raw.file}" if raw.form == "secret" else f"unset {raw.key}"


def exposed(setting: Setting, raw: Raw | None) -> Diagnostic:
    """Return the diagnostic for a secret where others can read it: a file, a command line, the source."""
    variable = setting.variable
    if raw is None:
        place = setting.declaration.place
        # Without the text of the line: the secret stands in it.
        place, where, label = place and Place(place.file, place.line), "has its production value in the source", ""
    elif raw.form == "table":
        place, where, label = raw.place(hidden=True), f"stands in {raw.file}", "is checked in or copied with the file"
    else:
        place, where, label = raw.place(hidden=True), "is given on the command line", "shows in every list of processes"
    return Diagnostic(
        code="H0209",
        title=f"the secret {variable} {where}",
        place=place,
        label=label,
        helps=(
            f"put it into a file: export {variable}_FILE=/run/secrets/{variable.lower()}",
            f"for local work   echo '{variable}=...' >> .env",
        ),
    )


def refused(section: Section, message: str, place: Place | None, variables: Sequence[str]) -> Diagnostic:
    """Return the diagnostic for values that are fine each, but not for their class together."""
    return Diagnostic(
        code="H0202",
        title=f"{section.type.__name__} refuses its values: {message}",
        place=place,
        helps=(f"change {' or '.join(variables)}",),
    )


def unknown(raw: Raw, nearest: str | None, example: str) -> Diagnostic:
    """Return the warning for a variable with the service's prefix that no setting reads."""
    remove = f"delete line {raw.line} of {raw.file}" if raw.is_file else f"unset {raw.key}"
    return Diagnostic(
        code="H0208",
        severity="warning",
        title=f"{raw.key} is set, but no setting reads it",
        place=raw.key_place(),
        label=f"the nearest name is {nearest}" if nearest else f"names look like {example}",
        helps=(f"rename it to {nearest}" if nearest else remove,),
    )


def nearest_variable(name: str, known: Iterable[str], prefix: str) -> str | None:
    """Return the variable that *name* probably meant. The common prefix does not count as likeness."""
    cut = len(prefix) + 1
    tails = {each[cut:]: each for each in known}
    found = get_close_matches(name[cut:], tails, n=1, cutoff=0.7)
    return tails[found[0]] if found else None
