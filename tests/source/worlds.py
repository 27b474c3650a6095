"""A source database for tests: tables made by plain statements, jobs over them, and the walks that the engine makes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import make_url

from penstock.database.connect import Database, open_database
from penstock.database.fetch import fetch
from penstock.rows import KeyText, Row
from penstock.source.open import open_source
from penstock.source.reader import SqlSource
from penstock.spec.models import Flag, Job, Source, Target

PASSWORD = "p@ss:w/rd%?#"


@dataclass(frozen=True)
class World:
    """One database under test."""

    url: str
    database: Database

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def is_postgresql(self) -> bool:
        return self.url.startswith("postgresql")

    @property
    def hole(self) -> str:
        """The driver's placeholder of a first value."""
        return {"postgresql": "$1", "sqlite": "?"}.get(self.database.kind, "%s")

    async def run(self, *statements: str) -> None:
        async with self.database.writing() as connection:
            for statement in statements:
                await connection.exec_driver_sql(self.verbatim(statement))

    async def fetch(self, statement: str) -> Sequence[tuple[object, ...]]:
        async with self.database.reading() as connection:
            return (await fetch(connection, self.verbatim(statement))).rows

    def verbatim(self, statement: str) -> str:
        """As it has to be given to the driver."""
        if self.is_sqlite:
            return statement
        return statement if self.is_postgresql else statement.replace("%", "%%")

    def quoted(self, statement: str) -> str:
        """With names in the quotes of this database."""
        return statement.replace("`", '"') if self.is_postgresql else statement

    def job(
        self,
        query: str,
        *key: str,
        flag: Flag | None = None,
        timezone: str | None = None,
        zero_dates: str = "fail",
    ) -> Job:
        source = Source.model_validate(
            {
                "url": self.url,
                "query": self.quoted(query),
                "key": key or ("id",),
                "flag": flag,
                "timezone": timezone,
                "zero_dates": zero_dates,
            }
        )
        return Job(name="test", source=source, target=Target(url=SecretStr("http://127.0.0.1:9/orders")))

    async def open(self, query: str, *key: str, timezone: str | None = None, zero_dates: str = "fail") -> SqlSource:
        return await open_source(self.job(query, *key, timezone=timezone, zero_dates=zero_dates), self.database)

    async def rows(self, query: str, *key: str, timezone: str | None = None, zero_dates: str = "fail") -> list[Row]:
        """All rows of the query, as one span."""
        return await read_all(await self.open(query, *key, timezone=timezone, zero_dates=zero_dates), 1000, 1000)


@asynccontextmanager
async def world_at(url: str) -> AsyncIterator[World]:
    database = open_database(SecretStr(url))
    try:
        yield World(url, database)
    finally:
        await database.aclose()


@asynccontextmanager
async def another_user(world: World, *rights: str) -> AsyncIterator[World]:
    """The same database as a new user sees it. rights: "SELECT ON orders"."""
    url = make_url(world.url)
    name = f"guest_{uuid4().hex[:12]}"
    identified = "LOGIN PASSWORD" if world.is_postgresql else "IDENTIFIED BY"
    await world.run(f"CREATE USER {name} {identified} '{PASSWORD}'", *(f"GRANT {right} TO {name}" for right in rights))
    try:
        async with world_at(url.set(username=name, password=PASSWORD).render_as_string(hide_password=False)) as guest:
            yield guest
    finally:
        undo = [f"REVOKE {right} FROM {name}" for right in rights] if world.is_postgresql else []
        await world.run(*undo, f"DROP USER {name}")


async def read_all(source: SqlSource, span: int, page: int) -> list[Row]:
    """As the engine reads: spans planned by the key's own table, each read page by page."""
    rows: list[Row] = []
    after: KeyText | None = None
    while True:
        keys = await source.next_keys(after, span)
        if keys.last is None:
            return rows
        rows += await read_span(source, after, keys.last, page)
        after = keys.last
        if keys.at_end:
            return rows


async def read_span(source: SqlSource, after: KeyText | None, upto: KeyText, page: int) -> list[Row]:
    rows: list[Row] = []
    while True:
        found = await source.read_span(after, upto, page)
        rows += found.rows
        if found.at_end:
            return rows
        after = found.rows[-1].key


async def sweep_all(source: SqlSource, page: int) -> list[KeyText]:
    """All keys that the query itself shows."""
    found: list[KeyText] = []
    after: KeyText | None = None
    while True:
        keys, after = await source.keys_in_query(after, page)
        assert len(keys) <= page
        found += keys
        if after is None:
            return found


async def rows_read(mariadb: World, table: str) -> int:
    """How many rows of the table the server has read since it began to count."""
    [(rows,)] = await mariadb.fetch(
        "SELECT COALESCE(SUM(rows_read), 0) FROM information_schema.table_statistics"
        f" WHERE table_schema = DATABASE() AND table_name = '{table}'"
    )
    return int(str(rows))
