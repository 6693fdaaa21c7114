"""Where the service talks to the outside: one technology a folder, one extra each."""

__all__: list[str] = []
