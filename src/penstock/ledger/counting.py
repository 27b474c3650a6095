"""Totals of a job, cheap whatever its size: the done ranges' sums lie in the job's row, the others are few."""

from __future__ import annotations

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.rows import Counts
from penstock.ledger.statements import statement

# One statement, so one snapshot: a range that is just being finished is counted here or there, never twice and never not at all.
_COUNTS = statement("""
SELECT
  jobs.done_imported + COALESCE(SUM(ranges.imported), 0),
  jobs.done_failed + COALESCE(SUM(ranges.failed), 0),
  jobs.done_in_doubt + COALESCE(SUM(ranges.in_doubt), 0),
  jobs.done_skipped + COALESCE(SUM(ranges.skipped), 0),
  COALESCE(SUM(CASE
    WHEN COALESCE(ranges.row_count, ranges.estimate) > ranges.imported + ranges.failed + ranges.in_doubt + ranges.skipped
    THEN COALESCE(ranges.row_count, ranges.estimate) - ranges.imported - ranges.failed - ranges.in_doubt - ranges.skipped
    ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN ranges.range_no IS NOT NULL AND ranges.row_count IS NULL THEN 1 ELSE 0 END), 0),
  jobs.at_end, jobs.planned_keys, jobs.total_keys
FROM penstock_jobs AS jobs
LEFT JOIN penstock_ranges AS ranges ON ranges.job_id = jobs.job_id AND ranges.state IN ('open', 'leased')
WHERE jobs.job_id = :job
GROUP BY jobs.job_id, jobs.done_imported, jobs.done_failed, jobs.done_in_doubt, jobs.done_skipped, jobs.at_end,
  jobs.planned_keys, jobs.total_keys
""")

_WINDOWS = statement("SELECT row_keys FROM penstock_windows WHERE job_id = :job")

# A window stays until all its keys have come back: those that are final already are not claimed any more.
_FINAL_AMONG = """
SELECT COUNT(*) FROM {known_among}
WHERE known.state <> 'pending'
"""

NOTHING = Counts(0, 0, 0, 0, 0, 0, pending_exact=False)


class Counting:
    def __init__(self, dialect: LedgerDialect) -> None:
        self._pack = dialect.pack
        self._final_among = dialect.statement(_FINAL_AMONG, known_among=dialect.known_among())

    async def count(self, connection: AsyncConnection, job_id: int) -> Counts:
        row = (await connection.execute(_COUNTS, {"job": job_id})).one()
        imported, failed, in_doubt, skipped, pending, uncounted = (int(number) for number in row[:6])
        at_end, planned, total = row[6:]
        ahead = 0 if at_end else None if total is None else max(0, total - planned)
        return Counts(
            imported=imported,
            failed=failed,
            in_doubt=in_doubt,
            skipped=skipped,
            pending=pending,
            claimed=min(pending, await self._claimed(connection, job_id)) if pending else 0,
            pending_exact=bool(at_end) and not uncounted,
            ahead=ahead,
        )

    async def _claimed(self, connection: AsyncConnection, job_id: int) -> int:
        windows = (await connection.execute(_WINDOWS, {"job": job_id})).scalars()
        keys = {key for row_keys in windows for key, *_ in orjson.loads(row_keys)}
        if not keys:
            return 0
        parameters = {"job": job_id, "packed": self._pack([[key] for key in keys])}
        return len(keys) - int((await connection.execute(self._final_among, parameters)).scalar_one())
