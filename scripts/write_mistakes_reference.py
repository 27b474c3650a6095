"""Prints docs/reference/mistakes.md: every mistake that the tests make, and what penstock answers to it, to the letter.

python scripts/write_mistakes_reference.py > docs/reference/mistakes.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.mistakes.families import FAMILIES, Family
from tests.mistakes.mistake import Mistake

_INTRODUCTION = """\
# Mistakes

What penstock says when something is wrong, and what to do. Written by `scripts/write_mistakes_reference.py` from the tables of
`tests/mistakes/`, where each of these mistakes is made, with and without `--json`. What is said here is said to the letter, with
this exit code, and (but for a run that had begun) nothing was touched: no request at the API, no table, no row.

`<folder>`, `<server>` and the like stand for what differs from one machine to the next. The tests' job file is `orders.yaml`.

| exit code | meaning |
|---|---|
| 1 | done, with findings |
| 2 | a person must change something first |
| 3 | unreachable or stopped early: the same command may go on later |
"""

_KINDS = {"sqlite": "", "mariadb": " (MariaDB)", "postgresql": " (PostgreSQL)"}


def main() -> None:
    sys.stdout.write(_INTRODUCTION)
    for family in FAMILIES:
        sys.stdout.write("\n".join(_section(family)))


def _section(family: Family) -> Iterator[str]:
    yield f"\n## {family.title}\n"
    yield f"{family.about} (`tests/mistakes/{family.name}.py`)\n"
    for mistake in family.mistakes:
        yield from _entry(mistake)


def _entry(mistake: Mistake) -> Iterator[str]:
    by_command = {command.split()[0]: f"`penstock {command}`" for command in reversed(mistake.commands)}
    commands = ", ".join(reversed(by_command.values()))
    yield f"### {mistake.what[0].upper()}{mistake.what[1:]}{_KINDS[mistake.on]}\n"
    yield f"{commands}: exit {mistake.code}\n"
    yield f"```text\n{mistake.says.strip()}\n```\n"
    if mistake.do:
        yield f"{mistake.do}\n"


if __name__ == "__main__":
    main()
