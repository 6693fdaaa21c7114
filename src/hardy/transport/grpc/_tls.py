"""TLS of gRPC: certificates from files, read anew when the files change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from os import stat
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

import grpc

from hardy.core import ClientCertificate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc.aio


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificates of a server are; they are looked at anew for each connection.

    A connection made after they were replaced is shown the new certificate,
    one made before lives on; while the new ones cannot be used, the former are.

    Example:
        >>> TlsFiles(Path("tls.crt"), Path("tls.key")).client_ca is None
        True
    """

    certificate: Path
    """PEM file with the certificate and those between it and its root."""
    key: Path
    """PEM file with its private key, not encrypted."""
    client_ca: Path | None = None
    """PEM file with the authorities that clients' certificates must be signed by; without it no client is asked."""

    def check(self) -> None:
        """Raise when the files cannot be used; gRPC itself would only refuse every client.

        Raises:
            OSError: A file cannot be read, is no PEM, or the key is another's.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key, password=_no_password)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)

    def credentials(self) -> grpc.ServerCredentials:
        """Return what a server listens with.

        Raises:
            OSError: As `check`.
        """
        watched = _Watched(self)
        return grpc.dynamic_ssl_server_credentials(
            watched.read(),
            watched.changed,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # None for no change
            require_client_authentication=self.client_ca is not None,
        )


class _Watched:
    """The files as gRPC asks for them: from its own threads, at every handshake."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._lock = Lock()
        self._seen = self._sign()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what the files say now, or ``None`` when that is what they said before."""
        with self._lock:
            try:
                seen = self._sign()
                if seen == self._seen:
                    return None
                self._seen = seen
                return self.read()
            except OSError:  # such as a certificate that came before its key: the next look may find both
                return None

    def read(self) -> grpc.ServerCertificateConfiguration:
        files = self._files
        files.check()
        roots = None if files.client_ca is None else files.client_ca.read_bytes()
        pair = files.key.read_bytes(), files.certificate.read_bytes()
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)

    def _sign(self) -> tuple[tuple[int, int, int], ...]:
        files = self._files
        paths = (files.certificate, files.key, *(() if files.client_ca is None else (files.client_ca,)))
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in map(stat, paths))


def _no_password() -> str:
    raise ssl.SSLError("the key is encrypted; a service has nobody to ask for its password")


def client_certificate(context: grpc.aio.ServicerContext[bytes, bytes]) -> ClientCertificate | None:
    """Return what the verified certificate of the client says."""
    shown = cast("Mapping[str, list[bytes]]", context.auth_context())
    common = [each.decode(errors="replace") for each in shown.get("x509_common_name", ())]
    names = [each.decode(errors="replace") for each in shown.get("x509_subject_alternative_name", ())]
    if not common and not names:
        return None
    return ClientCertificate(common_name=common[0] if common else "", names=tuple(names))
