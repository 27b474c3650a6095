"""A ledger that has grown while its database knew nothing of it: every look of a worker still goes by an index."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import TextClause
from tests.ledger.contract.bench import Bench, bench_at, close, failed, imported, marked, portion, span

from penstock.ledger import notices, sweeps
from penstock.ledger.dialect import dialect_of
from penstock.ledger.rows import Settlement
from penstock.ledger.statements import statement

ROWS = 3000
# What a database may do instead of using an index.
SCANS = {"mysql": ("ALL", "filesort"), "postgresql": ("Seq Scan", "Sort")}
EXPLAIN = {"mysql": "EXPLAIN", "postgresql": "EXPLAIN (COSTS OFF)"}
ANALYZE = {"mysql": "ANALYZE TABLE penstock_ranges, penstock_rows", "postgresql": "ANALYZE"}

_MORE_RANGES = """
INSERT INTO penstock_ranges
  (job_id, range_no, kind, row_count, state, fence, batch, imported, failed, in_doubt, skipped, flags_no)
SELECT job_id, range_no + {more}, kind, 0, 'done', fence, batch, 0, 0, 0, 0, 0 FROM penstock_ranges
"""


async def grow(bench: Bench, end: Callable[..., list[Settlement]] = imported) -> None:
    """To thousands of ranges, all but one of them done, and as many rows, which have all ended like this."""
    lease = await span(bench.alice, None, str(ROWS))
    await bench.alice.settle([portion(lease, 1, end(*map(str, range(ROWS))))], marked)
    for more in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048):
        await bench.sql(_MORE_RANGES.format(more=more))


async def plan_of(bench: Bench, query: TextClause, parameters: dict[str, object]) -> str:
    async with bench.database.reading() as connection:
        found = await connection.execute(statement(f"{EXPLAIN[bench.database.kind]} {query.text}"), parameters)
        return "\n".join(" ".join(map(str, line)) for line in found)


@pytest.mark.parametrize("statistics", ["of an empty ledger", "of the grown ledger"])
async def test_s9_leases_and_keys_are_looked_up_by_an_index(server_url: str, statistics: str) -> None:
    bench = await bench_at(server_url)
    kind = bench.database.kind
    await bench.sql(ANALYZE[kind])
    await grow(bench)
    if statistics == "of the grown ledger":
        await bench.sql(ANALYZE[kind])

    leasing, lookup = bench.alice._leasing, bench.alice._lookup
    keys: dict[str, object] = {"packed": dialect_of(kind).pack([[str(key)] for key in range(500)])}
    one: dict[str, object] = {"range": 1, "fence": 1}
    for query, parameters in (
        (leasing._any, {}),
        (leasing._lock_open, {}),
        (leasing._lock_left, one),
        (lookup._look_up, keys),
        (lookup._unknown, keys),
        (lookup._waiting, {"range": 1, "after": "5", "limit": 500}),
    ):
        plan = await plan_of(bench, query, {"job": 1, **parameters})
        lines = [line for line in plan.splitlines() if "penstock_" in line or "known" in line]
        assert lines, plan
        for line in lines:
            assert not any(word in line.split() or word in line for word in SCANS[kind]), plan

    await close(bench)


@pytest.mark.parametrize("statistics", ["of an empty ledger", "of the grown ledger"])
async def test_rows_of_which_others_are_told_are_read_in_order_by_an_index(server_url: str, statistics: str) -> None:
    bench = await bench_at(server_url)
    kind = bench.database.kind
    await bench.sql(ANALYZE[kind])
    await grow(bench, lambda *keys: [*imported(*keys[:-300]), *failed(*keys[-300:])])
    await bench.sql(
        "INSERT INTO penstock_notices (job_id, row_key, updated_at) SELECT job_id, row_key, updated_at FROM penstock_rows"
    )
    if statistics == "of the grown ledger":
        await bench.sql(ANALYZE[kind] + (", penstock_notices" if kind == "mysql" else ""))

    page = {"state": "failed", "range": 1, "after": "5", "limit": 100}
    for query, parameters, index in (
        (notices._PAGE, page, "penstock_rows_by_state"),
        (sweeps._FIRST_UNFINISHED, {}, "penstock_ranges_by_state"),
    ):
        plan = await plan_of(bench, query, {"job": 1, **parameters})
        assert any(index in line.split() for line in plan.splitlines()), plan
        # PostgreSQL puts the keys of one range after the other in order: its index ends with the range.
        scans = SCANS[kind] if kind == "mysql" else ("Seq Scan",)
        lines = [line for line in plan.splitlines() if any(name in line for name in ("known", "told", "penstock_"))]
        assert not any(scan in line for scan in scans for line in lines), plan

    await close(bench)
