"""The doors through which the outside talks to a service: `hardy.transport.http`, `hardy.transport.grpc`.

Nothing lives here itself; a door knows no other door.
"""

__all__: list[str] = []
