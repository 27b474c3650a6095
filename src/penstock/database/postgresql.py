"""Sessions on PostgreSQL, with the settings that penstock's protocol rests on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from penstock.database.postgresql_values import set_codecs
from penstock.database.urls import tls_options
from penstock.errors import JobError

_PORT = 5432

# Set by one statement rather than at the start of the session: a pooler passes it on. Text forms do not depend on whose database
# it is, nor does where a text ends: penstock reads queries as the standard says. Short lock waits: a guest does not queue in the
# old database. What nobody waits for any more must not run on, nor may a process that is frozen hold locks for ever; but the
# server must not cut sessions that are merely idle. Compiling (jit) costs more than the short statements that penstock sends, and
# is chosen by estimates. Plans are made for the tables as they are now: those of a ledger that was empty a minute ago would read
# all of it. A commit is on the disk before it is told.
_SESSION = """
SELECT set_config(name, value, FALSE) FROM (VALUES
  ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'),
  ('standard_conforming_strings', 'on'), ('lock_timeout', '5s'), ('statement_timeout', '300s'),
  ('idle_in_transaction_session_timeout', '300s'),
  ('idle_session_timeout', '0'), ('jit', 'off'), ('plan_cache_mode', 'force_custom_plan'),
  ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
    ELSE current_setting('synchronous_commit') END)
) AS wanted (name, value)
WHERE current_setting(name, TRUE) IS NOT NULL
"""

_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


def postgresql_engine(
    url: URL, folder: str, isolation_level: str, connections: int, connect_seconds: float
) -> AsyncEngine:
    """Raises JobError for TLS options that cannot be met."""
    encryption = _encryption(tls_options(url, folder))
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg", query={}, port=url.port or _PORT, host=url.host or "127.0.0.1"),
        connect_args={
            "ssl": encryption,
            "server_settings": {"application_name": "penstock"},
            "async_creator_fn": _driver_connect(connect_seconds),
        },
        pool_size=connections,
        max_overflow=2,
        pool_timeout=30.0,
        pool_recycle=1800,
        isolation_level=isolation_level,
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,  # see `Database.writing`: every transaction is ended by whoever began it
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare_values(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.run_async(set_codecs)  # after SQLAlchemy has set its own

    return engine


def _driver_connect(seconds: float) -> Callable[..., Awaitable[object]]:
    async def connect(**named: Any) -> object:
        # Name look-up, TCP, TLS, password, settings: all of it within the limit.
        async with asyncio.timeout(seconds):
            connection = await asyncpg.connect(**named, timeout=seconds)
            try:
                await connection.fetch(_SESSION)
            except BaseException:
                connection.terminate()
                raise
            return connection

    return connect


def _encryption(options: dict[str, str]) -> ssl.SSLContext | str | bool:
    """As PostgreSQL's own programs understand `sslmode`. A certificate authority that is named is checked, name and all."""
    authority = options.get("sslrootcert") or options.get("ssl_ca")
    certificate = options.get("sslcert") or options.get("ssl_cert")
    key = options.get("sslkey") or options.get("ssl_key")
    mode = options.get("sslmode") or _default_mode(authority, certificate, options.get("ssl_check_hostname", "true"))
    if mode not in _MODES:
        raise JobError(f"the postgresql URL says sslmode={mode}, which is none; use one of {', '.join(_MODES)}")
    if mode == "disable":
        return False
    if mode == "prefer":
        return mode
    try:
        context = ssl.create_default_context(cafile=None if authority == "system" else authority)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise JobError(f"the certificate files that the postgresql URL names cannot be used: {error}") from error
    context.check_hostname = mode == "verify-full"
    if mode == "require" and not authority:
        context.verify_mode = ssl.CERT_NONE
    return context


def _default_mode(authority: str | None, certificate: str | None, check_hostname: str) -> str:
    if authority:
        return "verify-full" if check_hostname.lower() in {"true", "1"} else "verify-ca"
    return "require" if certificate else "prefer"
