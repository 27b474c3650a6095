"""A MariaDB server of a test's own, for what may be done to no server that others use."""

from __future__ import annotations

import getpass
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TypeAlias

from pydantic import SecretStr

from penstock.database.connect import open_database

Ask: TypeAlias = Callable[[str], Awaitable[list[tuple[object, ...]]]]

# `guest` is what penstock is in an old database: somebody without SUPER, whom a read-only server refuses.
_ACCOUNTS = """\
CREATE OR REPLACE USER penstock@'%' IDENTIFIED BY 'penstock';
GRANT ALL ON *.* TO penstock@'%' WITH GRANT OPTION;
CREATE OR REPLACE USER guest@'%' IDENTIFIED BY 'penstock';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, TRIGGER, PROCESS ON *.* TO guest@'%';
CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4;
"""


class OwnMariadb:
    """Made by `own_mariadb`. It has the database `shop`."""

    def __init__(self, folder: Path, port: int, options: tuple[str, ...]) -> None:
        self.port = port
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def url(self, user: str = "guest") -> str:
        return f"mysql://{user}:penstock@127.0.0.1:{self.port}/shop"

    def start(self) -> None:
        """Returns when it takes connections."""
        self._process = subprocess.Popen(
            [
                *("mariadbd", "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={self._folder / 'data'}"),
                *("--bind-address=127.0.0.1", f"--port={self.port}", "--socket=own.sock", "--skip-name-resolve"),
                *("--character-set-server=utf8mb4", f"--init-file={self._folder / 'accounts.sql'}"),
                *("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=16M", *self._options),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        _read_until("ready for connections", self._process.stderr)

    def kill(self) -> None:
        """As when the machine's memory runs out: SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def restart(self, *options: str) -> None:
        """options: new ones of mariadbd; without any it keeps those it has."""
        self.kill()
        self._options = options or self._options
        self.start()

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[Ask]:
        """A connection of somebody who may do everything: statement → rows."""
        database = open_database(SecretStr(self.url("penstock")))
        try:
            async with database.reading() as connection:

                async def ask(statement: str) -> list[tuple[object, ...]]:
                    found = await connection.exec_driver_sql(statement)
                    return [tuple(row) for row in found] if found.returns_rows else []

                yield ask
        finally:
            await database.aclose()

    async def ask(self, *statements: str) -> None:
        async with self.asking() as ask:
            for statement in statements:
                await ask(statement)


@contextmanager
def own_mariadb(folder: Path, *options: str) -> Iterator[OwnMariadb]:
    """A new one, gone after the block. options: of mariadbd."""
    folder.mkdir(exist_ok=True)
    install = ("mariadb-install-db", "--no-defaults", f"--user={getpass.getuser()}", "--skip-test-db")
    made = subprocess.run(
        [*install, f"--datadir={folder / 'data'}", *options], check=False, capture_output=True, text=True
    )
    assert made.returncode == 0, f"{made.stdout}\n{made.stderr}"
    (folder / "accounts.sql").write_text(_ACCOUNTS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = OwnMariadb(folder, port, options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _read_until(words: str, lines: IO[str]) -> None:
    seen = []
    for line in lines:
        seen.append(line)
        if words in line:
            return
    raise AssertionError(f"the server has ended: {''.join(seen)}")
