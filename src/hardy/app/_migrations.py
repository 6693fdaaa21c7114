"""The tables that components need, handed to the database they will use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from hardy.app._app import App
from hardy.lifecycle import Component

if TYPE_CHECKING:
    from hardy.adapters.sql import Database, SchemaStep
    from hardy.adapters.sql.migrations import Migrations


def require_steps(components: Sequence[Component]) -> None:
    """Give the steps of each of *components* to the database managed last before it, which applies them at opening.

    A component that comes before every database, which it cannot be wired with
    either, gives them to the first.
    """
    databases = [each for each in components if _migrations_of(each) is not None]
    nearest = databases[0] if databases else None
    for component in components:
        if component in databases:
            nearest = component
        if nearest is not None and (migrations := _migrations_of(nearest)) is not None:
            migrations.require(cast("Sequence[SchemaStep]", getattr(component, "schema_steps", ())))


def databases_of(app: App) -> "Sequence[Database]":
    """Return the databases that *app* manages, each with the tables that the components after it need.

    Example:
        >>> from hardy.adapters.sql import Database, DatabaseSettings
        >>> app = App("orders")
        >>> app.manage(Database(DatabaseSettings(url="sqlite:///orders.db")))
        >>> [each.settings.url for each in databases_of(app)]
        ['sqlite:///orders.db']
    """
    require_steps(app.components)
    return [cast("Database", each) for each in app.components if _migrations_of(each) is not None]


def _migrations_of(component: Component) -> "Migrations | None":
    found: object = getattr(component, "migrations", None)
    return cast("Migrations", found) if hasattr(found, "require") else None
