"""Sessions on MySQL and MariaDB, with the settings that penstock's protocol rests on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncmy
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from penstock.database.session import run_on_connect
from penstock.database.urls import tls_options

# READ COMMITTED: REPEATABLE READ keeps next-key locks and deadlocked in half of the measured runs. UTC: an hour that exists
# twice must not be read from the session's zone. Short lock waits: a guest does not queue in the old database. wait_timeout:
# servers that cut idle sessions after a minute would break the first statement after every quiet spell. The comments run on
# MariaDB and on MySQL respectively: a statement that nobody waits for any more must not run on, nor may a process that is frozen
# within a transaction keep what it has locked for as long as it may be idle (MySQL has no word for that).
_SESSION = (
    "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, lock_wait_timeout = 5, wait_timeout = 28800"
    " /*M!100101 , max_statement_time = 300 */ /*M!100300 , idle_write_transaction_timeout = 300 */"
    " /*!50708 , max_execution_time = 300000 */"
)
# Without it an old server cuts what does not fit and says nothing.
_STRICT = "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES')"


def mysql_engine(url: URL, folder: str, isolation_level: str, connections: int, connect_seconds: float) -> AsyncEngine:
    """isolation_level: AUTOCOMMIT makes each statement a transaction. Raises JobError for TLS files that are not there."""
    engine = create_async_engine(
        # One dialect for both: it looks at the server's version, whatever the URL calls it.
        url.set(drivername="mysql+asyncmy", query=tls_options(url, folder)),
        connect_args={"charset": "utf8mb4", "async_creator_fn": _driver_connect(connect_seconds)},
        pool_size=connections,
        max_overflow=2,
        pool_timeout=30.0,
        pool_recycle=1800,
        isolation_level=isolation_level,
        skip_autocommit_rollback=True,
        # `Database.writing` alone begins transactions, and ends what it begins: one more ROLLBACK would be a round trip in vain.
        pool_reset_on_return=None,
    )
    run_on_connect(engine, (_SESSION, _STRICT))
    return engine


def _driver_connect(seconds: float) -> Callable[..., Awaitable[object]]:
    async def connect(*arguments: Any, **named: Any) -> object:
        # The driver's own way with a text is Latin-1, where servers and their other clients take UTF-8.
        named["password"] = (named.get("password") or "").encode()
        # The driver's own limit ends with the TCP connection: a server that is stopped takes that, and never says a word.
        task = asyncio.current_task()
        cancelled = task.cancelling() if task is not None else 0
        async with asyncio.timeout(seconds):
            try:
                connection = await asyncmy.connect(*arguments, **named)
            except RuntimeError as error:
                # What the driver makes of a connection that is reset before it has looked at its socket.
                raise ConnectionResetError("the server broke the connection off at once") from error
        if task is not None and task.cancelling() > cancelled:
            # The driver's wait_for forgets a cancellation that comes when it has just connected (Python 3.11): whoever cancelled
            # would wait for ever.
            connection.close()
            raise asyncio.CancelledError
        return connection

    return connect
