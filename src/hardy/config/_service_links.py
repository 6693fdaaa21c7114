"""Names that Kubernetes puts into every pod for every service it knows."""

import re

# A service `orders-db` gives ORDERS_DB_SERVICE_HOST, ORDERS_DB_SERVICE_PORT[_<NAME>], ORDERS_DB_PORT and
# ORDERS_DB_PORT_5432_TCP[_...]. The name of a service does not end in a hyphen, so `__PORT` is never one.
_LINK = re.compile(r"(?:.*[A-Z0-9]_|)(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT|PORT_\d+_.+)")


def looks_like_service_link(name: str) -> bool:
    """Whether *name*, a variable without the service's prefix, may come from Kubernetes.

    Example:
        >>> looks_like_service_link("DB_PORT_5432_TCP_ADDR"), looks_like_service_link("HTTP__PORT")
        (True, False)
    """
    return _LINK.fullmatch(name) is not None
