"""Gathers everything there is to know about some rows, and says what is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from penstock.errors import RowError
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText, Record, Row, match_text
from penstock.verify.base import Expected, FlagStates, LedgerRows, Store
from penstock.verify.findings import Finding
from penstock.verify.judge import Evidence, Judge

One = TypeVar("One")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Examined:
    """findings: in the order of the rows. known: the ledger's rows among them. store_keys: what the store should call each
    row, as `match_text`, but for those whose key cannot be told."""

    findings: Sequence[Finding]
    known: Mapping[KeyText, LedgerRow]
    store_keys: Mapping[KeyText, str]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to look for in the store: by row."""

    keys: dict[KeyText, tuple[object, ...]]
    failed: dict[KeyText, RowError]


class Examiner:
    """flags: None: the job has none. store, expected: None: there is no store to look into."""

    def __init__(
        self,
        ledger: LedgerRows,
        flags: FlagStates | None,
        store: Store | None,
        expected: Expected | None,
        judge: Judge,
        fingerprint: Callable[[Row], int],
    ) -> None:
        self._ledger = ledger
        self._flags = flags
        self._store = store
        self._expected = expected
        self._judge = judge
        self._fingerprint = fingerprint

    async def __call__(self, rows: Sequence[Row], only: Callable[[LedgerRow | None], bool] | None = None) -> Examined:
        """rows: at most 1,000. only: those whose ledger row is so."""
        # First the ledger: what it calls imported by now, the store had before.
        known = await self._ledger.look_up([row.key for row in rows])
        if only is not None:
            rows = [row for row in rows if only(known.get(row.key))]
        wanted = self._wanted(rows, known)
        is_flagged, by_key = await _both(self._flags_of(rows, known), self._records(list(wanted.keys.values())))
        findings: list[Finding] = []
        texts: dict[KeyText, str] = {}
        for row in rows:
            key = wanted.keys.get(row.key)
            text = None if key is None else match_text(key)
            if text is not None:
                texts[row.key] = text
            evidence = self._evidence(
                row, known.get(row.key), is_flagged.get(row.key), by_key.get(text or "", ()), wanted
            )
            findings += self._judge(evidence)
        return Examined(findings, known, texts)

    def store_keys(self, rows: Sequence[Row], known: Mapping[KeyText, LedgerRow]) -> list[str]:
        """What the store should call these rows."""
        return [match_text(key) for key in self._wanted(rows, known).keys.values()]

    def _wanted(self, rows: Sequence[Row], known: Mapping[KeyText, LedgerRow]) -> _Wanted:
        wanted = _Wanted({}, {})
        if self._expected is None:
            return wanted
        for row in rows:
            try:
                wanted.keys[row.key] = self._expected.key(row, _receipt(known.get(row.key)))
            except RowError as error:
                wanted.failed[row.key] = error
        return wanted

    def _evidence(
        self, row: Row, known: LedgerRow | None, is_flagged: bool | None, records: Sequence[Record], wanted: _Wanted
    ) -> Evidence:
        is_looked_for = self._expected is not None and row.key in wanted.keys
        return Evidence(
            key=row.key,
            known=known,
            fingerprint=self._fingerprint(row) if known is not None and known.fingerprint is not None else None,
            is_flagged=is_flagged,
            expected=self._expected.values(row, _receipt(known)) if is_looked_for and self._expected else None,
            records=records,
            no_key=wanted.failed.get(row.key),
        )

    async def _flags_of(self, rows: Sequence[Row], known: Mapping[KeyText, LedgerRow]) -> Mapping[KeyText, bool]:
        """Of rows that the ledger knows; one that is not in the flag's table has none."""
        keys = [row.key for row in rows if row.key in known]
        if self._flags is None or not keys:
            return {}
        is_set = await self._flags.set_among(keys)
        should_be = [key for key in keys if key not in is_set and known[key].state is RowState.IMPORTED]
        unset = await self._flags.unset_among(should_be) if should_be else frozenset()
        return dict.fromkeys(is_set, True) | dict.fromkeys(unset, False)

    async def _records(self, keys: Sequence[tuple[object, ...]]) -> Mapping[str, Sequence[Record]]:
        if self._store is None or not keys:
            return {}
        by_key: dict[str, list[Record]] = {}
        for record in await self._store.look_up(keys):
            by_key.setdefault(match_text(record.key), []).append(record)
        return by_key


async def _both(one: Coroutine[Any, Any, One], other: Coroutine[Any, Any, Other]) -> tuple[One, Other]:
    """At once. (A TaskGroup would wrap what they raise, and nobody who hears of it knows groups.)"""
    first = asyncio.ensure_future(one)
    try:
        second = await other
        return await first, second
    except BaseException:
        first.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await first
        raise


def _receipt(known: LedgerRow | None) -> str | None:
    return None if known is None else known.receipt
