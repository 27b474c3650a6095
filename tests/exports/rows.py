"""Ledger rows for the tests of tables."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def row(
    key: str,
    receipt: str | None = "r",
    *,
    state: RowState = RowState.IMPORTED,
    status: int | None = 201,
    reason: str | None = None,
) -> LedgerRow:
    return LedgerRow(key, 1, 1, state, 1, status, reason, receipt, None, None, None, AT)
