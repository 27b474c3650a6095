"""JSONL: a line per row, with the key as `rows --json` writes it."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.exports.base import Output
from penstock.insights.receipts import receipt_line
from penstock.ledger.rows import LedgerRow


class JsonlTable:
    def __init__(self, output: Output) -> None:
        self._output = output

    def write(self, rows: Sequence[LedgerRow]) -> bool:
        """See Table."""
        return self._output(b"".join([receipt_line(row) for row in rows]))

    def close(self) -> None:
        """Every line is complete."""
