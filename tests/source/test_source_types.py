"""Texts that are none, and forms of numbers. What becomes of each type: tests/data."""

from __future__ import annotations

import gc
import sqlite3
import struct
from contextlib import closing
from datetime import timedelta

import pytest
from tests.source.worlds import World

from penstock.errors import JobError
from penstock.rows import Unreadable, time_text
from penstock.source.mysql_types import shortest_single


async def test_date_times_need_a_zone(mariadb: World) -> None:
    await mariadb.run("CREATE TABLE t (id INT PRIMARY KEY, v DATETIME)")
    with pytest.raises(JobError, match=r"source.timezone is missing: 'v' hold"):
        await mariadb.open("SELECT id, v FROM t")


@pytest.mark.parametrize("query", ["SELECT id, a, b, c FROM t", "SELECT DISTINCT id, a, b, c FROM t"])
async def test_bytes_that_are_no_text_spoil_their_own_value_only(mariadb: World, query: str) -> None:
    await mariadb.run(
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET utf8mb3, b VARBINARY(9),"
        " c VARCHAR(9) CHARACTER SET latin1)",
        "INSERT INTO t VALUES (1, 'fine', x'FF41', 'é'), (3, NULL, NULL, NULL)",
        # Half of a surrogate pair, which the server takes for a character of three bytes.
        "INSERT INTO t VALUES (2, CONVERT(x'41EDA080' USING utf8mb3), x'C3A9', 'ü')",
    )
    first, second, third = await mariadb.rows(query)
    assert first.values == (1, "fine", b"\xffA", "é")
    assert isinstance(second.values[1], Unreadable)
    assert second.values[2:] == (b"\xc3\xa9", "ü")
    assert third.values == (3, None, None, None)


async def test_bytes_that_are_no_text_spoil_their_own_value_only_on_sqlite(sqlite: World) -> None:
    await sqlite.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w TEXT)",
        "INSERT INTO t VALUES (1, CAST(x'E941' AS TEXT), 'é'), (2, 'fine', CAST(x'FF' AS TEXT)), (3, x'FF', 'x'), (4, 4, NULL)",
    )
    first, second, third, fourth = await sqlite.rows("SELECT id, v, w FROM t")
    assert isinstance(first.values[1], Unreadable)
    assert first.values[2] == "é"
    assert second.values[1] == "fine"
    assert isinstance(second.values[2], Unreadable)
    assert third.values == (3, b"\xff", "x")
    assert fourth.values == (4, 4, None)


@pytest.mark.parametrize(
    ("stored", "short"), [(0.1, 0.1), (3.4028234663852886e38, 3.4028235e38), (0.0, 0.0), (-2.5, -2.5)]
)
def test_the_shortest_form_of_a_single_is_found(stored: float, short: float) -> None:
    [single] = struct.unpack("f", struct.pack("f", stored))
    assert shortest_single(single) == short


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(hours=25, minutes=6, seconds=17), "25:06:17"),
        (timedelta(seconds=-1), "-00:00:01"),
        (timedelta(microseconds=-500000), "-00:00:00.500000"),
        (timedelta(), "00:00:00"),
    ],
)
def test_lengths_of_time_are_written_as_the_database_does(length: timedelta, text: str) -> None:
    assert time_text(length) == text


async def test_a_text_that_is_none_leaves_no_lock_behind_on_sqlite(sqlite: World) -> None:
    await sqlite.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, CAST(x'FF' AS TEXT)), (2, 'fine')"
    )
    gc.disable()  # which would take the lock away sooner or later
    try:
        assert len(await sqlite.rows("SELECT id, v FROM t")) == 2
        with closing(sqlite3.connect(sqlite.database.address, timeout=0.0)) as other, other:
            other.execute("UPDATE t SET v = 'mended' WHERE id = 1")
    finally:
        gc.enable()
    assert [row.values[1] for row in await sqlite.rows("SELECT id, v FROM t")] == ["mended", "fine"]
