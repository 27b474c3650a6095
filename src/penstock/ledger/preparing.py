"""Making the ledger's tables, and dropping them. `penstock prepare` alone does either; a run never creates anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection, Dialect, false, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateColumn, ExecutableDDLElement

from penstock.errors import LedgerRefused
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import SQLITE, LedgerDialect
from penstock.ledger.schema import METADATA, SCHEMA, definitions, sql
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions
from penstock.ledger.version import VERSION, refuse_newer

_RECORD_VERSION = statement("INSERT INTO penstock_schema (version, host) VALUES (:version, :host)")
_MOVE_TO_HOST = statement("UPDATE penstock_schema SET host = :host WHERE host <> :host")
# Of SQLite alone: no other kind of ledger is tied to a machine.
_HAS_LIVE_LEASE = SQLITE.statement(
    "SELECT 1 FROM penstock_ranges WHERE state = 'leased' AND lease_until > {now} LIMIT 1"
)
_HAS_ROWS = statement("SELECT job_id FROM penstock_rows LIMIT 1")
# What was on the wire when its worker died has no other row anywhere.
_HAS_WINDOWS = statement("SELECT job_id FROM penstock_windows LIMIT 1")
_ALIVE = "SELECT owner, host, pid FROM penstock_workers WHERE alive_until > {now}"
_STORED_HOST = statement("SELECT host FROM penstock_schema")
_STORED_VERSION = statement("SELECT version FROM penstock_schema")
_SET_VERSION = statement("UPDATE penstock_schema SET version = :version")


class Preparing:
    """host: the name of this machine."""

    def __init__(self, transactions: Transactions, dialect: LedgerDialect, is_dead: IsDead, host: str) -> None:
        self._transactions = transactions
        self._database = transactions.database
        self._is_dead = is_dead
        self._host = host
        self._alive = dialect.statement(_ALIVE)

    async def statements(self) -> Sequence[str]:
        """What `prepare` would run now, for whoever runs it by hand. Reads alone."""
        dialect = self._database.engine.sync_engine.dialect
        # One look at the file system: reading would make no file either, but call it unreachable.
        is_there = not self._is_sqlite or Path(self._database.address).exists()  # noqa: ASYNC240
        present, version = await self._transactions.read(_look) if is_there else (frozenset[str](), None)
        refuse_newer(version or 0, self._database.address)
        missing = [sql(definition, dialect) for definition in _missing(present)] + _columns_missing(present, dialect)
        if version == VERSION:
            return missing
        host = self._host if self._is_sqlite else ""
        record = (
            _RECORD_VERSION.bindparams(version=VERSION, host=host)
            if version is None
            else _SET_VERSION.bindparams(version=VERSION)
        )
        return [*missing, str(record.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))]

    async def prepare(self) -> Sequence[str]:
        """See PeopleDesk.prepare. MySQL commits each definition by itself: what an interrupted run made is left out the next
        time, and the version is written last, so that half a ledger is taken for none."""
        if self._is_sqlite:
            await self._transactions.read(self._use_wal)
        return await self._transactions.write(self._prepare)

    async def undo(self) -> Sequence[str]:
        """See PeopleDesk.undo_prepare."""
        return await self._transactions.write(self._undo)

    @property
    def _is_sqlite(self) -> bool:
        return self._database.kind == "sqlite"

    async def _use_wal(self, connection: AsyncConnection) -> None:
        """Readers and the writer out of each other's way; in a new file alone: how the old database works is its owner's."""
        if not await connection.run_sync(lambda sync: inspect(sync).get_table_names()):
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    async def _prepare(self, connection: AsyncConnection) -> Sequence[str]:
        present, version = await _look(connection)
        refuse_newer(version or 0, self._database.address)
        # Of a half made one nobody knows which penstock began it: its tables may lack columns, too.
        columns = _columns_missing(present, connection.dialect)
        if columns or version not in (None, VERSION):
            await self._refuse_alive(connection, present)
        done: list[str] = []
        for definition in _missing(present):
            await connection.execute(definition)
            done.append(sql(definition, connection.dialect))
        for add in columns:
            await connection.exec_driver_sql(add)
            done.append(add)
        if version not in (None, VERSION):
            await connection.execute(_SET_VERSION, {"version": VERSION})
        host = self._host if self._is_sqlite else ""
        stored = (await connection.execute(_STORED_HOST)).scalar()
        if stored is None:
            await connection.execute(_RECORD_VERSION, {"version": VERSION, "host": host})
        elif stored != host:
            await self._move(connection, stored)
            done.append(str(_MOVE_TO_HOST))
        return done

    async def _move(self, connection: AsyncConnection, stored: str) -> None:
        """The file has come to this machine: it may serve here once nobody works with it there."""
        if (await connection.execute(_HAS_LIVE_LEASE)).first() is not None:
            raise LedgerRefused(
                f"a worker on {stored} uses the SQLite ledger {self._database.address}: stop it before the file moves here, "
                "or use a MariaDB, MySQL or PostgreSQL ledger for several machines"
            )
        await connection.execute(_MOVE_TO_HOST, {"host": self._host})

    async def _undo(self, connection: AsyncConnection) -> Sequence[str]:
        present = await connection.run_sync(_present)
        await self._refuse_in_use(connection, present)
        done = []
        # The version goes first: half a ledger is taken for none.
        for table in sorted(METADATA.sorted_tables, key=lambda table: table is not SCHEMA):
            if table.name in present:
                drop = f"DROP TABLE {table.name}"
                await connection.exec_driver_sql(drop)
                done.append(drop)
        return done

    async def _refuse_in_use(self, connection: AsyncConnection, present: frozenset[str]) -> None:
        await self._refuse_alive(connection, present)
        for table, has_some, what in (
            ("penstock_rows", _HAS_ROWS, "delivered rows"),
            ("penstock_windows", _HAS_WINDOWS, "rows that may have been sent"),
        ):
            if table in present and (await connection.execute(has_some)).first() is not None:
                raise LedgerRefused(
                    f"the ledger at {self._database.address} remembers {what}: `penstock reset FILE --yes` forgets those "
                    "of a job; then undo again"
                )

    async def _refuse_alive(self, connection: AsyncConnection, present: frozenset[str]) -> None:
        if "penstock_workers" not in present:
            return
        for owner, host, pid in await connection.execute(self._alive):
            if not self._is_dead(owner):
                raise LedgerRefused(
                    f"the ledger at {self._database.address} is being used (pid {pid} on {host}): stop that run first; "
                    "after a crash it counts as gone within a minute or so"
                )


async def _look(connection: AsyncConnection) -> tuple[frozenset[str], int | None]:
    """What is there, and the version; None: no ledger, or a half made one."""
    present = await connection.run_sync(_present)
    version = (await connection.execute(_STORED_VERSION)).scalar() if SCHEMA.name in present else None
    return present, version


def _present(connection: Connection) -> frozenset[str]:
    """Names of the tables and indexes that are there, and of the columns (table.column)."""
    inspector = inspect(connection)
    tables = [name for name in inspector.get_table_names() if name in METADATA.tables]
    indexes = [str(index["name"]) for table in tables for index in inspector.get_indexes(table)]
    columns = [f"{table}.{column}" for table in tables for column in _columns(connection, table)]
    return frozenset([*tables, *indexes, *columns])


def _columns(connection: Connection, table: str) -> Iterable[str]:
    return connection.execute(select(text("*")).select_from(text(table)).where(false())).keys()


def _missing(present: frozenset[str]) -> Sequence[ExecutableDDLElement]:
    """What makes the tables and indexes that are not there."""
    return [
        definition for table in METADATA.sorted_tables for name, definition in definitions(table) if name not in present
    ]


def _columns_missing(present: frozenset[str], dialect: Dialect) -> list[str]:
    """What adds the columns that an older ledger's tables lack; each has a default. What an interrupted run added is there."""
    return [
        f"ALTER TABLE {table.name} ADD COLUMN {CreateColumn(column).compile(dialect=dialect)}"
        for table in METADATA.sorted_tables
        if table.name in present
        for column in table.columns
        if f"{table.name}.{column.name}" not in present
    ]
