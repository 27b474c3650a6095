"""Where the `penstock` command begins: a Ctrl-C while the rest is being loaded is a stop like any other."""

from __future__ import annotations

import sys


def main() -> int:
    """Run this process's command line and return its exit code."""
    try:
        from penstock.cli import main as command  # noqa: PLC0415  # loading it is what may be broken off
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 3
    return command.main()
