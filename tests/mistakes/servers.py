"""The old shop on a database server, and users of it who may do less than everything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from tests.mistakes.mistake import Step, edit
from tests.mistakes.world import PASSWORD, World


class MariaDatabase:
    """address: its URL, of a user who may do everything."""

    def __init__(self, address: str) -> None:
        self.parts = make_url(address)
        self.url = address

    def execute(self, *statements: str) -> None:
        asyncio.run(_on(self.parts, statements))

    def contents(self) -> str:
        [tables] = asyncio.run(_on(self.parts, ["SHOW TABLES"]))
        names = [str(name) for (name,) in tables]
        asked = [
            question.format(name) for name in names for question in ("SHOW CREATE TABLE `{}`", "SELECT * FROM `{}`")
        ]
        return "\n".join(map(str, asyncio.run(_on(self.parts, asked))))

    def number(self, question: str) -> int:
        [[(number,)]] = asyncio.run(_on(self.parts, [question]))
        return int(str(number))


class PostgresqlDatabase:
    """address: its URL, of the user to whom it belongs."""

    def __init__(self, address: str) -> None:
        self.parts = make_url(address)
        self.url = address

    def execute(self, *statements: str) -> None:
        asyncio.run(_on(self.parts, statements))

    def contents(self) -> str:
        columns = (
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        )
        [defined] = asyncio.run(_on(self.parts, [f"{columns} ORDER BY 1, 2"]))
        names = sorted({str(name) for name, _, _ in defined})
        rows = asyncio.run(_on(self.parts, [f'SELECT * FROM "{name}" ORDER BY 1' for name in names]))
        return "\n".join(map(str, [defined, *rows]))

    def number(self, question: str) -> int:
        [[(number,)]] = asyncio.run(_on(self.parts, [question]))
        return int(str(number))


async def _on(url: URL, statements: Sequence[str]) -> list[list[tuple[object, ...]]]:
    """Run each, and commit. Returns the rows of each."""
    driver = "postgresql+asyncpg" if url.drivername.startswith("postgres") else "mysql+asyncmy"
    engine = create_async_engine(url.set(drivername=driver), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    rows: list[list[tuple[object, ...]]] = []
    async with engine.connect() as connection:
        for statement in statements:
            result = await connection.exec_driver_sql(statement.replace("%", "%%"))
            rows.append([tuple(row) for row in result] if result.returns_rows else [])
    return rows


def as_user(*grants: str) -> Step:
    """The job file names a user who may do this alone: "SELECT ON <database>.*"."""

    def make(world: World) -> None:
        database = world.database
        assert isinstance(database, MariaDatabase)
        user = f"reader_{uuid4().hex[:8]}"
        database.execute(f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'")
        world.undo.callback(database.execute, f"DROP USER {user}")
        world.names["user"] = user
        database.execute(*(f"GRANT {world.filled_in(grant)} TO {user}" for grant in grants))
        world.monkeypatch.setenv("OLD_DB_PASSWORD", PASSWORD)
        edit("<source>", "mysql://<user>:${OLD_DB_PASSWORD}@<server>/<database>")(world)

    return make
