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

# Costs add up from step to step, unless a LIMIT or a join ends a step early. Half of a table is as bad as all of it.
_WHOLE = 0.5


async def explain_postgresql(connection: AsyncConnection, page: Condition) -> PagePlan:
    """page: a statement with real bounds."""
    [(text,)] = (await fetch(connection, f"EXPLAIN (FORMAT JSON, VERBOSE) {page.text}", page.values)).rows
    plan = json.loads(str(text))[0]["Plan"]
    return page_plan(plan, {table: await estimated_rows(connection, table) for table in tables_scanned(plan)})


def tables_scanned(plan: Step) -> Sequence[Table]:
    """Tables that are gone through from end to end, each once."""
    whole = _cost(plan)
    scanned = [step for step in _steps(plan) if _reads_all(step) and _cost(step) * _WHOLE <= whole]
    return list(dict.fromkeys(Table(str(step.get("Schema", "")), str(step["Relation Name"])) for step in scanned))


def page_plan(plan: Step, estimates: Mapping[Table, int | None]) -> PagePlan:
    """estimates: the rows of each of `tables_scanned`."""
    scanned = tuple((table.name, estimates.get(table)) for table in tables_scanned(plan))
    return PagePlan(scanned, tuple(_words(step) for step in _steps(plan) if "Relation Name" in step))


def _steps(plan: Step) -> Iterator[Step]:
    yield plan
    below = plan.get("Plans")
    for inner in below if isinstance(below, list) else ():
        yield from _steps(inner)


def _reads_all(step: Step) -> bool:
    """Unless it is ended early."""
    return "Relation Name" in step and not step.keys() & {"Index Cond", "Recheck Cond", "TID Cond"}


def _cost(step: Step) -> float:
    return float(str(step["Total Cost"]))


def _words(step: Step) -> str:
    index = f", index {step['Index Name']}" if "Index Name" in step else ""
    return f"{step['Relation Name']}: {step['Node Type']}{index}, about {step['Plan Rows']} rows"
