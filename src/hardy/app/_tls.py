"""Certificates as the settings name them."""

from typing import TYPE_CHECKING

from hardy.config import TlsSettings
from hardy.core import BuildFailed, Diagnostic
from hardy.server import Tls

if TYPE_CHECKING:
    from hardy.transport.grpc import TlsFiles


def tls_of(settings: TlsSettings | None) -> Tls | None:
    """Return what a server shows to its clients, as its settings say; ``None`` for nothing.

    Raises:
        BuildFailed: The files cannot be used (H0403).
    """
    if settings is None:
        return None
    try:
        return Tls(settings.certificate, settings.key, client_ca=settings.client_ca)
    except OSError as error:
        raise BuildFailed([unusable(settings, error)]) from error


def grpc_files(settings: TlsSettings | None) -> "TlsFiles | None":
    """Return the same for gRPC, which reads the files itself.

    Raises:
        BuildFailed: The files cannot be used (H0403).
    """
    if settings is None:
        return None
    from hardy.transport.grpc import TlsFiles

    files = TlsFiles(settings.certificate, settings.key, settings.client_ca)
    try:
        files.check()
    except OSError as error:
        raise BuildFailed([unusable(settings, error)]) from error
    return files


def unusable(settings: TlsSettings, error: OSError) -> Diagnostic:
    """Return the diagnostic for certificates that cannot be used."""
    what = error.filename or settings.certificate
    reason = error.strerror or str(error)
    notes = [f"certificate: {settings.certificate}", f"key: {settings.key}"]
    if settings.client_ca is not None:
        notes.append(f"client_ca: {settings.client_ca}")
    return Diagnostic(
        code="H0403",
        title=f"the certificates of TLS cannot be used: {what}: {reason}",
        notes=tuple(notes),
        helps=(
            "see what is asked for with: hardy show config",
            f"see what the file says with: openssl x509 -noout -subject -dates -in {settings.certificate}",
        ),
    )
