"""The command `baler`, as `python -m baler` and as the script that the package installs."""

from __future__ import annotations

import sys

from baler import _baler


def main() -> int:
    """Runs the command line of this process; its exit code."""
    return _baler.main(["baler", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
