"""For pages with a text that is none: bytes that are not in the charset which their column claims.

The drivers then give no row at all, and do not say which column it was. So each text column is read alone, those that fail are
read once more in hex, and the values at fault stand in their rows as Unreadable.
"""

from __future__ import annotations

from penstock.database.connect import Database
from penstock.database.fetch import Fetched, NotText, fetch
from penstock.rows import Unreadable
from penstock.source.columns import ColumnKind
from penstock.source.dialect import SQLITE
from penstock.source.keyset import Condition
from penstock.source.plan import Plan
from penstock.source.statements import Outer, called_outside, order_outside

_TEXTS = frozenset({ColumnKind.TEXT, ColumnKind.ENUM, ColumnKind.SET, ColumnKind.JSON})


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
        # In hex: a value that comes as text is one that is to be decoded. SQLite may keep numbers and blobs beside it.
        text = f"HEX({shown[at]})"
        shown[at] = (
            f"CASE typeof({shown[at]}) WHEN 'text' THEN {text} ELSE {shown[at]} END" if dialect == SQLITE else text
        )
    shown += [called_outside(dialect, name) for name in plan.numbers]
    async with database.reading() as connection:
        text = Outer(", ".join(shown), order).around(statement.text)
        fetched = await fetch(connection, text, statement.values, most_bytes=most_bytes)
    return Fetched([_decoded(row, broken) for row in fetched.rows], fetched.is_whole)


async def _is_text(database: Database, column: Outer, statement: Condition) -> bool:
    async with database.reading() as connection:
        try:
            await fetch(connection, column.around(statement.text), statement.values)
        except NotText:
            return False
    return True


def _decoded(row: tuple[object, ...], broken: list[int]) -> tuple[object, ...]:
    values = list(row)
    for at in broken:
        value = values[at]
        if isinstance(value, str):
            try:
                values[at] = bytes.fromhex(value).decode()
            except UnicodeDecodeError:
                values[at] = Unreadable(
                    "the bytes stored there are no UTF-8 text; CAST the column to binary in the query"
                )
    return tuple(values)
