"""PostgreSQL alone: its planner, which knows nothing of a table that was empty a moment ago."""

from __future__ import annotations

import pytest
from sqlalchemy import TextClause
from tests.ledger.contract.bench import Bench, bench_at, close, imported, marked, portion, span

from penstock.ledger.dialect import POSTGRESQL
from penstock.ledger.statements import statement


async def plan_of(bench: Bench, query: TextClause, parameters: dict[str, object]) -> str:
    async with bench.database.reading() as connection:
        lines = await connection.execute(statement(f"EXPLAIN {query.text}"), parameters)
        return "\n".join(line for (line,) in lines)


@pytest.mark.parametrize("rows", [500, 4000])
async def test_s9_keys_are_looked_up_by_the_primary_key_before_any_statistics(postgresql_url: str, rows: int) -> None:
    bench = await bench_at(postgresql_url)
    lease = await span(bench.alice, None, str(rows))
    keys = [str(number) for number in range(rows)]
    await bench.alice.settle([portion(lease, 1, imported(*keys))], marked)

    parameters = {"job": 1, "packed": POSTGRESQL.pack([[key] for key in keys[:1000]])}
    lookup = bench.alice._lookup
    for query in (lookup._look_up, lookup._look_up_locked, lookup._unknown):
        plan = await plan_of(bench, query, parameters)
        assert "using penstock_rows_pkey" in plan, plan
        assert "row_key" in plan.partition("Index Cond:")[2], plan
        assert "Hash" not in plan, plan

    await close(bench)
