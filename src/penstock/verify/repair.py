"""What `verify --fix` does about its findings, once all of them are known: flags, and imported rows that did not arrive. The new
store is never touched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from penstock.errors import JobError
from penstock.ledger.states import RowState
from penstock.rows import KeyText
from penstock.shelf.texts import Spool
from penstock.source.base import Mark
from penstock.verify.base import LedgerRows
from penstock.verify.findings import Finding, FindingKind

AT_ONCE = 500
NOTE = "verify --fix: the new store does not have it"
# A store that lacks more of what was imported is likelier to be the wrong one, and every row would be sent again.
MOST_MISSING = 0.05
FEW = 100


class Reopening(Protocol):
    """The part of the people's desk that is needed here."""

    async def reopen(self, keys: Sequence[KeyText], note: str, *, renew_keys: bool) -> int: ...


class FlagDesk(Protocol):
    """Flags in transactions of their own."""

    async def mark(self, marks: Sequence[Mark]) -> Sequence[KeyText]:
        """Set them; returns those that could be set: others are locked."""
        ...

    async def clear(self, keys: Sequence[KeyText]) -> int: ...


class Repaired(NamedTuple):
    """reopened: rows back to pending; flagged: flags set; locked: flags that others' locks kept from being set."""

    reopened: int
    flagged: int
    locked: int


class Repairs:
    """Hears of findings, and mends afterwards: on disk meanwhile, for there may be as many as rows."""

    def __init__(self) -> None:
        self._missing = Spool()
        self._unflagged = Spool()

    def note(self, finding: Finding) -> None:
        if finding.key is None or finding.state is not RowState.IMPORTED:
            return
        match finding.kind:
            case FindingKind.MISSING:
                self._missing.add([finding.key])
            case FindingKind.FLAG:
                self._unflagged.add([finding.key])
            case _:
                return

    async def make(
        self,
        ledger: LedgerRows,
        reopening: Reopening,
        flags: FlagDesk | None,
        *,
        still_missing: Callable[[Sequence[KeyText]], Awaitable[Collection[KeyText]]],
        is_sure: bool,
        renew_keys: bool,
    ) -> Repaired:
        """still_missing: those of the keys that are; hours may have passed since they were found, and what has arrived meanwhile
        would be doubled. is_sure: also where most rows are missing. renew_keys: the API is to take the rows for new ones.

        Raises JobError if most are missing and it is not sure, before anything is changed; Unreachable. Cut off, the same
        verification goes on with what is left.
        """
        imported = (await ledger.counts()).imported
        missing = len(self._missing)
        if missing > max(FEW, MOST_MISSING * imported) and not is_sure:
            raise JobError(
                f"{missing:,} of {imported:,} imported rows are missing in the new store, and --fix would send all of them "
                "again. Nothing was changed: look whether verify.url, query or collection name the right one; if they do, --yes"
            )
        reopened = flagged = locked = 0
        for noted in self._missing.portions(AT_ONCE):
            missing_now = await still_missing(noted)
            keys = [key for key in noted if key in missing_now]
            if not keys:
                continue
            # Cleared first: a live run may deliver a row again as soon as it is pending, and set its flag.
            if flags is not None:
                await flags.clear(keys)
            reopened += await reopening.reopen(keys, NOTE, renew_keys=renew_keys and not reopened)
        for keys in self._unflagged.portions(AT_ONCE):
            known = await ledger.look_up(keys)
            marks = [Mark(key, row.receipt) for key, row in known.items() if row.state is RowState.IMPORTED]
            if flags is not None and marks:
                done = len(await flags.mark(marks))
                flagged, locked = flagged + done, locked + len(marks) - done
        return Repaired(reopened, flagged, locked)

    def close(self) -> None:
        self._missing.close()
        self._unflagged.close()
