"""Settings from the command line, the last word."""

from collections.abc import Mapping
from types import MappingProxyType

from hardy.config._layer import Layer
from hardy.config._raw import Raw
from hardy.config._tree import Section
from hardy.core import Diagnostic

_SPELLING: Mapping[str, str] = MappingProxyType(
    {
        "http.port": "--port",
        "http.host": "--host",
        "grpc.port": "--grpc-port",
        "admin.port": "--admin-port",
        "shutdown.drain_delay": "--drain-delay",
        "shutdown.drain_timeout": "--drain-timeout",
    }
)
"""How the flags of `hardy run` are typed."""


def _raw(name: str, value: object) -> Raw:
    """Return *value* as typed; what no flag is for, a command itself has said, as `hardy dev` does."""
    return Raw(value=value, file="command line", key=_SPELLING.get(name, name), form="flag")


def read_flags(tree: Section, flags: Mapping[str, object]) -> Layer:
    """Return what *flags* set: dotted name of the setting to value, ``None`` for a flag not given."""
    layer = Layer(name="flags")
    known = {setting.name: setting for setting in tree}
    for name, value in flags.items():
        raw = _raw(name, value)
        if value is None:
            continue
        if name in known:
            layer.found[known[name].path] = raw
        else:
            layer.faults.append(
                Diagnostic(
                    code="H0203",
                    title=f"the command line sets `{name}`, which no setting reads",
                    place=raw.key_place(),
                    helps=("hardy show config",),
                )
            )
    return layer
