"""What can go wrong between a handler and its client.

RequestFault            the client's fault: has a status and a detail
  BodyTooLarge          413
  BodyMalformed         400
  BodyTimeout           408
ClientGone              nobody is left to read or write to
AddressInUse            another process listens there
"""

import errno


class RequestFault(Exception):
    """A request that the engine refuses.

    A handler may let it pass: the engine then answers with its status and
    detail and closes the connection.

    Attributes:
        status: The HTTP status to answer with.
        detail: What is wrong, to be read by the client.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"


class BodyTooLarge(RequestFault):
    """The body is longer than the request's ``max_body``."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the body is larger than {limit} bytes")
        self.limit = limit


class BodyMalformed(RequestFault):
    """The chunks of the body do not follow RFC 9112 section 7.1."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class BodyTimeout(RequestFault):
    """The body came too slowly."""

    def __init__(self) -> None:
        super().__init__(408, "the body did not arrive in time")


class ClientGone(ConnectionError):
    """The client closed or reset the connection, or stopped reading for too long."""


class AddressInUse(OSError):
    """Another process listens on this address.

    Attributes:
        host: The address asked for.
        port: The port asked for.
    """

    def __init__(self, host: str, port: int) -> None:
        place = f"{host}:{port}" if port else host  # a path has no port
        super().__init__(errno.EADDRINUSE, f"{place} is already in use")
        self.host = host
        self.port = port
