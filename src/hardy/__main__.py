"""``python -m hardy``: the same as the program ``hardy``."""

import sys

from hardy.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
