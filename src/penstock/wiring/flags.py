"""Flags, tied to the ledger: inside its settling transaction where one can span both, else in transactions of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.clock import Clock
from penstock.ledger.base import FlagMarker
from penstock.ledger.rows import Settlement
from penstock.mapping.marks import compile_marks
from penstock.source.base import FlagsLocked
from penstock.source.flag_table import FlagTable
from penstock.source.flags import FlagWriter, SourceFlagDesk
from penstock.spec.models import Job
from penstock.wiring.databases import Databases


def writer_of(job: Job, table: FlagTable | None, clock: Clock) -> FlagWriter | None:
    """None: the job has no flag. Raises JobError if `flag.set` cannot be used."""
    flag = job.source.flag
    if flag is None or table is None:
        return None
    return FlagWriter(table, clock, compile_marks(flag.set) if flag.set else None)


def marker_of(flags: FlagWriter | None, databases: Databases) -> FlagMarker | None:
    """None: flags lie in another database than the ledger, and are due after each commit."""
    if flags is None:
        return _no_flags
    return _inside(flags) if databases.are_one else None


def desk_of(flags: FlagWriter | None, databases: Databases) -> SourceFlagDesk | None:
    return None if flags is None else SourceFlagDesk(databases.source, flags)


def _inside(flags: FlagWriter) -> FlagMarker:
    async def mark(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
        try:
            matched = await flags.mark(connection, accepted)
        except FlagsLocked:
            return False
        # Fewer: a row is gone, or something of the database's keeps its flag as it was. That is looked into afterwards.
        return matched >= len(accepted)

    return mark


async def _no_flags(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
    """For a job without a flag: nothing is ever due."""
    return True
