"""Which tests show which fault: they carry its id in their names, or several: `test_d5_zero_dates_…`, `test_h13_h14_…`."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Shown(NamedTuple):
    """words: what the test says. path: from the root of the repository."""

    words: str
    path: str


def tests_by_fault(kinds: str) -> Mapping[str, Sequence[Shown]]:
    """kinds: the letters with which the ids begin. Keys are as in "H8", whether a test writes h8 or h08."""
    named = re.compile(rf"test_((?:[{kinds}]\d+_)+)(\w+)")
    found: defaultdict[str, list[Shown]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in _functions(path):
            if match := named.fullmatch(name):
                shown = Shown(match[2].replace("_", " "), path.relative_to(ROOT).as_posix())
                for fault in match[1].rstrip("_").split("_"):
                    found[f"{fault[0].upper()}{int(fault[1:])}"].append(shown)
    return found


def linked(tests: Sequence[Shown]) -> str:
    """As links of a page in docs/reference."""
    return "<br>".join(f"[{test.words}](../../{test.path})" for test in tests)


def _functions(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
