"""Rows that ended failed or in doubt, and of which of them others have been told: an outbox that nobody fills. The rows are
there anyway, so that settling costs nothing more; what has been told is written down beside them, each row as it was then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.dialect import CHARACTERS, LedgerDialect
from penstock.ledger.lookup import moment
from penstock.ledger.rows import Notice
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

# In order by penstock_rows_by_state, then one look by the primary key for each row of the page, however many have been told.
# (To look for those that have not, one statement might read a million that have.) COALESCE hides the key: PostgreSQL might look
# for it by the primary key, among all rows of the job.
_PAGE = statement("""
SELECT row_key, range_no, state, attempts, status, reason, updated_at,
  CASE WHEN updated_at = (
    SELECT told.updated_at FROM penstock_notices AS told WHERE told.job_id = :job AND told.row_key = page.row_key
  ) THEN 1 ELSE 0 END
FROM (
  SELECT row_key, range_no, state, attempts, status, reason, updated_at FROM penstock_rows AS known
  WHERE job_id = :job AND state = :state AND range_no >= :range AND (range_no > :range OR COALESCE(row_key, '') > :after)
  ORDER BY range_no, row_key LIMIT :limit
) AS page
ORDER BY range_no, row_key
""")

_COLUMNS = (("row_key", CHARACTERS), ("updated_at", CHARACTERS))

# The row's own time, not the time of the telling: by it a row that has changed since is told of again.
_TOLD = """
INSERT INTO penstock_notices (job_id, row_key, updated_at)
SELECT :job, row_key, {batch_moment} FROM {batch} WHERE 1 = 1
{upsert}
"""


class Notices:
    def __init__(self, transactions: Transactions, dialect: LedgerDialect, job_id: int) -> None:
        self._transactions = transactions
        self._job_id = job_id
        self._pack = dialect.pack
        is_news = f"penstock_notices.updated_at <> {dialect.new_value('updated_at')}"
        self._told = dialect.statement(
            _TOLD,
            batch=dialect.unpack(_COLUMNS),
            upsert=dialect.upsert("penstock_notices", ("job_id", "row_key"), ("updated_at",), is_news),
        )

    async def page(self, state: RowState, after: tuple[int, KeyText], limit: int) -> Sequence[Notice]:
        """See Ledger.notices."""
        range_no, key = after
        parameters = {"job": self._job_id, "state": state.value, "range": range_no, "after": key, "limit": limit}
        return await self._transactions.read(partial(_read, parameters=parameters))

    async def told(self, notices: Sequence[Notice]) -> None:
        """See Ledger.told."""
        packed = self._pack([(notice.key, _utc(notice)) for notice in notices])

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(self._told, {"job": self._job_id, "packed": packed})

        await self._transactions.write_alone(write)


async def _read(connection: AsyncConnection, parameters: Mapping[str, object]) -> Sequence[Notice]:
    return [
        Notice(key, range_no, RowState(state), attempts, status, reason, moment(updated_at), bool(is_told))
        for key, range_no, state, attempts, status, reason, updated_at, is_told in await connection.execute(
            _PAGE, parameters
        )
    ]


def _utc(notice: Notice) -> str:
    return notice.updated_at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
