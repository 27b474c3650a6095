"""The list of guards, scripts/guards.toml: conditions and rules that keep rows from being lost or doubled, each with what breaks
it and the tests that fail then. Kept true by `faults`: a list that has rotted would prove nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

LIST = "scripts/guards.toml"


class Guard(NamedTuple):
    """file: below src/penstock. text: what stands there, once; becomes: what stands there when it is broken.
    keeps: what it keeps true, in words for people. tests: pytest's names, from the root; at least one of them must fail."""

    name: str
    file: str
    text: str
    becomes: str
    keeps: str
    tests: Sequence[str]

    def source(self, root: Path) -> Path:
        return root / "src" / "penstock" / self.file


def guards_of(root: Path) -> Sequence[Guard]:
    """In the order of the list. Raises KeyError for an entry that lacks something."""
    entries = tomllib.loads((root / LIST).read_text())
    return [
        Guard(name, one["file"], one["text"], one["becomes"], one["keeps"], tuple(one["tests"]))
        for name, one in entries.items()
    ]


def faults(guards: Sequence[Guard], root: Path) -> Iterator[str]:
    """What is wrong with the list: a text that is not there, or not once, and tests that are not there."""
    for guard in guards:
        source = guard.source(root)
        found = source.read_text().count(guard.text) if source.is_file() else 0
        if found != 1:
            yield f"{guard.name}: its text stands {found} times in {guard.file}, not once"
        if guard.text == guard.becomes:
            yield f"{guard.name}: nothing is broken"
        if not guard.tests:
            yield f"{guard.name}: no test is named"
        yield from (f"{guard.name}: there is no {test}" for test in guard.tests if not _is_there(test, root))


def _is_there(test: str, root: Path) -> bool:
    path, _, name = test.partition("::")
    function = name.partition("[")[0]
    file = root / path
    return (
        file.is_file()
        and re.search(rf"^(async )?def {re.escape(function)}\(", file.read_text(), re.MULTILINE) is not None
    )
