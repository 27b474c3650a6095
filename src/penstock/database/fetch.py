"""Run one SELECT as the driver gives its rows: plain tuples, no more of them than fit in memory.

Rows made by SQLAlchemy cost three times what reading costs (2.7 µs a row); its sessions and pools are kept. Errors are the
driver's own: see `faults`. A connection that raised one is not used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from traceback import clear_frames
from typing import NamedTuple, Protocol

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

# Rows asked for together: a page may be so many large rows beyond its limit, and every portion costs a switch.
MOST_AT_ONCE = 16


class Fetched(NamedTuple):
    """is_whole: False when reading stopped at the memory limit, with rows still to come."""

    rows: Sequence[tuple[object, ...]]
    is_whole: bool


class NotText(Exception):
    """A text of the answer is not in the charset that its column claims. Which one, the drivers do not say."""


class FieldPacket(Protocol):
    """What a MySQL server says of a result column. flags, type_code, charsetnr: as the protocol numbers them; length: bytes."""

    name: str
    type_code: int
    length: int
    flags: int
    charsetnr: int
    scale: int


class _Result(Protocol):
    fields: Sequence[FieldPacket]


class _DriverCursor(Protocol):
    _result: _Result


class _Adapter(Protocol):
    _cursor: _DriverCursor


async def fetch(
    connection: AsyncConnection, statement: str, values: Sequence[object] = (), *, most_bytes: int | None = None
) -> Fetched:
    """statement: in the driver's own style of placeholders. most_bytes: stop after about so many bytes of text and blobs; the
    connection may not be usable any more when that has happened. Raises DATABASE_ERRORS, and NotText."""
    return await connection.run_sync(_fetch, statement, tuple(values), most_bytes)


async def result_columns(connection: AsyncConnection, statement: str) -> Sequence[str]:
    """The names of a SELECT's columns. The statement should give no rows: they are thrown away."""
    return await connection.run_sync(_result_columns, statement)


async def mysql_fields(connection: AsyncConnection, statement: str) -> Sequence[FieldPacket]:
    """The types of a SELECT's columns, with the flags that SQLAlchemy does not hand through (ENUM, SET, NOT NULL)."""
    return await connection.run_sync(_mysql_fields, statement)


async def postgresql_fields(connection: AsyncConnection, statement: str) -> Sequence[tuple[str, int]]:
    """The names and the oids of the types of a SELECT's columns."""
    return await connection.run_sync(_postgresql_fields, statement)


def _fetch(connection: Connection, statement: str, values: tuple[object, ...], most_bytes: int | None) -> Fetched:
    is_postgresql = connection.dialect.name == "postgresql"
    try:
        if is_postgresql and most_bytes is not None:
            from penstock.database.postgresql_cursor import postgresql_cursor  # noqa: PLC0415  # loaded with its driver

            with postgresql_cursor(connection, statement, values) as fetch_many:
                return _up_to(fetch_many, most_bytes)
        # Not through a CursorResult: on a streaming one SQLAlchemy reads the first row ahead, and the cursor below lacks it.
        cursor = connection.connection.cursor(server_side=most_bytes is not None)
        cursor.execute(statement, values)
        if most_bytes is None:
            rows = cursor.fetchall()
            return Fetched([tuple(record) for record in rows] if is_postgresql else rows, is_whole=True)
        fetched = _up_to(cursor.fetchmany, most_bytes)
        if fetched.is_whole:
            cursor.close()
        else:
            connection.invalidate()  # closing the cursor would read everything that is still to come
        return fetched
    except BaseException as error:
        # An error, bytes that are no text, a cancellation: part of an answer may still be on the wire.
        connection.invalidate()
        if not _tells_of_no_text(error):
            raise
        # The driver's error and future hold one another, and with them the cursor: SQLite keeps a read's lock as long as that.
        clear_frames(error.__traceback__)
    raise NotText


def _tells_of_no_text(error: BaseException) -> bool:
    if isinstance(error, UnicodeDecodeError):
        return True
    # SQLite's own words; PostgreSQL's codes for bytes that it cannot turn into UTF-8.
    sqlstate = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return "Could not decode to UTF-8" in str(error) or sqlstate in ("22P05", "22021")


def _up_to(fetch_many: Callable[[int], Sequence[tuple[object, ...]]], most_bytes: int) -> Fetched:
    rows: list[tuple[object, ...]] = []
    total, at_once = 0, 1
    while portion := fetch_many(at_once):
        rows += portion
        size = sum(len(value) for row in portion for value in row if isinstance(value, str | bytes))
        total += size
        if total >= most_bytes:
            return Fetched(rows, is_whole=False)
        room = (most_bytes - total) * len(portion) // max(size, 1)
        at_once = max(1, min(4 * at_once, room, MOST_AT_ONCE))
    return Fetched(rows, is_whole=True)


def _result_columns(connection: Connection, statement: str) -> Sequence[str]:
    result = connection.exec_driver_sql(statement)
    description = result.cursor.description if result.cursor is not None else None
    names = [str(column[0]) for column in description or ()]
    result.close()
    return names


def _postgresql_fields(connection: Connection, statement: str) -> Sequence[tuple[str, int]]:
    result = connection.exec_driver_sql(statement)
    description = result.cursor.description if result.cursor is not None else None
    fields = [(str(column[0]), int(str(column[1]))) for column in description or ()]
    result.close()
    return fields


def _mysql_fields(connection: Connection, statement: str) -> Sequence[FieldPacket]:
    result = connection.exec_driver_sql(statement)
    adapter: _Adapter = result.cursor  # type: ignore[assignment]
    fields = tuple(adapter._cursor._result.fields)
    result.close()
    return fields
