"""The program of the parent: ``python -m hardy.app._workers_main COUNT COMMAND ...``."""

import asyncio
import sys

from hardy.app._workers import Workers


def main() -> int:
    """Run the workers and return the exit code."""
    count, *command = sys.argv[1:]

    async def run() -> int:
        return await Workers(command, int(count)).run()

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
