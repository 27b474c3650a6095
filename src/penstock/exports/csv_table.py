"""CSV as RFC 4180 has it, in UTF-8, with a first line of names; safe to open in a spreadsheet.

A text that begins like a formula would be run by one. It gets an apostrophe in front, as OWASP advises ("CSV Injection"), unless
it is nothing but a number; numbers of the database stay as they are, -5 too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from penstock.exports.base import COLUMNS, Output, key_columns
from penstock.ledger.rows import LedgerRow
from penstock.rows import KeyValue, decode_key

_LINE_END = "\r\n"
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # the wide ones begin a formula where people write with them
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_QUOTED = re.compile(r'[",\r\n]')


class CsvTable:
    def __init__(self, output: Output, key: Sequence[str]) -> None:
        self._output = output
        self._head: str | None = _line([_cell(name) for name in (*key_columns(key), *COLUMNS)])
        self.defused = 0  # cells that got an apostrophe

    def write(self, rows: Sequence[LedgerRow]) -> bool:
        """See Table."""
        return self._put("".join([_line(self._cells(row)) for row in rows]))

    def close(self) -> None:
        """The names stand there even if there is no row."""
        self._put("")

    def _put(self, text: str) -> bool:
        if self._head is not None:
            text, self._head = self._head + text, None
        return self._output(text.encode()) if text else True

    def _cells(self, row: LedgerRow) -> list[str]:
        return [
            *[self._value(value) for value in decode_key(row.key)],
            self._value(row.receipt),
            row.state.value,
            "" if row.status is None else str(row.status),
            row.updated_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            str(row.attempts),
            self._value(row.reason),
        ]

    def _value(self, value: KeyValue | None) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return _cell(self._safe(value))
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, bytes):
            return value.hex()
        return value.isoformat() if isinstance(value, date | datetime) else str(value)

    def _safe(self, text: str) -> str:
        if not _FORMULA.match(text) or _NUMBER.fullmatch(text):
            return text
        self.defused += 1
        return "'" + text


def _cell(text: str) -> str:
    """An empty text is told from nothing by its quotes."""
    return '"' + text.replace('"', '""') + '"' if not text or _QUOTED.search(text) else text


def _line(cells: Sequence[str]) -> str:
    return ",".join(cells) + _LINE_END
