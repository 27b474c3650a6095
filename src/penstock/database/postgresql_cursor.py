"""A cursor of PostgreSQL that gives as many rows as one asks for: SQLAlchemy's own asks for fifty at once, however large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from penstock.database.postgresql_faults import as_sqlalchemy_does


@contextmanager
def postgresql_cursor(
    connection: Connection, statement: str, values: tuple[object, ...]
) -> Iterator[Callable[[int], Sequence[tuple[object, ...]]]]:
    """Gives what fetches so many further rows; if the block raises, the connection cannot be used any more."""
    driver = connection.connection.dbapi_connection
    if driver is None:
        raise AssertionError("a connection in use has its driver's")

    async def open_cursor(raw: Any) -> tuple[Any, Any]:
        transaction = raw.transaction(readonly=True)
        await transaction.start()
        return transaction, await raw.cursor(statement, *values)

    def fetch_many(number: int) -> Sequence[tuple[object, ...]]:
        return [tuple(record) for record in driver.run_async(lambda _: cursor.fetch(number))]

    with as_sqlalchemy_does():
        transaction, cursor = driver.run_async(open_cursor)
        yield fetch_many
        driver.run_async(lambda _: transaction.rollback())
