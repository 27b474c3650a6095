"""The databases that the fixtures promise: new, empty, and taken away afterwards."""

from __future__ import annotations

from pymongo import AsyncMongoClient
from sqlalchemy import inspect, make_url
from sqlalchemy.ext.asyncio import create_async_engine

_DRIVERS = {"mysql": "mysql+asyncmy", "postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}


async def _tables(url: str) -> list[str]:
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername=_DRIVERS[parsed.drivername]))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    finally:
        await engine.dispose()


async def test_each_test_gets_an_empty_database(database_url: str) -> None:
    assert await _tables(database_url) == []


def test_a_plain_test_can_use_the_same_databases(database_url: str) -> None:
    assert make_url(database_url).database


async def test_each_test_gets_a_database_without_documents(mongodb_url: str) -> None:
    async with AsyncMongoClient[dict[str, object]](mongodb_url) as client:
        assert await client.get_default_database().list_collection_names() == []
        await client.get_default_database()["things"].insert_one({})
