"""What is wrong with one row, once everything about it is known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock.errors import RowError
from penstock.ledger.rows import FLAG_SET_BEFORE, LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText, Record, Unreadable
from penstock.spec.wire import kind_of
from penstock.verify.equality import Comparison, Likeness
from penstock.verify.findings import Finding, FindingKind


class Evidence(NamedTuple):
    """known: the ledger's row. fingerprint: of the row as it is now. is_flagged: None: no flag, or no row of its table.
    expected: the compared values by the row; None: there is no store to look into, or no key to look there for.
    no_key: why there is none. records: what the store has under the row's key."""

    key: KeyText
    known: LedgerRow | None
    fingerprint: int | None
    is_flagged: bool | None
    expected: Sequence[object] | None
    records: Sequence[Record]
    no_key: RowError | None = None

    @property
    def state(self) -> RowState:
        return RowState.PENDING if self.known is None else self.known.state

    @property
    def has_changed(self) -> bool:
        """Since it was imported, as far as the ledger knows what it was then."""
        known = self.known
        return (
            known is not None
            and known.state is RowState.IMPORTED
            and known.fingerprint is not None
            and known.fingerprint != self.fingerprint
        )

    @property
    def should_be_there(self) -> bool:
        """Rows that the mapping skipped, and those that left the query, are not looked for. One that was marked before penstock
        came should have been moved by whoever marked it."""
        return self.state is not RowState.SKIPPED or (self.known is not None and self.known.reason == FLAG_SET_BEFORE)


class Judge:
    """fields: names of the compared values."""

    def __init__(self, fields: Sequence[str], compare: Comparison) -> None:
        self._fields = tuple(fields)
        self._compare = compare

    def __call__(self, seen: Evidence) -> Iterator[Finding]:
        """Everything that is wrong with the row."""
        yield from _of_flag(seen)
        if seen.has_changed:
            yield Finding(FindingKind.CHANGED, seen.key, "the row has changed in the source since it was imported")
        if seen.no_key is not None:
            if seen.should_be_there:
                detail = f"cannot be looked for: {seen.no_key}"
                yield Finding(FindingKind.INCOMPARABLE, seen.key, detail, seen.state)
        elif seen.expected is None:
            yield from _of_ledger(seen)
        else:
            yield from self._of_store(seen, seen.expected)

    def _of_store(self, seen: Evidence, expected: Sequence[object]) -> Iterator[Finding]:
        if not seen.records:
            if seen.should_be_there:
                yield Finding(FindingKind.MISSING, seen.key, _why_missing(seen), seen.state)
            return
        if seen.state is not RowState.IMPORTED and not _was_there_before(seen):
            detail = f"the store has it, and the ledger calls it {seen.state.replace('_', ' ')}{_reason(seen)}"
            yield Finding(FindingKind.ARRIVED, seen.key, detail, seen.state)
        if len(seen.records) > 1:
            detail = f"the store has {len(seen.records)} records of it"
            yield Finding(FindingKind.DOUBLED, seen.key, detail, seen.state, copies=len(seen.records))
        yield from min([self._differences(seen, expected, record) for record in seen.records], key=len)

    def _differences(self, seen: Evidence, expected: Sequence[object], record: Record) -> list[Finding]:
        return [
            _difference(seen, field, likeness, one, other)
            for field, one, other in zip(self._fields, expected, record.values, strict=True)
            if (likeness := self._compare(one, other)) is not Likeness.SAME
        ]


def _difference(seen: Evidence, field: str, likeness: Likeness, expected: object, found: object) -> Finding:
    if isinstance(expected, RowError):
        return _incomparable(seen, field, str(expected), None, found)
    if isinstance(found, Unreadable):
        return _incomparable(seen, field, f"the store's value cannot be read: {found.reason}", expected, None)
    if likeness is Likeness.DIFFERENT:
        return Finding(FindingKind.DIFFERING, seen.key, f"{field} differs", seen.state, None, field, expected, found)
    kinds = f"a {kind_of(expected)} cannot be compared with a {kind_of(found)}"
    return _incomparable(seen, field, kinds, expected, found)


def _incomparable(seen: Evidence, field: str, why: str, expected: object, found: object) -> Finding:
    return Finding(FindingKind.INCOMPARABLE, seen.key, f"{field}: {why}", seen.state, None, field, expected, found)


def _of_flag(seen: Evidence) -> Iterator[Finding]:
    if seen.is_flagged is False and seen.state is RowState.IMPORTED:
        yield Finding(FindingKind.FLAG, seen.key, "imported, and its flag is not set", seen.state)
    elif seen.is_flagged and seen.known is not None and seen.state in _UNFLAGGED:
        detail = f"its flag is set, and the ledger calls it {seen.state.replace('_', ' ')}"
        yield Finding(FindingKind.FLAG, seen.key, detail, seen.state)


_UNFLAGGED = (RowState.PENDING, RowState.FAILED, RowState.IN_DOUBT)


def _of_ledger(seen: Evidence) -> Iterator[Finding]:
    """There is no store to ask: the ledger's word has to do."""
    if seen.state not in (RowState.IMPORTED, RowState.SKIPPED):
        yield Finding(FindingKind.MISSING, seen.key, _why_missing(seen), seen.state)


def _was_there_before(seen: Evidence) -> bool:
    return seen.known is not None and seen.known.reason == FLAG_SET_BEFORE and seen.state is RowState.SKIPPED


def _why_missing(seen: Evidence) -> str:
    if seen.state is RowState.IMPORTED:
        return "imported by the ledger, and the store does not have it"
    return f"not imported: {seen.state.replace('_', ' ')}{_reason(seen)}"


def _reason(seen: Evidence) -> str:
    return f" ({seen.known.reason})" if seen.known is not None and seen.known.reason else ""
