"""Threads, one lock, requests, one UPDATE a row: the script that is written on a Friday evening, and that penstock replaces.

The connection is shared, and no driver lets two threads use one at once, so there is a lock.
The second argument says how it is held:

    step        from reading a row until it is marked, so that no row is taken twice: the script as one finds it
    statement   for each statement alone, rows read in pages: the script after a good review
"""

import json
import sys
from collections import deque
from threading import Lock, Thread

import pymysql
import requests

PAGE = """
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0 AND o.is_import = 0 AND o.id > %s ORDER BY o.id LIMIT %s"""
MARK = "UPDATE orders SET is_import = 1 WHERE id = %s"
NOTE = "moved from the old shop, where it had been since it was placed; its history stays there and is not moved"


class Shop:
    """The rows that are left, and a mark for each; to be used by one thread at a time."""

    def __init__(self, connection, page):
        self._connection = connection
        self._cursor = connection.cursor()
        self._page = page
        self._waiting = deque()
        self._last = 0

    def next_row(self):
        if not self._waiting:
            self._cursor.execute(PAGE, (self._last, self._page))
            self._waiting.extend(self._cursor.fetchall())
        if not self._waiting:
            return None
        row = self._waiting.popleft()
        self._last = row[0]
        return row

    def mark(self, key):
        self._cursor.execute(MARK, (key,))
        self._connection.commit()


def body(row):
    _, order_no, total, created_at, name, email = row
    return {
        "orderNo": order_no,
        "total": float(total),
        "buyer": {"name": name, "email": email.lower()},
        "createdAt": f"{created_at:%Y-%m-%dT%H:%M:%S}+08:00",
        "note": NOTE,
    }


def post(session, api, row):
    answer = session.post(api, json=body(row), timeout=30)
    answer.raise_for_status()
    if answer.json()["code"] != 0:
        raise RuntimeError(f"order {row[0]}: {answer.text}")


def with_the_whole_step_locked(shop, lock, api):
    session = requests.Session()
    while True:
        with lock:
            row = shop.next_row()
            if row is None:
                return
            post(session, api, row)
            shop.mark(row[0])


def with_each_statement_locked(shop, lock, api):
    session = requests.Session()
    while True:
        with lock:
            row = shop.next_row()
        if row is None:
            return
        post(session, api, row)
        with lock:
            shop.mark(row[0])


def main(task, held):
    database = task["database"]
    connection = pymysql.connect(
        host=database["host"],
        port=database["port"],
        user=database["user"],
        password=database["password"],
        database=database["name"],
    )
    work, page = {"step": (with_the_whole_step_locked, 1), "statement": (with_each_statement_locked, 1000)}[held]
    shop, lock = Shop(connection, page), Lock()
    threads = [Thread(target=work, args=(shop, lock, task["api"])) for _ in range(task["in_flight"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
