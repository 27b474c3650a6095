"""Source, ledger, flags and the new store against one another: each side walked once by pages, looked up on the others by key.

Order is never compared, so that no two databases need sort alike. Whatever looks wrong is looked at twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from datetime import datetime
from random import Random

from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText, Record, Row, decode_keys, match_text, match_text_of
from penstock.shelf.texts import Spool
from penstock.verify.ahead import one_ahead
from penstock.verify.base import LedgerRows, Rows, Store
from penstock.verify.deferred import Deferred
from penstock.verify.examine import Examined, Examiner
from penstock.verify.findings import Finding, FindingKind, Progress
from penstock.verify.second_look import SecondLook

PAGE = 1000
SECOND_LOOK_AFTER = 2.0
_IMPORTED = frozenset({RowState.IMPORTED})


@dataclass(frozen=True, slots=True)
class Scope:
    """share: of the rows, drawn at random. since: rows whose ledger row has changed since then alone."""

    share: float = 1.0
    since: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Only then can it be said what the store has beyond the rows."""
        return self.share >= 1 and self.since is None

    def holds(self, known: LedgerRow | None) -> bool:
        return self.since is None or (known is not None and known.updated_at >= self.since)


class Reconciliation:
    """store: None: only source, ledger and flags are compared. computes_key: rows are called otherwise in the store, so that what
    is extra shows only by all of them."""

    def __init__(
        self,
        rows: Rows,
        ledger: LedgerRows,
        store: Store | None,
        examine: Examiner,
        *,
        computes_key: bool,
        random: Random,
        second_look_after: float = SECOND_LOOK_AFTER,
    ) -> None:
        self._rows = rows
        self._ledger = ledger
        self._store = store
        self._examine = examine
        self._computes_key = computes_key
        self._random = random
        self._after = second_look_after
        self._imported_seen = 0
        self._looked_at = 0
        self._walked = 0
        self._found = 0

    @property
    def _walks(self) -> bool:
        return self._store is not None and self._store.walks

    @property
    def progress(self) -> Progress:
        return Progress(self._looked_at, self._walked, self._found)

    async def findings(self, scope: Scope) -> AsyncGenerator[Finding]:
        """Everything that is wrong, as it is found. Close it (`aclosing`). Raises Unreachable, JobError."""
        with closing(Spool()) as expected:
            async with aclosing(self._all(scope, expected)) as found:
                async for finding in found:
                    self._found += 1
                    yield finding

    async def _all(self, scope: Scope, expected: Spool) -> AsyncGenerator[Finding]:
        async with aclosing(self._from_source(scope, expected)) as found:
            async for finding in found:
                yield finding
        if not scope.is_whole:
            return
        async with aclosing(self._from_ledger()) as found:
            async for finding in found:
                yield finding
        if self._store is not None and self._walks:
            async with aclosing(self._from_store(self._store, expected)) as found:
                async for finding in found:
                    yield finding

    # From the source: is every row where it should be, and right?

    async def _from_source(self, scope: Scope, expected: Spool) -> AsyncGenerator[Finding]:
        again = SecondLook(self._after)
        is_live = self._store is None or self._store.is_live
        with closing(Deferred()) as deferred:
            async with aclosing(one_ahead(self._rows.pages())) as pages:
                async for page in pages:
                    rows = page if scope.share >= 1 else [row for row in page if self._random.random() < scope.share]
                    examined = await self._first_look(rows, scope)
                    for finding in self._shared(examined, scope, expected):
                        yield finding  # no second look would show it, and none is needed
                    doubts = examined.findings
                    if not is_live:
                        deferred.add(doubts)
                        continue
                    again.add([finding.key for finding in doubts if finding.key is not None], _now())
                    async for finding in self._second_looks(again, is_last=False):
                        yield finding
            async for finding in self._second_looks(again, is_last=True):
                yield finding
            async for finding in self._deferred_looks(deferred):
                yield finding

    async def _first_look(self, rows: Sequence[Row], scope: Scope) -> Examined:
        examined = await self._examine(rows, scope.holds)
        self._looked_at += len(rows)
        self._imported_seen += sum(known.state is RowState.IMPORTED for known in examined.known.values())
        return examined

    def _shared(self, examined: Examined, scope: Scope, expected: Spool) -> Iterator[Finding]:
        """Rows whose record is another row's as well: one record is no proof of two. (A row's own key is one row's.)"""
        if not (self._computes_key and scope.is_whole and self._walks):
            return
        missing = {finding.key for finding in examined.findings if finding.kind is FindingKind.MISSING}
        taken = set(expected.among(list(examined.store_keys.values())))
        for key, text in examined.store_keys.items():
            if text in taken and key not in missing:
                yield Finding(FindingKind.SHARED, key, "the record that it answers to is another row's as well")
            taken.add(text)
        expected.add(list(examined.store_keys.values()))

    async def _second_looks(self, again: SecondLook, *, is_last: bool) -> AsyncIterator[Finding]:
        while True:
            wait = again.wait(_now(), is_last=is_last)
            if wait:
                await asyncio.sleep(wait)
            keys = again.take(_now(), min(PAGE, self._rows.rows_at_once))
            if not keys:
                if wait is None:
                    return
                continue
            rows = await self._rows.read_keys(keys)
            for finding in (await self._examine([rows[key] for key in keys if key in rows])).findings:
                yield finding

    async def _deferred_looks(self, deferred: Deferred) -> AsyncIterator[Finding]:
        if not len(deferred) or self._store is None:
            return
        await asyncio.sleep(self._after)
        await self._store.look_again()
        for keys in deferred.portions(min(PAGE, self._rows.rows_at_once)):
            rows = await self._rows.read_keys(keys)
            examined = await self._examine([rows[key] for key in keys if key in rows])
            for finding in deferred.in_time(examined.findings):
                yield finding

    async def still_missing(self, keys: Sequence[KeyText]) -> set[KeyText]:
        """Those of the keys that the ledger calls imported and the store does not have, as it is now. Raises Unreachable."""
        if self._store is not None:
            await self._store.look_again()
        missing: set[KeyText] = set()
        size = min(PAGE, self._rows.rows_at_once)
        for start in range(0, len(keys), size):
            rows = await self._rows.read_keys(keys[start : start + size])
            missing |= {
                str(finding.key)
                for finding in (await self._examine(list(rows.values()))).findings
                if finding.kind is FindingKind.MISSING and finding.state is RowState.IMPORTED
            }
        return missing

    # From the ledger: imported rows that the source does not show any more.

    async def _from_ledger(self) -> AsyncGenerator[Finding]:
        if (await self._ledger.counts()).imported == self._imported_seen:
            return  # each of them was met on the way through the source
        with closing(Spool()) as gone:
            after: KeyText | None = None
            while page := await self._ledger.rows(_IMPORTED, after, PAGE):
                gone.add(await self._not_shown([row.key for row in page]))
                after = page[-1].key
            if len(gone):
                await asyncio.sleep(self._after)
            for keys in gone.portions(PAGE):
                for key in await self._not_shown(keys):
                    yield Finding(
                        FindingKind.GONE, key, "imported, and the source does not show it any more", RowState.IMPORTED
                    )

    async def _not_shown(self, keys: Sequence[KeyText]) -> list[KeyText]:
        shown = set(await self._rows.find(decode_keys(keys)))
        return [key for key in keys if key not in shown]

    # From the store: what no row explains.

    async def _from_store(self, store: Store, expected: Spool) -> AsyncGenerator[Finding]:
        without_key = await store.without_key()
        if without_key:
            detail = f"the store has {without_key:,} records without a key"
            yield Finding(FindingKind.EXTRA, None, detail, copies=without_key)
        with closing(Spool()) as strangers:
            async with aclosing(one_ahead(store.walk())) as pages:
                async for keys in pages:
                    texts = [match_text(key) for key in keys]
                    explained = expected.among(texts) if self._computes_key else await self._explained(keys, texts)
                    strangers.add([text for text in texts if text not in explained])
                    self._walked += len(keys)
            if not len(strangers):
                return
            await asyncio.sleep(self._after)
            await store.look_again()
            if self._computes_key:
                await self._leave_out_those_that_came(strangers)
            for portion in strangers.portions(PAGE):
                for finding in await self._still_strange(store, portion):
                    yield finding

    async def _explained(self, keys: Sequence[tuple[object, ...]], texts: Sequence[str]) -> frozenset[str]:
        """What the store calls rows that the source shows, or that the ledger has imported before they went (see `gone`).
        texts: match_text of each key."""
        shown = set(map(match_text_of, await self._rows.find(keys)))
        rest = [
            name for key, text in zip(keys, texts, strict=True) if text not in shown for name in self._rows.texts(key)
        ]
        for start in range(0, len(rest), PAGE):
            known = await self._ledger.look_up(rest[start : start + PAGE])
            shown.update(match_text_of(key) for key, row in known.items() if row.state is RowState.IMPORTED)
        return frozenset(shown)

    async def _leave_out_those_that_came(self, strangers: Spool) -> None:
        """Rows that were not there yet when the source was walked."""
        async with aclosing(one_ahead(self._rows.pages())) as pages:
            async for page in pages:
                known = await self._ledger.look_up([row.key for row in page])
                strangers.remove(self._examine.store_keys(page, known))

    async def _still_strange(self, store: Store, texts: Sequence[str]) -> list[Finding]:
        keys = [_key_in(text, len(store.key)) for text in texts]
        explained = frozenset() if self._computes_key else await self._explained(keys, texts)
        strange = set(texts) - explained
        records: dict[str, list[Record]] = {}
        for record in await store.look_up([key for key, text in zip(keys, texts, strict=True) if text in strange]):
            text = match_text(record.key)
            if text in strange:
                records.setdefault(text, []).append(record)
        return [
            Finding(
                FindingKind.EXTRA,
                None,
                "the store has it, and no row of the source explains it",
                store_key=records[text][0].key,
                copies=len(records[text]),
            )
            for text in texts
            if text in records
        ]


def _key_in(text: str, width: int) -> tuple[object, ...]:
    """A key again, of what `match_text` made of it: whoever looks for it there takes a number's text for the number."""
    return (text,) if width == 1 else tuple(json.loads(text))


def _now() -> float:
    return asyncio.get_running_loop().time()
