"""The database of a proof, past penstock: plain SQL on connections of its own, as a snapshot of one moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.proof.audit import audit_statements
from tests.proof.evidence import Ledger, Transition

USER = "penstock_proof"
PASSWORD = "canaryOfTheDatabase7Hq2"
_TABLES = ("rows", "ranges", "windows", "events", "jobs", "workers")
_DRIVERS = {"mysql": "mysql+asyncmy", "postgresql": "postgresql+asyncpg"}

_ITEMS = {
    "mysql": """CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(50) NOT NULL, price DECIMAL(10,2), note VARCHAR(50),
        born DATETIME NOT NULL, deleted TINYINT NOT NULL DEFAULT 0,
        updated_at TIMESTAMP NOT NULL DEFAULT '2020-02-20 20:20:20' ON UPDATE CURRENT_TIMESTAMP) ENGINE = InnoDB""",
    "postgresql": """CREATE TABLE items (id BIGINT PRIMARY KEY, name TEXT NOT NULL, price NUMERIC(10,2), note TEXT,
        born TIMESTAMP NOT NULL, deleted SMALLINT NOT NULL DEFAULT 0,
        updated_at TIMESTAMP NOT NULL DEFAULT '2020-02-20 20:20:20')""",
    "sqlite": """CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), note TEXT,
        born DATETIME NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, updated_at TIMESTAMP DEFAULT '2020-02-20 20:20:20')""",
}
_ACCOUNTS = {
    "mysql": (f"CREATE USER IF NOT EXISTS {USER} IDENTIFIED BY '{PASSWORD}'", "GRANT ALL ON {name}.* TO " + USER),
    "postgresql": (
        f"DO $$ BEGIN CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT CREATE, USAGE ON SCHEMA public TO {USER}",
    ),
    "sqlite": (),
}

_AT_ONCE = 500

Source: TypeAlias = Mapping[str, Mapping[str, object]]


class ProofDatabase:
    """url: a new and empty database, to be filled with `rows` items, the last of them deleted and one that does not map.

    Made in the running loop; `prepare` comes once, after `penstock prepare`; `reset` makes it again as it was then.
    """

    def __init__(self, url: str, folder: Path) -> None:
        parsed = make_url(url)
        self.kind = parsed.get_backend_name()
        self._path = Path(parsed.database or "") if self.kind == "sqlite" else None
        self._template = folder / "template.db"
        self._owner = parsed
        at = URL.create("sqlite+aiosqlite", database=parsed.database) if self._path else self._with_driver(parsed)
        self._engine: AsyncEngine = create_async_engine(at)

    def job_url(self, detour: Callable[[int], int]) -> str:
        """As the job's file says it. detour: the server's port → the one by which it is reached."""
        if self._path:
            return f"sqlite:///{self._path}"
        owner = self._owner
        return f"{self.kind}://{USER}:${{PROOF_PASSWORD}}@{owner.host}:{detour(owner.port or 0)}/{owner.database}"

    async def fill(self, rows: int) -> None:
        name = self._owner.database or ""
        await self._run(*(statement.format(name=name) for statement in _ACCOUNTS[self.kind]))
        if not self._path:  # from here on everything belongs to the account that penstock uses
            await self._engine.dispose()
            owner = self._with_driver(self._owner.set(username=USER, password=PASSWORD))
            self._engine = create_async_engine(owner, pool_pre_ping=True)  # the server may have been started again
        await self._run(_ITEMS[self.kind])
        for first in range(1, rows + 1, _AT_ONCE):
            values = ", ".join(_item(number, rows) for number in range(first, min(first + _AT_ONCE, rows + 1)))
            await self._run(f"INSERT INTO items (id, name, price, note, born, deleted) VALUES {values}")

    async def prepare(self) -> None:
        await self._run(*audit_statements(self.kind))
        if self._path:
            await self._engine.dispose()
            shutil.copyfile(self._path, self._template)

    async def reset(self) -> None:
        if self._path:
            await self._engine.dispose()
            for leftover in self._path.parent.glob(f"{self._path.name}-*"):
                leftover.unlink()
            shutil.copyfile(self._template, self._path)
            return
        ledger = [f"DELETE FROM penstock_{table}" for table in _TABLES]
        await self._run(*ledger, "DELETE FROM proof_audit", "UPDATE items SET is_import = 0, updated_at = updated_at")

    async def source(self) -> Source:
        """Every row by its key."""
        return {str(row["id"]): row for row in (await self._read("SELECT * FROM items ORDER BY id"))[0]}

    async def look(self) -> tuple[Ledger, Sequence[Transition], Source]:
        """Ledger, audit and source, all as of one moment."""
        queries = [f"SELECT * FROM penstock_{table}" for table in _TABLES]
        audit = "SELECT row_key, was, became, range_no FROM proof_audit ORDER BY number"
        # Named besides: where the flag is INVISIBLE, * does not show it.
        items_too = "SELECT items.*, is_import AS flag_set FROM items ORDER BY id"
        *tables, transitions, items = await self._read(*queries, audit, items_too)
        ledger = Ledger(**dict(zip(_TABLES, tables, strict=True)))
        moves = [Transition(*row.values()) for row in transitions]
        return ledger, moves, {str(row["id"]): row for row in items}

    async def aclose(self) -> None:
        await self._engine.dispose()

    async def _read(self, *queries: str) -> list[list[Mapping[str, Any]]]:
        level = "SERIALIZABLE" if self._path else "REPEATABLE READ"
        async with self._engine.execution_options(isolation_level=level).connect() as connection:
            return [[dict(row) for row in (await connection.exec_driver_sql(query)).mappings()] for query in queries]

    async def _run(self, *statements: str) -> None:
        async with self._engine.begin() as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)

    def _with_driver(self, url: URL) -> URL:
        return url.set(drivername=_DRIVERS[self.kind])


def _item(number: int, rows: int) -> str:
    """Its values. Of so many rows one does not map, and the last one is deleted."""
    note = "NULL" if number == rows // 2 else f"'note {number}'"
    born = f"2019-03-0{number % 9 + 1} 10:00:00"
    return f"({number}, 'item {number}', {number}.50, {note}, '{born}', {number == rows:d})"
