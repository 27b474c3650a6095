"""Prints docs/reference/guards.md: what each guard keeps true, and the tests that fail without it.

python scripts/write_guards_reference.py > docs/reference/guards.md
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from fault_tests import Shown, linked
from guards import Guard, guards_of

_INTRODUCTION = """\
# Guards

Written by `scripts/write_guards_reference.py` from `scripts/guards.toml`. A guard is a condition or a rule that keeps a row
from being lost, doubled, told wrongly or shown to the wrong people: a line of a `WHERE`, a lock, a check before a send. Each was
broken, one at a time, and a test beside it failed then. `make mutants` does that again
([how](../reliability.md#each-guard-broken)).
"""
_ROOMS = {
    "ledger": "The ledger",
    "mapping": "The mapping",
    "engine": "The engine",
    "pacing": "One pace for all workers",
    "target": "The API",
    "verify": "The proof",
    "source": "The source and its flags",
    "database": "Databases",
    "spec": "The job file",
    "shelf": "What is put aside on disk",
    "wiring": "Composition",
}
_HEAD = "\n## {room}\n\n| guard | keeps true | in | fails without it |\n|---|---|---|---|\n"


def main() -> int:
    by_room: defaultdict[str, list[Guard]] = defaultdict(list)
    for guard in guards_of(Path(__file__).parent.parent):
        by_room[guard.file.partition("/")[0]].append(guard)
    sys.stdout.write(_INTRODUCTION)
    for room, heading in _ROOMS.items():
        sys.stdout.write(_HEAD.format(room=heading))
        for guard in by_room.pop(room, []):
            sys.stdout.write(f"| {guard.name} | {guard.keeps} | {_file(guard)} | {linked(_shown(guard))} |\n")
    if by_room:
        print(f"no heading for {', '.join(by_room)}", file=sys.stderr)
    return 1 if by_room else 0


def _file(guard: Guard) -> str:
    return f"[{guard.file}](../../src/penstock/{guard.file})"


def _shown(guard: Guard) -> list[Shown]:
    named = [test.partition("::") for test in guard.tests]
    return [Shown(name.removeprefix("test_").replace("_", " "), path) for path, _, name in named]


if __name__ == "__main__":
    sys.exit(main())
