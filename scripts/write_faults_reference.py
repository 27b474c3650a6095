"""Prints docs/reference/faults.md: each fault of what surrounds a run with its tests, which carry its id in their names.

python scripts/write_faults_reference.py > docs/reference/faults.md
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from fault_tests import linked, tests_by_fault

LIST = Path(__file__).parent / "faults.toml"

_INTRODUCTION = """\
# Faults of databases, APIs, processes and brokers

Written by `scripts/write_faults_reference.py` from `scripts/faults.toml` and the names of the tests. What can go wrong at night
was made to go wrong on purpose, on real servers. What [data may hold](data-faults.md) and [what people mistype](mistakes.md) have
pages of their own, and so has [what was tried at random](../reliability.md).
"""
_HEADINGS = {
    "database": "The source's and the ledger's database",
    "api": "The API",
    "process": "Processes and their machine",
    "broker": "RabbitMQ",
}
_HEAD = "\n## {heading}\n\n| | fault | what becomes of it | tests |\n|---|---|---|---|\n"


def main() -> int:
    lists = tomllib.loads(LIST.read_text())
    untested = lists.pop("untested")
    faults = {fault for group in lists.values() for fault in group}
    tests = tests_by_fault("shpb")
    without, unknown = sorted(faults - tests.keys()), sorted(tests.keys() - faults)
    if without or unknown:
        print(f"no test: {', '.join(without)}; no line here: {', '.join(unknown)}", file=sys.stderr)
        return 1
    sys.stdout.write(_INTRODUCTION)
    for name, group in lists.items():
        sys.stdout.write(_HEAD.format(heading=_HEADINGS[name]))
        for fault, (wrong, becomes) in group.items():
            sys.stdout.write(f"| {fault} | {wrong} | {becomes} | {linked(tests[fault])} |\n")
    sys.stdout.write("\n## Without a test\n\n| | why |\n|---|---|\n")
    for fault, why in untested.items():
        sys.stdout.write(f"| {fault} | {why} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
