"""PostgreSQL's own plan of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch
from penstock.source.keyset import Condition
from penstock.source.origin import Table
from penstock.source.page_plan import PagePlan
from penstock.source.postgresql_catalog import estimated_rows

Step: TypeAlias = Mapping[str, object]

# Above an index that is walked without a condition these take the first rows and ask for no more.
_TAKE_THE_FIRST = ("Limit", "Subquery Scan", "Result", "Append", "Merge Append", "Gather Merge", "Gather")
_INDEX_SCANS = ("Index Scan", "Index Only Scan")


async def explain_postgresql(connection: AsyncConnection, page: Condition) -> PagePlan:
    """page: a statement with real bounds."""
    [(text,)] = (await fetch(connection, f"EXPLAIN (FORMAT JSON, VERBOSE) {page.text}", page.values)).rows
    plan = json.loads(str(text))[0]["Plan"]
    return page_plan(plan, {table: await estimated_rows(connection, table) for table in tables_scanned(plan)})


def tables_scanned(plan: Step) -> Sequence[Table]:
    """Tables that are gone through from end to end, each once."""
    found = [
        _table(step) for step, takes_first in _walk(plan, takes_first=True) if _scans(step, takes_first=takes_first)
    ]
    return list(dict.fromkeys(found))


def page_plan(plan: Step, estimates: Mapping[Table, int | None]) -> PagePlan:
    """estimates: the rows of each of `tables_scanned`."""
    scanned = tuple((table.name, estimates.get(table)) for table in tables_scanned(plan))
    return PagePlan(
        scanned, tuple(_words(step) for step, _ in _walk(plan, takes_first=True) if "Relation Name" in step)
    )


def _walk(step: Step, *, takes_first: bool) -> Iterator[tuple[Step, bool]]:
    """Every step, and whether all above it take the first rows only."""
    yield step, takes_first
    below = step.get("Plans")
    for inner in below if isinstance(below, list) else ():
        yield from _walk(inner, takes_first=takes_first and step["Node Type"] in _TAKE_THE_FIRST)


def _scans(step: Step, *, takes_first: bool) -> bool:
    node = str(step["Node Type"])
    if "Relation Name" not in step:
        return False
    return "Seq Scan" in node or (node in _INDEX_SCANS and "Index Cond" not in step and not takes_first)


def _table(step: Step) -> Table:
    return Table(str(step.get("Schema", "")), str(step["Relation Name"]))


def _words(step: Step) -> str:
    index = f", index {step['Index Name']}" if "Index Name" in step else ""
    return f"{step['Relation Name']}: {step['Node Type']}{index}, about {step['Plan Rows']} rows"
