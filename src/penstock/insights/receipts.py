"""Receipts: what an export says of a row, and the checksum by which two people can tell that they hold the same ones.

A line of JSONL begins with the key and the receipt, so that the checksum can be computed again from an export by sed and
sha256sum alone: docs/how-to/report-and-receipts.md tells how.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import orjson

from penstock.insights.keys import json_key
from penstock.ledger.base import ReadModel
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText

PAGE = 2000

_AS_WRITTEN = orjson.OPT_UTC_Z


@dataclass(frozen=True, slots=True)
class Checksum:
    """sha256: hexadecimal, over one line `KEY RECEIPT` of UTF-8 for each imported row, in the order of the keys' texts; both are
    written as in a JSONL export (compact JSON, null for no receipt)."""

    rows: int
    sha256: str


class ReceiptsSum:
    """Adds up rows that come in the order of their keys' texts."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, row: LedgerRow) -> None:
        self._rows += 1
        self._hash.update(_key(row.key) + b" " + orjson.dumps(row.receipt) + b"\n")

    @property
    def checksum(self) -> Checksum:
        return Checksum(self._rows, self._hash.hexdigest())


def receipt_line(row: LedgerRow) -> bytes:
    """A row as a line of JSONL, with its end. Key and receipt come first: see the top of this file."""
    told = {
        "key": orjson.Fragment(_key(row.key)),
        "receipt": row.receipt,
        "state": row.state,
        "status": row.status,
        "updated_at": row.updated_at,
        "attempts": row.attempts,
        "reason": row.reason,
    }
    return orjson.dumps(told, option=_AS_WRITTEN | orjson.OPT_APPEND_NEWLINE)


async def pages_of_rows(model: ReadModel, states: frozenset[RowState]) -> AsyncGenerator[Sequence[LedgerRow]]:
    """Every row in one of these states, in the order of the keys' texts; each page as of the moment it is read."""
    after: KeyText | None = None
    while page := await model.rows(states, after, PAGE):
        yield page
        after = page[-1].key


def _key(key: KeyText) -> bytes:
    if key.isdecimal() and key.isascii():  # most keys there are: the text itself
        return key.encode()
    return orjson.dumps(json_key(key))
