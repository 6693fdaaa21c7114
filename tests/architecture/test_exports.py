"""The front of a package says what is in it, truly, in order, and each thing knows where it is at home."""

import __future__

import importlib
import inspect
from types import FunctionType, ModuleType

# What a front needs for itself and does not offer.
OWN_USE = {"publish", "TYPE_CHECKING", *__future__.all_feature_names}


def test_all_is_sorted_and_without_repetition(package):
    names = list(importlib.import_module(package).__all__)
    assert names == sorted(set(names), key=by_kind)


def by_kind(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: the order that ruff keeps."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


def test_all_names_exist(package):
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_all_is_complete(package):
    module = importlib.import_module(package)
    offered = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name not in OWN_USE
    }
    assert offered - set(module.__all__) == set()


def test_public_names_say_where_users_import_them_from(package):
    module = importlib.import_module(package)
    strangers = {}
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type | FunctionType) and value.__module__.split(".")[0] == "hardy":
            home = importlib.import_module(value.__module__)
            if inspect.getattr_static(home, value.__name__, None) is not value or name_is_private(value.__module__):
                strangers[name] = value.__module__
    assert strangers == {}


def name_is_private(module: str) -> bool:
    return any(part.startswith("_") for part in module.split("."))


def test_the_front_door_lists_what_dir_shows():
    hardy = importlib.import_module("hardy")
    assert set(hardy.__all__) <= set(dir(hardy))
