"""TLS: certificates from files, read anew when the files change."""

import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from os import PathLike, stat
from pathlib import Path
from typing import cast

from hardy.core import ClientCertificate, Emit, Notice
from hardy.server._notices import CertificatesRefused, CertificatesReloaded

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption, nothing else; those of 1.3 are all such."""
_LOOK = 1.0
"""Seconds between two looks at the files."""

Signature = tuple[tuple[int, int, int], ...]


def _silent(notice: Notice) -> None:
    """Tell nobody."""


class Tls:
    """What a server shows to its clients, and what it asks them for.

    TLS 1.2 or newer, no renegotiation, no compression. The files are looked
    at when a client connects, at most once a second: a connection made after
    they were replaced is shown the new certificate, one made before lives on.
    What cannot be used, such as a certificate that came before its key, is
    told by a notice, and the former stays.

    Args:
        certificate: PEM file with the certificate and those between it and the root.
        key: PEM file with its private key, not encrypted.
        client_ca: PEM file with the authorities that clients' certificates must
            be signed by; a client without one is refused. Left out, no client
            is asked.
        protocols: What is agreed by ALPN.
        clock: Monotonic seconds.

    Raises:
        OSError: A file cannot be read.
        ssl.SSLError: A file is no PEM, or the key is not the certificate's.
    """

    def __init__(
        self,
        certificate: str | PathLike[str],
        key: str | PathLike[str],
        *,
        client_ca: str | PathLike[str] | None = None,
        protocols: Iterable[str] = ("http/1.1",),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.certificate = Path(certificate)
        self.key = Path(key)
        self.client_ca = None if client_ca is None else Path(client_ca)
        self._protocols = tuple(protocols)
        self._clock = clock
        self._signature = self._sign()
        self._context = self._load()
        self._looked = clock()

    def context(self, emit: Emit = _silent) -> ssl.SSLContext:
        """Return what the next handshake is done with.

        Args:
            emit: Told when the files have changed.
        """
        now = self._clock()
        if now - self._looked >= _LOOK:
            self._looked = now
            self._look(emit)
        return self._context

    def _look(self, emit: Emit) -> None:
        try:
            signature = self._sign()
            if signature == self._signature:
                return
            self._signature = signature
            self._context = self._load()
        except OSError as error:  # an SSLError is one
            emit(CertificatesRefused(certificate=str(self.certificate), detail=str(error)))
        else:
            emit(CertificatesReloaded(certificate=str(self.certificate)))

    def _sign(self) -> Signature:
        files = (self.certificate, self.key, *(() if self.client_ca is None else (self.client_ca,)))
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in map(stat, files))

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_ciphers(_CIPHERS)
        context.set_alpn_protocols(list(self._protocols))
        context.load_cert_chain(self.certificate, self.key, password=_no_password)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _no_password() -> str:
    """Answer OpenSSL, which would ask the terminal and wait for ever."""
    raise ssl.SSLError("the key is encrypted; a service has nobody to ask for its password")


def client_certificate(shown: object) -> ClientCertificate | None:
    """Return what the verified certificate of a client says, given what ``getpeercert`` returned."""
    if not isinstance(shown, Mapping) or not shown:
        return None
    parts = cast("Mapping[str, tuple[object, ...]]", shown)
    subject = [pair for group in parts.get("subject", ()) for pair in cast("tuple[tuple[str, str], ...]", group)]
    common = next((value for name, value in subject if name == "commonName"), "")
    names = tuple(value for _, value in cast("tuple[tuple[str, str], ...]", parts.get("subjectAltName", ())))
    return ClientCertificate(common_name=common, names=names)
