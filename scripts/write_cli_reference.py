"""Prints docs/reference/cli.md: every command's own --help, so that the page and the commands cannot tell different things.

python scripts/write_cli_reference.py > docs/reference/cli.md
"""

from __future__ import annotations

import os
import sys

# Read by Typer when it is imported: the page must not depend on the width and the colours of somebody's terminal.
os.environ.update({"TERMINAL_WIDTH": "100", "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})

from typer.testing import CliRunner

from penstock.cli.main import app, commands

_INTRODUCTION = """\
# Commands

Written by `scripts/write_cli_reference.py` from each command's `--help`.

Every command takes `--json`: JSON on stdout (one document; one line per row or per job where there are many) and nothing else
there. What is meant for people goes to stderr.

| exit code | meaning |
|---|---|
| 0 | all well |
| 1 | done, with findings: failed or in-doubt rows, sample rows that do not map |
| 2 | a person must change something first: usage, job file, rights, no ledger yet |
| 3 | unreachable or stopped early: the same command may go on later |

`status`, `rows`, `show`, `report` and `export` return 0 whatever they show. Of several job files: the first of
2, 3, 1, 0 that occurred.
"""


def main() -> None:
    sys.stdout.write(_INTRODUCTION)
    for words in ([], *([name] for name in commands())):
        help_text = CliRunner().invoke(app, [*words, "--help"], prog_name="penstock", catch_exceptions=False).output
        lines = "\n".join([line.rstrip() for line in help_text.splitlines()]).strip("\n")
        sys.stdout.write(f"\n## {' '.join(['penstock', *words])}\n\n```text\n{lines}\n```\n")


if __name__ == "__main__":
    main()
