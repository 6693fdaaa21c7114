"""Who is calling, as far as TLS has proved it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """What a verified certificate says about the caller, over HTTP and gRPC alike.

    It is there only where the service asks for certificates (``http.tls.client_ca``)
    and the caller's was signed by that authority; nothing a caller merely
    claims gets here. An authenticator makes a principal of it:

    Example:
        >>> from hardy.core import Call, Principal
        >>> class Certificates:
        ...     async def authenticate(self, call: Call) -> Principal | None:
        ...         shown = call.certificate
        ...         return None if shown is None else Principal(shown.names[0], kind="service")
        >>> ClientCertificate(common_name="orders", names=("orders.internal",)).names[0]
        'orders.internal'
    """

    common_name: str = ""
    """``CN`` of the subject; for people, for names are in *names*."""
    names: tuple[str, ...] = ()
    """The alternative names, in order: host names, addresses, e-mail addresses, URIs such as SPIFFE ids."""
