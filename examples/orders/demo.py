"""Starts the reference service and prints what to try; ``make demo`` runs it."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the service in the development environment until it is interrupted."""
    return subprocess.call([sys.executable, "-m", "orders"], cwd=HERE)  # our own interpreter


if __name__ == "__main__":
    raise SystemExit(main())
