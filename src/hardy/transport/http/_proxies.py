"""Who asks, when proxies stand between: believed from those that are trusted, and from nobody else."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from hardy.server import Request

ProxyHeader = Literal["x-forwarded-for", "forwarded"]
_PAIR = re.compile(r"\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+\-.^_`|~0-9A-Za-z]+))\s*")
_ESCAPED = re.compile(r"\\(.)")
_SCHEMES = frozenset({"http", "https"})
_REMEMBERED = 4096


class TrustedProxies:
    """Finds the client behind proxies.

    Each proxy appends whom it was asked by, so the list is read from its
    right end: the first address that is no trusted proxy is the client. What
    stands left of it the client may have written itself.

    Args:
        networks: Of the proxies, ``10.0.0.0/8``, or ``unix`` for whoever comes by a path.
        header: The one header that the proxies set. The other one is not
            looked at: a proxy passes on what a client writes into it.

    Raises:
        ValueError: A network is none.

    Example:
        >>> TrustedProxies(["10.0.0.0/8"]).client("10.0.0.1:5000", "6.6.6.6, 198.51.100.7, 10.0.0.2")
        '198.51.100.7'
        >>> TrustedProxies(["10.0.0.0/8"]).client("198.51.100.7:5000", "6.6.6.6")
        '198.51.100.7:5000'
    """

    def __init__(self, networks: Sequence[str], header: ProxyHeader = "x-forwarded-for") -> None:
        self._unix = "unix" in networks
        self._networks = [ip_network(each, strict=False) for each in networks if each != "unix"]
        self._header = header.encode()
        self._trusts = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def apply(self, request: Request) -> None:
        """Have *request* say who asks, and whether privately, instead of who is connected."""
        if not self._trusts(host_of(request.peer)):
            return
        text = _joined(request, self._header)
        hops = list(_forwarded(text) if self._header == b"forwarded" else _appended(text)) if text else []
        position = self._client_at(hops)
        if position is not None:
            request.peer = hops[position][0]
        scheme = hops[position][1] if position is not None else ""
        if self._header != b"forwarded":
            scheme = _scheme(_joined(request, b"x-forwarded-proto"), len(hops), position)
        if scheme in _SCHEMES:
            request.scheme = scheme

    def client(self, peer: str, header: str) -> str:
        """Return who asks, given who is connected and what the header says."""
        if not self._trusts(host_of(peer)):
            return peer
        hops = list(_forwarded(header) if self._header == b"forwarded" else _appended(header))
        position = self._client_at(hops)
        return peer if position is None else hops[position][0]

    def _client_at(self, hops: Sequence[tuple[str, str]]) -> int | None:
        found = None
        for position in range(len(hops) - 1, -1, -1):
            address = hops[position][0]
            if not address:  # `unknown`, or garbage: whoever wrote it is the last we know of
                break
            found = position
            if not self._trusts(host_of(address)):
                break
        return found

    def _look_up(self, host: str) -> bool:
        if host == "unix":
            return self._unix
        address = _address(host)
        return address is not None and any(address in network for network in self._networks)


def _joined(request: Request, name: bytes) -> str:
    if name not in request.fields:
        return ""
    return b",".join(value for key, value in request.headers if key == name).decode("latin-1")


def _appended(text: str) -> Iterator[tuple[str, str]]:
    for hop in text.split(","):
        yield _shown(hop.strip()), ""


def _forwarded(text: str) -> Iterator[tuple[str, str]]:
    """Yield address and scheme of each element of a ``Forwarded`` header (RFC 7239 section 4)."""
    found: dict[str, str] = {}
    position = 0
    while position <= len(text):
        pair = _PAIR.match(text, position)
        if pair is not None:
            value = pair[3] if pair[2] is None else _ESCAPED.sub(r"\1", pair[2])
            found.setdefault(pair[1].lower(), value)
            position = pair.end()
        end = text[position : position + 1]
        if end in {",", ""}:
            yield _shown(found.get("for", "")), found.get("proto", "").lower()
            found = {}
        elif end != ";":  # whatever this is, nothing right or left of it can be told apart
            yield "", ""
            position = max(text.find(",", position), 0) or len(text)
            found = {}
        position += 1


def _scheme(text: str, hops: int, position: int | None) -> str:
    schemes = [each.strip().lower() for each in text.split(",")]
    return schemes[position] if position is not None and len(schemes) == hops else schemes[-1]


def _shown(text: str) -> str:
    """Return an address as `Request.peer` has it; empty when it is none."""
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    address = _address(host)
    if address is None:
        return ""
    name = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    return f"{name}:{port}" if port.isdigit() else name


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def host_of(peer: str) -> str:
    """Return the address of a peer without its port.

    Example:
        >>> host_of("[2001:db8::1]:443"), host_of("192.0.2.1:80"), host_of("192.0.2.1"), host_of("unix")
        ('2001:db8::1', '192.0.2.1', '192.0.2.1', 'unix')
    """
    if peer.startswith("["):
        return peer[1:].partition("]")[0]
    return peer.partition(":")[0]
