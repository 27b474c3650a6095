"""aiohttp, a semaphore, aiomysql, one UPDATE a row: what somebody who knows asyncio writes in an afternoon."""

import asyncio
import json
import sys

import aiohttp
import aiomysql

PAGE = """
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0 AND o.is_import = 0 AND o.id > %s ORDER BY o.id LIMIT 1000"""
MARK = "UPDATE orders SET is_import = 1 WHERE id = %s"
NOTE = "moved from the old shop, where it had been since it was placed; its history stays there and is not moved"
CONNECTIONS = 32


def body(row):
    _, order_no, total, created_at, name, email = row
    return {
        "orderNo": order_no,
        "total": float(total),
        "buyer": {"name": name, "email": email.lower()},
        "createdAt": f"{created_at:%Y-%m-%dT%H:%M:%S}+08:00",
        "note": NOTE,
    }


async def rows(pool):
    last = 0
    while True:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(PAGE, (last,))
            page = await cursor.fetchall()
        if not page:
            return
        for row in page:
            yield row
        last = page[-1][0]


async def move(row, session, pool, api):
    async with session.post(api, json=body(row)) as answer:
        answer.raise_for_status()
        if (await answer.json())["code"] != 0:
            raise RuntimeError(f"order {row[0]}: {await answer.text()}")
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute(MARK, (row[0],))


async def main(task):
    database = task["database"]
    semaphore = asyncio.Semaphore(task["in_flight"] + CONNECTIONS)  # room for those that are being marked

    async def move_and_make_room(row):
        try:
            await move(row, session, pool, task["api"])
        finally:
            semaphore.release()

    pool = await aiomysql.create_pool(
        host=database["host"],
        port=database["port"],
        user=database["user"],
        password=database["password"],
        db=database["name"],
        autocommit=True,
        maxsize=CONNECTIONS,
    )
    connector = aiohttp.TCPConnector(limit=task["in_flight"])
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        async for row in rows(pool):
            await semaphore.acquire()
            tasks.create_task(move_and_make_room(row))
    pool.close()
    await pool.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
