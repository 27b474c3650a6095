"""What becomes of each type. docs/reference/types.md is the table for people."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.source.worlds import World, world_at

from penstock.errors import JobError
from penstock.rows import Unreadable, time_text
from penstock.source.mysql_types import shortest_single

SHANGHAI = ZoneInfo("Asia/Shanghai")

MYSQL_VALUES = {
    "bool": ("BOOL", "2", 2),
    "bigint": ("BIGINT UNSIGNED", "18446744073709551615", 18446744073709551615),
    "decimal": ("DECIMAL(30,10)", "'12345678901234567890.0123456789'", Decimal("12345678901234567890.0123456789")),
    "decimal keeps its zeros": ("DECIMAL(10,2)", "1.1", Decimal("1.10")),
    "float": ("FLOAT", "5.2", 5.2),
    "float with all its digits": ("FLOAT", "1.23456789", 1.2345679),
    "large float": ("FLOAT", "16777217", 16777216.0),
    "double": ("DOUBLE", "0.1", 0.1),
    "text": ("TEXT", "'naïve 😀 \\\\ ?%s'", "naïve 😀 \\ ?%s"),
    "latin1": ("VARCHAR(9) CHARACTER SET latin1", "'é'", "é"),
    "blob": ("BLOB", "x'00FF27'", b"\x00\xff'"),
    "date": ("DATE", "'2024-02-29'", date(2024, 2, 29)),
    "datetime": ("DATETIME(3)", "'2024-02-29 01:02:03.5'", datetime(2024, 2, 29, 1, 2, 3, 500000, SHANGHAI)),
    "timestamp": ("TIMESTAMP NULL", "'2024-02-29 01:02:03'", datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)),
    "time": ("TIME", "'-838:59:59'", "-838:59:59"),
    "time with a fraction": ("TIME(3)", "'01:02:03.25'", "01:02:03.250000"),
    "year": ("YEAR", "1999", 1999),
    "bit": ("BIT(10)", "b'1000000001'", 513),
    "enum": ("ENUM('x','y')", "'y'", "y"),
    "set": ("SET('p','q','r')", "'r,p'", ("p", "r")),
    "empty set": ("SET('p','q')", "''", ()),
    "json": ("JSON", """'{"a": 1.0, "big": 12345678901234567890123, "n": null, "t": [true, "x"]}'""", None),
    "uuid": ("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    "inet": ("INET6", "'::1'", "::1"),
    "geometry": ("GEOMETRY", "POINT(1, 2)", None),
}
JSON = {"a": Decimal("1.0"), "big": 12345678901234567890123, "n": None, "t": [True, "x"]}


@pytest.mark.parametrize(("declared", "value", "expected"), MYSQL_VALUES.values(), ids=MYSQL_VALUES)
async def test_a_value_of_this_type_is_kept(mariadb: World, declared: str, value: str, expected: object) -> None:
    await mariadb.run(
        f"CREATE TABLE t (id INT PRIMARY KEY, v {declared})", f"INSERT INTO t VALUES (1, {value}), (2, NULL)"
    )
    if declared == "JSON":
        expected = JSON
    for query in ("SELECT id, v FROM t", "SELECT DISTINCT id, v FROM t"):
        rows = await mariadb.rows(query, timezone="Asia/Shanghai")
        assert [row.values[0] for row in rows] == [1, 2]
        assert rows[1].values[1] is None
        found = rows[0].values[1]
        if declared == "GEOMETRY":
            assert isinstance(found, bytes)
        else:
            assert found == expected
            assert type(found) is type(expected)


async def test_a_moment_is_shown_in_the_jobs_zone_and_in_utc_without_one(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (id INT PRIMARY KEY, v TIMESTAMP)", "INSERT INTO t VALUES (1, '2024-02-29 01:02:03')"
    )
    for name, text in ((None, "2024-02-29T01:02:03+00:00"), ("Asia/Shanghai", "2024-02-29T09:02:03+08:00")):
        [row] = await mariadb.rows("SELECT id, v FROM t", timezone=name)
        assert isinstance(row.values[1], datetime)
        assert row.values[1].isoformat() == text


async def test_the_hour_that_exists_twice_is_told_apart(mariadb: World) -> None:
    await mariadb.run(
        "CREATE TABLE t (id INT PRIMARY KEY, v TIMESTAMP)",
        "INSERT INTO t VALUES (1, '2024-10-27 00:30:00'), (2, '2024-10-27 01:30:00')",
    )
    rows = await mariadb.rows("SELECT id, v FROM t", timezone="Europe/Athens")
    moments = [row.values[1] for row in rows if isinstance(row.values[1], datetime)]
    assert [moment.isoformat() for moment in moments] == ["2024-10-27T03:30:00+03:00", "2024-10-27T03:30:00+02:00"]


async def test_date_times_need_a_zone(mariadb: World) -> None:
    await mariadb.run("CREATE TABLE t (id INT PRIMARY KEY, v DATETIME)")
    with pytest.raises(JobError, match=r"source.timezone is missing: 'v' hold"):
        await mariadb.open("SELECT id, v FROM t")


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("DATE", "0000-00-00"),
        ("DATE", "2016-00-00"),
        ("DATETIME", "0000-00-00 00:00:00"),
        ("TIMESTAMP", "0000-00-00 00:00:00"),
    ],
)
async def test_zero_dates_follow_the_jobs_rule(mariadb: World, declared: str, value: str) -> None:
    async with world_at(mariadb.url) as careless, careless.database.writing() as connection:
        await connection.exec_driver_sql(f"CREATE TABLE t (id INT PRIMARY KEY, v {declared})")
        await connection.exec_driver_sql("SET SESSION sql_mode = ''")
        await connection.exec_driver_sql(f"INSERT INTO t VALUES (1, '{value}')")
    [failing] = await mariadb.rows("SELECT id, v FROM t", timezone="UTC")
    [unreadable] = failing.values[1:]
    assert isinstance(unreadable, Unreadable)
    assert f"'{value}' is no date; set source.zero_dates: null" in unreadable.reason
    [null] = await mariadb.rows("SELECT id, v FROM t", timezone="UTC", zero_dates="null")
    assert null.values[1] is None


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


SQLITE_VALUES = {
    "integer": ("INTEGER", "9223372036854775807", 9223372036854775807),
    "real": ("REAL", "5.2", 5.2),
    "text": ("TEXT", "'naïve 😀'", "naïve 😀"),
    "blob": ("BLOB", "x'00FF'", b"\x00\xff"),
    "decimal": ("DECIMAL(10,2)", "12.5", Decimal("12.50")),
    "whole decimal": ("NUMERIC(10,2)", "12", Decimal("12.00")),
    "decimal with more digits": ("DECIMAL(10,2)", "12.345", Decimal("12.345")),
    "date": ("DATE", "'2024-02-29'", date(2024, 2, 29)),
    "datetime": ("DATETIME", "'2024-02-29 01:02:03'", datetime(2024, 2, 29, 1, 2, 3, tzinfo=SHANGHAI)),
    "datetime with a zone": (
        "DATETIME",
        "'2024-02-29T01:02:03+01:00'",
        datetime(2024, 2, 29, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))),
    ),
    "a date kept as a number": ("DATE", "1709168523", 1709168523),
    "json": ("JSON", """'{"a": 1.0}'""", {"a": Decimal("1.0")}),
    "no type": ("", "'x'", "x"),
    "boolean": ("BOOLEAN", "TRUE", 1),
}


@pytest.mark.parametrize(("declared", "value", "expected"), SQLITE_VALUES.values(), ids=SQLITE_VALUES)
async def test_a_value_of_this_type_is_kept_on_sqlite(
    sqlite: World, declared: str, value: str, expected: object
) -> None:
    await sqlite.run(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})", f"INSERT INTO t VALUES (1, {value}), (2, NULL)"
    )
    for query in ("SELECT id, v FROM t", "SELECT q.id, q.v AS v FROM (SELECT * FROM t) AS q"):
        rows = await sqlite.rows(query, timezone="Asia/Shanghai")
        assert [row.values for row in rows] == [(1, expected), (2, None)]
        assert type(rows[0].values[1]) is type(expected)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0000-00-00", "set source.zero_dates"),
        ("31.12.2024", "no date of the calendar"),
        ("2023-02-30", "no date of the calendar"),
    ],
)
async def test_a_text_that_is_no_date_is_told_on_sqlite(sqlite: World, value: str, says: str) -> None:
    await sqlite.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v DATE)", f"INSERT INTO t VALUES (1, '{value}')")
    [row] = await sqlite.rows("SELECT id, v FROM t")
    unreadable = row.values[1]
    assert isinstance(unreadable, Unreadable)
    assert says in unreadable.reason


async def test_json_that_is_none_is_told(sqlite: World) -> None:
    await sqlite.run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v JSON)", "INSERT INTO t VALUES (1, '{oops'), (2, '[NaN]')"
    )
    for row in await sqlite.rows("SELECT id, v FROM t"):
        assert isinstance(row.values[1], Unreadable)


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
