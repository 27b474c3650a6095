"""The database server of the benchmarks: the one that the tests use, asked one statement at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.missing import Missing

_ADDRESS = Path(__file__).parent.parent / ".services" / "mariadb" / "url"


class Server:
    """MariaDB or MySQL. The account may create databases."""

    def __init__(self, url: URL) -> None:
        self._url = url

    def of(self, database: str) -> URL:
        return self._url.set(database=database)

    def execute(self, *statements: str, database: str | None = None) -> None:
        asyncio.run(self._execute(statements, database))

    def ask(self, query: str, *, database: str | None = None) -> str:
        """The first column of the first row."""
        [[answer, *_], *_] = self.rows(query, database=database)
        return str(answer)

    def rows(self, query: str, *, database: str | None = None) -> Sequence[Sequence[object]]:
        """All that it shows."""
        return asyncio.run(self._execute((query,), database))

    def process(self) -> int | None:
        """The number of its process, if it runs on this machine and may be looked at."""
        try:
            pid = int(Path(self.ask("SELECT @@datadir"), self.ask("SELECT @@pid_file")).read_text())
        except (OSError, ValueError):
            return None
        return pid if Path(f"/proc/{pid}/stat").exists() else None

    async def _execute(self, statements: tuple[str, ...], database: str | None) -> Sequence[Sequence[object]]:
        answer: Sequence[Sequence[object]] = ()
        url = self._url.set(drivername="mysql+asyncmy", database=database)
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            for statement in statements:
                result = await connection.exec_driver_sql(statement)
                answer = [tuple(row) for row in result] if result.returns_rows else ()
        await engine.dispose()
        return answer


def find_server() -> Server:
    """The one of PENSTOCK_TEST_MYSQL_URL, else that of scripts/services. Raises Missing if there is neither."""
    given = os.environ.get("PENSTOCK_TEST_MYSQL_URL")
    if given is None and not _ADDRESS.exists():
        raise Missing("MariaDB is not running: scripts/services start mariadb, or set PENSTOCK_TEST_MYSQL_URL")
    return Server(make_url(given or _ADDRESS.read_text().strip()))
