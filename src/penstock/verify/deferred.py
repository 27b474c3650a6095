"""Rows that looked wrong beside a store that shows one moment alone, as the API's list does: they wait on disk until the source
is through, and then the list is read once more for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from penstock.ledger.states import RowState
from penstock.rows import KeyText
from penstock.shelf.texts import Spool
from penstock.verify.findings import Finding, FindingKind


class Deferred:
    def __init__(self) -> None:
        self._keys = Spool()
        self._undelivered = Spool()

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, findings: Sequence[Finding]) -> None:
        keyed = [finding for finding in findings if finding.key is not None]
        self._keys.add([str(finding.key) for finding in keyed])
        self._undelivered.add([str(finding.key) for finding in keyed if finding.state is not RowState.IMPORTED])

    def portions(self, size: int) -> Iterator[list[KeyText]]:
        return self._keys.portions(size)

    def in_time(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """What the second look found, but for what the list could not show: a row that was delivered after it was read again is
        no lost one. It counts as not delivered yet, as it was at the first look."""
        lost = [finding for finding in findings if _is_lost(finding)]
        late = self._undelivered.among([str(finding.key) for finding in lost])
        for finding in findings:
            if finding in lost and finding.key in late:
                detail = "imported while this ran, after the list was read: the next verify will tell"
                yield replace(finding, state=RowState.PENDING, detail=detail)
            else:
                yield finding

    def close(self) -> None:
        self._keys.close()
        self._undelivered.close()


def _is_lost(finding: Finding) -> bool:
    return finding.kind is FindingKind.MISSING and finding.state is RowState.IMPORTED
