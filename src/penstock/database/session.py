"""What every new session of an engine begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


def run_on_connect(engine: AsyncEngine, statements: Sequence[str]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_session(dbapi_connection: Any, _record: object) -> None:
        cursor = dbapi_connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
