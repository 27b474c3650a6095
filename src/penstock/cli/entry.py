"""Where the `penstock` command begins: a Ctrl-C while the rest is being loaded is a stop like any other."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run this process's command line and return its exit code."""
    try:
        from penstock.cli import main as command  # noqa: PLC0415  # loading it is what may be broken off

        return command.main()
    except KeyboardInterrupt:  # while loading, or a second one
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write("stopped\n")
        return 3
