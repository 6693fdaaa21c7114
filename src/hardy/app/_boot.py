"""What a service says when it has started: a few lines on a terminal, one event elsewhere."""

import sys
from typing import TYPE_CHECKING

from hardy.app._describe import built_in, name_of
from hardy.config import TlsSettings

if TYPE_CHECKING:
    from hardy.app._service import Service


def tell_started(service: "Service", seconds: float) -> None:
    """Tell where the service listens and what its environment switched."""
    facts = _facts(service)
    if sys.stderr.isatty():
        print("\n".join(_lines(service, facts, seconds)), file=sys.stderr)
    else:
        service.assembly.logger.info("started", **facts, seconds=round(seconds, 3))


def _facts(service: "Service") -> dict[str, object]:
    app = service.assembly.app
    settings = app.settings
    return {
        "version": app.version,
        "environment": settings.environment,
        "http": _address(service.http),
        "grpc": None if service.grpc is None else service.grpc.target,
        "admin": _address(service.admin),
        "operations": len(app.exposures),
        "timeout": settings.limits.timeout,
        "docs": settings.http.docs,
        "reflection": settings.grpc.reflection,
        "chain": " > ".join([*built_in(app), *map(name_of, app.middleware), "scope", "use case", "encode"]),
    }


def _address(server: object) -> str | None:
    addresses: list[object] = getattr(server, "addresses", [])
    return str(addresses[0]) if addresses else None


def _url(address: object, tls: TlsSettings | None) -> str:
    # A path to listen on has no scheme that a browser or curl would take.
    return str(address) if "/" in str(address) else f"{'http' if tls is None else 'https'}://{address}"


def _lines(service: "Service", facts: dict[str, object], seconds: float) -> list[str]:
    app = service.assembly.app
    settings = app.settings
    switched = [name for name in ("docs", "reflection") if facts[name]]
    environment = f"{facts['environment']}{': ' + ', '.join(switched) if switched else ''}"
    from importlib.metadata import version  # two megabytes that only a terminal needs
    from platform import python_version  # the same

    lines = [f"  {app.name} {app.version}   hardy {version('hardy')}   python {python_version()}   {environment}"]
    if facts["http"]:
        docs = "   docs /docs" if facts["docs"] else ""
        routes = len(service.assembly.exposed("http"))
        lines.append(f"  REST     {_url(facts['http'], settings.http.tls)}   {routes} routes{docs}")
    if facts["grpc"]:
        lines.append(f"  gRPC     {facts['grpc']}   {len(service.assembly.exposed('grpc'))} methods")
    if facts["admin"]:
        lines.append(
            f"  admin    {_url(facts['admin'], settings.admin.tls)}   /livez /readyz /startupz /info /statistics"
        )
    lines.append(f"  chain    {facts['chain']}")
    lines.append(f"  ready    {seconds:.2f} s   every call ends within {facts['timeout']:g} s unless it says otherwise")
    return lines
