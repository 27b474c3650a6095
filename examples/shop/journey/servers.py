"""The database servers of the journey, those of the tests, and new and empty databases on them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from sqlalchemy import URL, Row, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_SERVICES = Path(__file__).parents[3] / ".services"


@dataclass(frozen=True, slots=True)
class Stores:
    """URLs: the old shop, and the new one's two databases."""

    old: str
    new: str
    documents: str


def stores_named(name: str) -> Stores:
    """The databases NAME_old and NAME_new, and NAME of the documents, wherever the servers are."""
    mysql = _server("mariadb", given_by="PENSTOCK_TEST_MYSQL_URL")
    mongodb = _server("mongodb", given_by="PENSTOCK_TEST_MONGO_URL")
    # An address without a database logs in to admin, one with a database there.
    account = {"authSource": mongodb.database or "admin"} if mongodb.username else {}
    return Stores(
        old=_text(mysql.set(database=f"{name}_old")),
        new=_text(mysql.set(database=f"{name}_new")),
        documents=_text(mongodb.set(database=name, query={**account, **mongodb.query})),
    )


def make_empty(stores: Stores) -> None:
    """Whatever a journey before has left there is dropped."""
    drop(stores)
    for url in (stores.old, stores.new):
        asyncio.run(_execute(make_url(url).set(database=""), f"CREATE DATABASE {_name(url)} CHARACTER SET utf8mb4"))


def drop(stores: Stores) -> None:
    for url in (stores.old, stores.new):
        asyncio.run(_execute(make_url(url).set(database=""), f"DROP DATABASE IF EXISTS {_name(url)}"))
    with MongoClient[dict[str, object]](stores.documents) as client:
        client.drop_database(client.get_default_database().name)


def ask(url: str, query: str) -> Sequence[Row[Any]]:
    """One query of a MySQL store, without penstock."""
    return asyncio.run(_execute(make_url(url), query))


async def _execute(url: URL, statement: str) -> Sequence[Row[Any]]:
    engine = create_async_engine(url.set(drivername="mysql+asyncmy"), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("SET SESSION sql_notes = 0")  # a database that is not there is no news
        result = await connection.exec_driver_sql(statement)
        return result.all() if result.returns_rows else []


def _server(service: str, *, given_by: str) -> URL:
    """The server given by environment, else the one that scripts/services started for this checkout."""
    if given := os.environ.get(given_by):
        return make_url(given)
    started = _SERVICES / service / "url"
    if not started.exists():
        raise SystemExit(f"{service} is not running: scripts/services start, or set {given_by}")
    return make_url(started.read_text().strip())


def _name(url: str) -> str:
    return f"`{make_url(url).database}`"


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
