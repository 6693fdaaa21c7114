"""Runs the demo on PostgreSQL, Valkey and NATS; ``make demo-full`` starts it.

The servers come as wheels from PyPI, keep their data in a temporary folder, and end with the demo.
"""

import os
import sys

from demo import start

from hardy.testing import NatsServer, PostgresServer, ValkeyServer


def start_on_servers(arguments: list[str]) -> int:
    """Start the servers, serve on them until told to stop, and return the exit code."""
    with PostgresServer() as postgres, ValkeyServer() as valkey, NatsServer() as nats:
        os.environ["ORDERS_DATABASE__URL"] = postgres.url
        os.environ["ORDERS_CACHE__URL"] = valkey.url
        os.environ["ORDERS_EVENTS__URL"] = nats.url
        for name in ("DATABASE", "CACHE", "EVENTS"):
            print(f"ORDERS_{name}__URL={os.environ[f'ORDERS_{name}__URL']}", flush=True)
        return start(arguments)


if __name__ == "__main__":
    raise SystemExit(start_on_servers(sys.argv[1:]))
