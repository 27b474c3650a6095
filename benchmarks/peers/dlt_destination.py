"""dlt with a custom destination, which is its way of calling an API. The second argument says how it posts:

    requests   as many load jobs at once as requests may be in flight, each with a session of its own
    aiohttp    one load job, which has so many requests in flight itself

dlt keeps no record of single rows: each call of the destination marks its rows in one statement when all are accepted.
"""

import asyncio
import json
import os
import sys
from math import ceil

import aiohttp
import dlt
import pymysql
import requests

PAGE = """
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0 AND o.is_import = 0 AND o.id > %s ORDER BY o.id LIMIT 1000"""
NOTE = "moved from the old shop, where it had been since it was placed; its history stays there and is not moved"


def connect(database):
    return pymysql.connect(
        host=database["host"],
        port=database["port"],
        user=database["user"],
        password=database["password"],
        database=database["name"],
        autocommit=True,
    )


def rows(database):
    """A page at a time: dlt takes lists of rows much faster than single ones."""
    columns, last = ("id", "order_no", "total", "created_at", "name", "email"), 0
    with connect(database) as connection, connection.cursor() as cursor:
        while cursor.execute(PAGE, (last,)):
            page = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            last = page[-1]["id"]
            yield page


def mark(database, items):
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET is_import = 1 WHERE id IN %s", ([item["id"] for item in items],))


def body(item):
    return {
        "orderNo": item["order_no"],
        "total": float(item["total"]),
        "buyer": {"name": item["name"], "email": item["email"].lower()},
        "createdAt": f"{item['created_at']:%Y-%m-%dT%H:%M:%S}+08:00",
        "note": NOTE,
    }


def post_one_by_one(items, api):
    with requests.Session() as session:
        for item in items:
            answer = session.post(api, json=body(item), timeout=30)
            answer.raise_for_status()
            if answer.json()["code"] != 0:
                raise RuntimeError(f"order {item['id']}: {answer.text}")


async def post_many_at_once(items, api, in_flight):
    remaining = iter(items)

    async def post_on(session):
        for item in remaining:
            async with session.post(api, json=body(item)) as answer:
                answer.raise_for_status()
                if (await answer.json())["code"] != 0:
                    raise RuntimeError(f"order {item['id']}: {await answer.text()}")

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        await asyncio.gather(*(post_on(session) for _ in range(in_flight)))


def main(task, by):
    database, api, in_flight = task["database"], task["api"], task["in_flight"]
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM orders WHERE deleted = 0 AND is_import = 0")
        [count] = cursor.fetchone()

    at_once = in_flight if by == "requests" else 1
    rows_a_job = min(ceil(count / at_once), 1000) if by == "requests" else 5000
    dlt.config["load.workers"] = at_once
    dlt.config["normalize.data_writer.file_max_items"] = rows_a_job

    @dlt.destination(batch_size=rows_a_job, skip_dlt_columns_and_tables=True, max_parallel_load_jobs=at_once)
    def orders_api(items, table):
        if by == "requests":
            post_one_by_one(items, api)
        else:
            asyncio.run(post_many_at_once(items, api, in_flight))
        mark(database, items)

    pipeline = dlt.pipeline("orders", destination=orders_api, pipelines_dir=os.path.abspath("pipelines"))
    pipeline.run(rows(database), table_name="orders").raise_on_failed_jobs()


if __name__ == "__main__":
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    main(json.loads(sys.argv[1]), sys.argv[2])
