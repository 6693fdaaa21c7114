"""Programs for whoever writes and runs a service: the command line, and what it prints."""

__all__: list[str] = []
