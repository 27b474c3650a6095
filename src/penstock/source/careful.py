"""For pages with a text that is none: bytes that are not in the charset which their column claims.

The drivers then give no row at all, and do not say which column it was. So each text column is read alone, those that fail are
read once more in hex, and the values at fault stand in their rows as Unreadable.
"""

from __future__ import annotations

from codecs import lookup
from collections.abc import Mapping

from penstock.database.connect import Database
from penstock.database.fetch import Fetched, NotText, fetch
from penstock.rows import Unreadable
from penstock.source.columns import ColumnKind
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.keyset import Condition
from penstock.source.plan import Plan
from penstock.source.statements import Outer, called_outside, order_outside

NO_TEXT = "the bytes stored there are no UTF-8 text; CAST the column to binary in the query"
_TEXTS = frozenset(
    {ColumnKind.TEXT, ColumnKind.ENUM, ColumnKind.SET, ColumnKind.JSON, ColumnKind.PRINTED, ColumnKind.LIST}
)


async def fetch_carefully(database: Database, plan: Plan, statement: Condition, most_bytes: int | None) -> Fetched:
    """statement: one of `plan.rows`. Raises DATABASE_ERRORS."""
    dialect = plan.rows.dialect
    order = order_outside(dialect, plan.columns, plan.key)
    shown = [called_outside(dialect, column.name) for column in plan.columns]
    broken = [
        at
        for at, column in enumerate(plan.columns)
        # SQLite keeps text in columns of any type.
        if (column.kind in _TEXTS or dialect == SQLITE)
        and not await _is_text(database, Outer(shown[at], order), statement)
    ]
    for at in broken:
        shown[at] = _in_hex(dialect, plan.columns[at].kind, shown[at])
    charset = await _charset(database) if broken and dialect == POSTGRESQL else "utf-8"
    # No element of an array can be told from the others: none is decoded.
    charsets = {at: "ascii" if plan.columns[at].kind is ColumnKind.LIST else charset for at in broken}
    shown += [called_outside(dialect, name) for name in plan.numbers]
    async with database.reading() as connection:
        text = Outer(", ".join(shown), order).around(statement.text)
        fetched = await fetch(connection, text, statement.values, most_bytes=most_bytes)
    return Fetched([_decoded(row, charsets) for row in fetched.rows], fetched.is_whole)


async def _is_text(database: Database, column: Outer, statement: Condition) -> bool:
    async with database.reading() as connection:
        try:
            await fetch(connection, column.around(statement.text), statement.values)
        except NotText:
            return False
    return True


def _in_hex(dialect: Dialect, kind: ColumnKind, shown: str) -> str:
    """A value that then comes as text is one that is to be decoded."""
    if dialect == SQLITE:  # which may keep numbers and blobs beside texts
        return f"CASE typeof({shown}) WHEN 'text' THEN HEX({shown}) ELSE {shown} END"
    if dialect != POSTGRESQL:
        return f"HEX({shown})"
    if kind is ColumnKind.LIST:
        return f"CASE WHEN {shown} IS NOT NULL THEN 'ff' END"
    return f"encode(convert_to(CAST({shown} AS text), getdatabaseencoding()), 'hex')"


async def _charset(database: Database) -> str:
    """Of the whole PostgreSQL database, as Python calls it: there it may hold what no conversion is defined for, or anything."""
    async with database.reading() as connection:
        [(name,)] = (await fetch(connection, "SELECT getdatabaseencoding()")).rows
    charset = str(name).replace("WIN", "cp").lower()
    try:
        return lookup(charset).name
    except LookupError:  # SQL_ASCII, first of all, which means that nothing was ever checked
        return "utf-8"


def _decoded(row: tuple[object, ...], charsets: Mapping[int, str]) -> tuple[object, ...]:
    """charsets: of the columns that came in hex, by their number."""
    values = list(row)
    for at, charset in charsets.items():
        value = values[at]
        if isinstance(value, str):
            try:
                values[at] = bytes.fromhex(value).decode(charset)
            except UnicodeDecodeError:
                values[at] = Unreadable(NO_TEXT)
    return tuple(values)
