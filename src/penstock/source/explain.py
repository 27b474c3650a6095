"""Whether a page is read by an index or by going through a table: the database's own plan, in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch, result_columns
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.keyset import Condition
from penstock.source.page_plan import PagePlan
from penstock.source.postgresql_plan import explain_postgresql

# Not of what the statement itself has put around the page.
_SQLITE_SCAN = re.compile(r"SCAN (?:TABLE )?(?!penstock_|\(|SUBQUERY)(\S+)")


async def explain_page(connection: AsyncConnection, dialect: Dialect, page: Condition) -> PagePlan:
    """page: a statement of the source with real bounds: the plan depends on how far they are apart."""
    if dialect == SQLITE:
        steps = (await fetch(connection, f"EXPLAIN QUERY PLAN {page.text}", page.values)).rows
        return sqlite_plan([str(step[-1]) for step in steps])
    if dialect == POSTGRESQL:
        return await explain_postgresql(connection, page)
    statement = f"EXPLAIN {page.text}"
    rows = (await fetch(connection, statement, page.values)).rows
    names = await _explain_columns(connection)
    return mysql_plan([dict(zip(names, row, strict=True)) for row in rows])


def sqlite_plan(steps: Sequence[str]) -> PagePlan:
    # A scan by an index that brings the order, with a LIMIT, ends after the page; SQLite says so only for the key's own order.
    scanned = [(match[1], None) for step in steps if (match := _SQLITE_SCAN.match(step)) and "USING" not in step]
    return PagePlan(tuple(scanned), tuple(steps))


def mysql_plan(steps: Sequence[Mapping[str, object]]) -> PagePlan:
    """steps: rows of EXPLAIN, by the names of its columns."""
    scanned = [
        (str(step["table"]), _number(step["rows"]))
        for step in steps
        if step["type"] in ("ALL", "index") and not str(step["table"]).startswith("<")
    ]
    return PagePlan(tuple(scanned), tuple(_words(step) for step in steps))


def _words(step: Mapping[str, object]) -> str:
    index = f"index {step['key']}" if step["key"] else "no index"
    extra = f"; {step['Extra']}" if step["Extra"] else ""
    return f"{step['table']}: {step['type']}, {index}, about {step['rows']} rows{extra}"


def _number(value: object) -> int | None:
    return int(str(value)) if value is not None else None


async def _explain_columns(connection: AsyncConnection) -> Sequence[str]:
    return await result_columns(connection, "EXPLAIN SELECT 1")
