"""The key pair of a developer's machine: ``hardy token`` signs with it, `Jwt` trusts it in dev only."""

import os
import secrets
import stat
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hardy.adapters.jwt._joserfc import ECKey, JoseError, JWSRegistry
from hardy.adapters.jwt._keys import Keys
from hardy.adapters.jwt._token import Trust

DEV_ISSUER = "hardy:dev"
"""The ``iss`` of tokens that `mint` makes; no production setting matches it by accident."""
DEV_AUDIENCE = "hardy:dev"
"""The ``aud`` of tokens that `mint` makes."""

_FILE = "dev-key.json"
_ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class DevKey:
    """A key pair for one developer's machine; its text is never shown."""

    path: Path
    pair: ECKey

    def __repr__(self) -> str:
        return f"DevKey({str(self.path)!r})"


def dev_key(directory: Path, *, create: bool = True) -> DevKey | None:
    """Return the key pair kept in *directory*, made at the first call.

    The file can be read and written by its owner only (0600). One that others
    can read or write, or that belongs to somebody else, is refused: whoever
    writes it can sign in as anybody.

    Args:
        directory: Usually ``.hardy``; made when it is missing.
        create: Whether a missing key is made; otherwise the answer is ``None``.

    Raises:
        PermissionError: Others have access to the file.
        ValueError: The file holds no key.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     key = dev_key(Path(folder))
        ...     oct(key.path.stat().st_mode)[-3:]
        '600'
    """
    path = directory / _FILE
    try:
        return DevKey(path, _read(path))
    except FileNotFoundError:
        if not create:
            return None
    _write(path)
    return DevKey(path, _read(path))


def _read(path: Path) -> ECKey:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
            raise PermissionError(f"{path} is open to others: chmod 600 {path}, or delete it to get a new one")
        try:
            return ECKey.import_key(msgspec.json.decode(file.read(4096), type=dict[str, str | list[str]]))
        except (JoseError, ValueError, TypeError, KeyError, msgspec.MsgspecError):
            raise ValueError(f"{path} holds no key: delete it to get a new one") from None


def _write(path: Path) -> None:
    """Write a new key; when two processes do so at once the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8)}, private=True)
    draft = path.with_name(f"{_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(key.as_dict(private=True)))
        os.link(draft, path)  # fails when it exists, unlike rename
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def mint(  # the parts of a token
    key: DevKey,
    subject: str,
    *,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    lifetime: float = 8 * 3600.0,
    now: float | None = None,
) -> str:
    """Return a token for *subject*, signed with the machine's own key.

    Only a service in the dev environment on this machine takes it.

    Args:
        lifetime: Seconds until it expires; a working day.
        now: Seconds since 1970 at which it begins; the present when not given.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mint(dev_key(Path(folder)), "alice", scopes=["orders:read"]).count(".")
        2
    """
    issued = int(time.time() if now is None else now)
    claims: dict[str, object] = {
        "iss": DEV_ISSUER,
        "aud": DEV_AUDIENCE,
        "sub": subject,
        "iat": issued,
        "exp": issued + int(lifetime),
        "jti": secrets.token_hex(8),
        "scope": " ".join(scopes),
        "roles": list(roles),
    }
    if tenant is not None:
        claims["tenant"] = tenant
    header = {"alg": _ALGORITHM, "typ": "at+jwt", "kid": key.pair.kid}
    signed = b".".join(_base64url(msgspec.json.encode(part)) for part in (header, claims))
    signature = JWSRegistry.algorithms[_ALGORITHM].sign(signed, key.pair)
    return b".".join((signed, _base64url(signature))).decode()


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class DevTrust:
    """The trust in this machine's key, read again when the file changes: `hardy token` may run after the service."""

    __slots__ = ("_directory", "_seen", "_trust")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: tuple[int, int] | None = None
        self._trust: Trust | None = None

    def current(self) -> Trust | None:
        """Return the trust; ``None`` while there is no key that can be used."""
        try:
            status = (self._directory / _FILE).lstat()
        except OSError:
            return None
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            self._seen, self._trust = seen, self._load()
        return self._trust

    def _load(self) -> Trust | None:
        try:
            key = dev_key(self._directory, create=False)
        except (OSError, ValueError):  # `hardy token` says what is wrong with it
            return None
        keys = Keys({_ALGORITHM: (key.pair,)}) if key else Keys({})
        return Trust(DEV_ISSUER, frozenset({DEV_AUDIENCE}), keys)
