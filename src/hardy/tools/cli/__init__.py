"""The program ``hardy``: run a service, look into it, generate what belongs beside it.

Commands are imported when they are called, so that ``hardy --help`` loads
neither a transport nor the service. Results go to standard output, everything
else to standard error.

Exit codes: 0 fine; 1 a check found something, or a call was answered with an
error; 2 wrong usage; 3 configuration; 4 an address is in use or not permitted;
5 something the service needs is unreachable; 6 the schema of its database is
behind; 7 the service cannot be built; 70 a bug in hardy; 130 interrupted.

Example:
    >>> main(["--version"])  # doctest: +ELLIPSIS
    hardy ...
    0
"""

import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: The arguments; those of the process when left out.
    """
    from hardy.tools.cli._main import start

    return start(sys.argv[1:] if argv is None else argv)
