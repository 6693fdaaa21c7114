"""Each package of floors 0 to 3 can be used without the rest."""


def test_a_package_loads_only_itself_and_floors_below(lone_package, loaded_by, floor_of):
    home = lone_package.split(".")
    loaded = {name.split(".")[1] for name in loaded_by(f"import {lone_package}") if name.startswith("hardy.")}
    strangers = {name for name in loaded if name != home[1] and floor_of[name] >= floor_of[home[1]]}
    assert strangers == set()


def test_a_door_or_an_adapter_loads_no_other(lone_package, loaded_by):
    home = lone_package.split(".")
    if len(home) < 3:
        return
    loaded = {tuple(name.split(".")[1:3]) for name in loaded_by(f"import {lone_package}") if name.count(".") >= 2}
    neighbours = {part for part in loaded if part[0] == home[1] and not part[1].startswith("_") and part[1] != home[2]}
    assert neighbours == set()
