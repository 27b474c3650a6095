"""Fills a ledger from what the new store already holds: such rows are imported without being sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from penstock.errors import LedgerRefused, RowError
from penstock.ledger.base import FlagMarker
from penstock.ledger.ranges import Span
from penstock.ledger.rows import LedgerRow, Settlement
from penstock.ledger.states import RowState
from penstock.rows import KeyText, Record, Row, match_text
from penstock.source.base import KeyPage, RowPage
from penstock.verify.base import Expected, Store

SPAN = 1000
ADOPTED = "was in the new store before"


class Spans(Protocol):
    """The part of the source that is needed here."""

    async def next_keys(self, after: KeyText | None, limit: int) -> KeyPage: ...
    async def read_span(self, after: KeyText | None, upto: KeyText, limit: int) -> RowPage: ...


class AdoptingLedger(Protocol):
    """The part of the ledger that is needed here."""

    async def cursor(self) -> KeyText | None: ...
    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]: ...
    async def adopt(
        self, span: Span, found: Sequence[Settlement], rest: int, owner: str, mark: FlagMarker | None
    ) -> bool: ...


class Adopted(NamedTuple):
    """rows: looked at; adopted: those that the store had."""

    rows: int
    adopted: int


class Adoption:
    """receipt: of a record, None if it holds none. mark: as for Ledger.settle."""

    def __init__(
        self,
        source: Spans,
        ledger: AdoptingLedger,
        store: Store,
        expected: Expected,
        fingerprint: Callable[[Row], int],
        receipt: Callable[[Record], str | None],
        owner: str,
        mark: FlagMarker | None,
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._store = store
        self._expected = expected
        self._fingerprint = fingerprint
        self._receipt = receipt
        self._owner = owner
        self._mark = mark

    async def adopt(self) -> Adopted:
        """From the ledger's cursor to the end of the source. Cut off, it goes on from there. Raises LedgerRefused while others
        plan, Unreachable, JobError."""
        looked_at = adopted = 0
        while True:
            cursor = await self._ledger.cursor()
            keys = await self._source.next_keys(cursor, SPAN)
            if keys.last is None:
                return Adopted(looked_at, adopted)
            rows = await self._rows(cursor, keys.last)
            known = await self._ledger.look_up([row.key for row in rows]) if rows else {}
            unknown = [row for row in rows if row.key not in known]
            found = await self._found(unknown)
            span = Span(cursor, keys.last, keys.keys)
            rest = len(unknown) - len(found)
            if await self._ledger.adopt(span, found, rest, self._owner, self._mark):
                looked_at, adopted = looked_at + len(rows), adopted + len(found)
            elif await self._ledger.cursor() == cursor:
                raise LedgerRefused("a sweep of this job has not ended: let `penstock run FILE` end first, then adopt")

    async def _rows(self, after: KeyText | None, upto: KeyText) -> list[Row]:
        rows: list[Row] = []
        at_end = False
        while not at_end:
            page = await self._source.read_span(rows[-1].key if rows else after, upto, SPAN)
            rows += page.rows
            at_end = page.at_end
        return rows

    async def _found(self, rows: Sequence[Row]) -> list[Settlement]:
        keys: dict[str, tuple[object, ...]] = {}
        texts: dict[KeyText, str] = {}
        for row in rows:
            try:
                key = self._expected.key(row, None)
            except RowError:
                continue  # nobody can tell what it is called there: verify says so
            texts[row.key] = match_text(key)
            keys[texts[row.key]] = key
        records = (
            {match_text(record.key): record for record in await self._store.look_up(list(keys.values()))}
            if keys
            else {}
        )
        return [
            Settlement(
                row.key,
                RowState.IMPORTED,
                reason=ADOPTED,
                receipt=self._receipt(records[text]),
                fingerprint=self._fingerprint(row),
            )
            for row in rows
            if (text := texts.get(row.key)) is not None and text in records
        ]
