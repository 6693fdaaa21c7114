"""``python -m orders``: serve, or run one of the service's commands."""

from hardy import run
from orders.app import build

if __name__ == "__main__":
    run(build)
