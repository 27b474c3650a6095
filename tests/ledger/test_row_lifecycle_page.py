"""docs/explanation/row-lifecycle.md says what penstock.ledger.states says."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.ledger.states import EDGES, RowState

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/row-lifecycle.md").read_text()
CODE = (ROOT / "src/penstock/ledger/states.py").read_text()


def test_the_drawing_has_every_edge_and_no_other() -> None:
    drawn = re.findall(r"^ +(\w+) --> (\w+)$", PAGE, re.MULTILINE)

    assert sorted(drawn) == sorted((before.value, after.value) for before, after in EDGES)


def test_the_table_tells_when_each_edge_is_taken() -> None:
    told = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    commented = re.findall(r"^ +\(RowState\.(\w+), RowState\.(\w+)\),  # (.+)$", CODE, re.MULTILINE)

    assert told == [(before.lower(), after.lower(), when) for before, after, when in commented]
    assert len(told) == len(EDGES)


def test_every_state_is_explained() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^`|]+) \|$", PAGE, re.MULTILINE))
    commented = dict(re.findall(r'^ +[A-Z_]+ = "(\w+)"  # (.+)$', CODE, re.MULTILINE))

    assert told == commented
    assert set(told) == {state.value for state in RowState}
