"""The MySQL store of the service: orders with their items, payments, and the keys of requests that were honoured."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

TABLES = (
    """CREATE TABLE IF NOT EXISTS orders (
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, external_id VARCHAR(40) NOT NULL, customer_id BIGINT UNSIGNED NOT NULL,
        contact VARCHAR(200) NOT NULL, status VARCHAR(10) NOT NULL, currency CHAR(3) NOT NULL, shipping DECIMAL(12, 2) NOT NULL,
        total DECIMAL(12, 2) NOT NULL, note VARCHAR(2000) NULL, placed_at DATETIME NOT NULL, shipped_at DATETIME NULL,
        UNIQUE KEY external_id (external_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin""",
    """CREATE TABLE IF NOT EXISTS order_items (
        order_id BIGINT UNSIGNED NOT NULL, line SMALLINT UNSIGNED NOT NULL, sku VARCHAR(40) NOT NULL,
        quantity INT UNSIGNED NOT NULL, unit_price DECIMAL(12, 2) NOT NULL, PRIMARY KEY (order_id, line)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin""",
    """CREATE TABLE IF NOT EXISTS payments (
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, external_id BIGINT UNSIGNED NOT NULL, order_id BIGINT UNSIGNED NOT NULL,
        method VARCHAR(20) NOT NULL, amount DECIMAL(12, 2) NOT NULL, paid_at DATETIME NOT NULL, reference VARCHAR(100) NULL,
        UNIQUE KEY external_id (external_id), KEY order_id (order_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin""",
    # fingerprint: of the request. result: the id that it was answered.
    """CREATE TABLE IF NOT EXISTS idempotency_keys (
        idempotency_key VARBINARY(200) PRIMARY KEY, fingerprint BINARY(32) NOT NULL, result BIGINT UNSIGNED NOT NULL,
        created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    ) ENGINE = InnoDB""",
)


def open_mysql(url: str) -> AsyncEngine:
    return create_async_engine(
        make_url(url).set(drivername="mysql+asyncmy"),
        isolation_level="READ COMMITTED",
        pool_size=32,
        pool_reset_on_return=None,  # every use is a transaction that ends; a ROLLBACK more would be a round trip for nothing
    )


async def make_tables(url: str) -> None:
    engine = open_mysql(url)
    try:
        async with engine.begin() as connection:
            for table in TABLES:
                await connection.exec_driver_sql(table)
    finally:
        await engine.dispose()


async def _engine(request: Request) -> AsyncEngine:
    # async, though it waits for nothing: FastAPI gives a thread to each plain function.
    engine: AsyncEngine = request.app.state.mysql
    return engine


Mysql = Annotated[AsyncEngine, Depends(_engine)]
