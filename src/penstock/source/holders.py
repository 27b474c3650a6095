"""Who holds a table that cannot be altered just now, in words for people."""

from __future__ import annotations

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS
from penstock.source.dialect import POSTGRESQL, dialect_of
from penstock.source.origin import Table
from penstock.source.postgresql_catalog import lock_holders

NOBODY_KNOWN = "another session"


async def holders_of(database: Database, table: Table) -> str:
    """They may be gone by now, and the user may not see others: then nobody is named."""
    if dialect_of(database.kind) != POSTGRESQL:
        return NOBODY_KNOWN
    try:
        async with database.reading() as connection:
            sessions = await lock_holders(connection, table)
    except DATABASE_ERRORS:
        return NOBODY_KNOWN
    return " and ".join(sessions) or NOBODY_KNOWN
