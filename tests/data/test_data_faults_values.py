"""Faults of values, by their ids (docs/reference/data-faults.md), each through a whole run: what arrives at the API to the byte,
and what becomes of the rows whose value has no form."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from tests.data.mariadb_types import MARIADB
from tests.data.moving import Move, moving
from tests.data.sqlite_types import SQLITE
from tests.data.type_cases import Section
from tests.source.worlds import World, world_at

from penstock.errors import JobError
from penstock.insights.check import Grade
from penstock.ledger.states import RowState
from penstock.wiring import check_job

SIXTEEN_MB = 16_000_000


async def store(world: World, declared: str, *values: str, careless: bool = False) -> None:
    """Rows 1, 2, ... of a table `t` with these values, written as SQL."""
    async with world_at(world.url) as old, old.database.writing() as connection:
        if careless:
            await connection.exec_driver_sql("SET SESSION sql_mode = ''")
        await connection.exec_driver_sql(f"CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v {declared})")
        for n, value in enumerate(values, 1):
            await connection.exec_driver_sql(old.verbatim(f"INSERT INTO t VALUES ({n}, {value})"))


def arrived(move: Move) -> Mapping[int, str]:
    """By row: what stood in the body for `v`, as it was written."""
    bodies = {asked.order: asked.content.partition(b"\r\n\r\n")[2].decode() for asked in move.api.asked}
    return {n: body.removeprefix(f'{{"id":{n},"v":').removesuffix("}") for n, body in bodies.items()}


async def check_sent(
    folder: Path, world: World, expected: Mapping[int, str], *, timezone: str | None = None, zero_dates: str = "fail"
) -> None:
    query = "SELECT n, n AS id, v FROM t"
    body = {"id": "{{ id }}", "v": "{{ v }}"}
    async with moving(folder, world, query, "n", body=body, timezone=timezone, zero_dates=zero_dates) as move:
        await move.check_that_each_row_arrived_once()
        assert arrived(move) == expected


async def check_failed(folder: Path, world: World, reason: str, *, failing: set[int], zero_dates: str = "fail") -> None:
    """These rows fail with this reason, which names the column; all others arrive."""
    query = "SELECT n, n AS id, v FROM t"
    body = {"id": "{{ id }}", "v": "{{ v }}"}
    async with moving(folder, world, query, "n", body=body, timezone="UTC", zero_dates=zero_dates) as move:
        await move.run()
        rows = await move.rows()
        assert {int(key) for key, row in rows.items() if row.state is RowState.FAILED} == failing
        for key in failing:
            assert reason in (rows[str(key)].reason or "")
            assert 'column "v"' in (rows[str(key)].reason or "")
        rest = await move.numbers() - failing
        assert move.api.applied == dict.fromkeys(rest, 1)
        assert await move.flagged() == rest


def types_of(sections: tuple[Section, ...]) -> list[str]:
    return list(dict.fromkeys(case.declared for section in sections for case in section.cases))


async def test_d1_null_of_every_type_is_null_and_neither_empty_text_nor_zero(tmp_path: Path, either: World) -> None:
    types = types_of(SQLITE if either.is_sqlite else MARIADB)
    columns = ", ".join(f"c{at} {declared} NULL" for at, declared in enumerate(types))
    await either.run(
        f"CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, empty VARCHAR(9), zero INTEGER, {columns})",
        "INSERT INTO t (n, empty, zero) VALUES (1, '', 0), (2, NULL, NULL)",
    )
    async with moving(tmp_path, either, "SELECT n AS id, t.* FROM t", "n", timezone="UTC") as move:
        await move.check_that_each_row_arrived_once()
        bodies = {asked.order: json.loads(asked.content.partition(b"\r\n\r\n")[2]) for asked in move.api.asked}
    nulls = {f"c{at}": None for at in range(len(types))}
    flag = {name: bodies[1].pop(name) for name in ("is_import",) if name in bodies[1]}
    assert set(flag.values()) <= {0}
    assert bodies[1] == {"id": 1, "n": 1, "empty": "", "zero": 0} | nulls
    assert {name: value for name, value in bodies[2].items() if value is not None}.keys() <= {"id", "n", "is_import"}


async def test_d2_a_decimal_keeps_every_digit(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "DECIMAL(30,10)", "'12345678901234567890.0123456789'", "-0.1", "1000")
    await check_sent(
        tmp_path, mariadb, {1: "12345678901234567890.0123456789", 2: "-0.1000000000", 3: "1000.0000000000"}
    )


async def test_d2_a_decimal_of_sqlite_keeps_the_digits_that_its_column_declares(tmp_path: Path, sqlite: World) -> None:
    await store(sqlite, "DECIMAL(10,2)", "12.5", "7", "0.05")
    await check_sent(tmp_path, sqlite, {1: "12.50", 2: "7.00", 3: "0.05"})


async def test_d3_an_unsigned_bigint_keeps_every_digit(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "BIGINT UNSIGNED", "18446744073709551615", "9007199254740993", "0")
    await check_sent(tmp_path, mariadb, {1: "18446744073709551615", 2: "9007199254740993", 3: "0"})


async def test_d4_a_float_goes_out_in_its_shortest_exact_form(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "FLOAT", "1.23456789", "5.2", "16777217", "1e-45", "0")
    await check_sent(tmp_path, mariadb, {1: "1.2345679", 2: "5.2", 3: "16777216.0", 4: "1e-45", 5: "0.0"})


async def test_d5_zero_dates_fail_their_rows_and_no_others(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "DATE", "'0000-00-00'", "'2024-02-29'", "'2016-00-00'", "NULL", careless=True)
    await check_failed(tmp_path, mariadb, "is no date; set source.zero_dates: null", failing={1, 3})


async def test_d5_zero_dates_are_null_where_the_job_says_so(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "DATETIME", "'0000-00-00'", "'2016-00-00'", "'2024-02-29'", careless=True)
    expected = {1: "null", 2: "null", 3: '"2024-02-29T00:00:00+00:00"'}
    await check_sent(tmp_path, mariadb, expected, timezone="UTC", zero_dates="null")


async def test_d6_a_time_may_be_longer_than_a_day_and_less_than_nothing(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "TIME(6)", "'838:59:59'", "'-838:59:59'", "'-00:00:00.000001'", "'24:00:00'")
    expected = {1: '"838:59:59"', 2: '"-838:59:59"', 3: '"-00:00:00.000001"', 4: '"24:00:00"'}
    await check_sent(tmp_path, mariadb, expected)


async def test_d7_the_hour_that_comes_twice_is_told_apart(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "TIMESTAMP NULL", "'2024-10-27 00:30:00'", "'2024-10-27 01:30:00'")
    expected = {1: '"2024-10-27T03:30:00+03:00"', 2: '"2024-10-27T03:30:00+02:00"'}
    await check_sent(tmp_path, mariadb, expected, timezone="Europe/Athens")


async def test_d7_a_server_in_another_zone_changes_nothing(tmp_path: Path, mariadb: World) -> None:
    async with world_at(mariadb.url) as old, old.database.writing() as connection:
        await connection.exec_driver_sql("SET SESSION time_zone = '+08:00'")
        await connection.exec_driver_sql("CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v TIMESTAMP NULL)")
        await connection.exec_driver_sql("INSERT INTO t VALUES (1, '2024-02-29 09:02:03')")
    await check_sent(tmp_path, mariadb, {1: '"2024-02-29T01:02:03+00:00"'})


async def test_d8_date_times_of_no_zone_are_refused_before_anything_is_made_or_sent(
    tmp_path: Path, either: World
) -> None:
    await store(either, "DATETIME", "'2024-02-29 01:02:03'")
    before = await tables_of(either)
    with pytest.raises(
        JobError, match=r"source.timezone is missing: 'v' hold date-times without a zone; write timezone:"
    ):
        async with moving(tmp_path, either, "SELECT n, n AS id, v FROM t", timezone=None):
            pass
    assert await tables_of(either) == before


async def tables_of(world: World) -> object:
    """Every table with its columns."""
    if world.is_sqlite:
        return await world.fetch("SELECT name, sql FROM sqlite_schema ORDER BY name")
    return await world.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2"
    )


ANY_TEXT = ("naïve ❤️ 😀", "e\u0301", "\u05e9\u05dc\u05d5\u05dd\u200e!", "a\0b", "\ufeff", "\u2028", '"\\/', "")


async def test_d9_text_arrives_as_it_is(tmp_path: Path, either: World) -> None:
    hexes = [text.encode().hex() for text in ANY_TEXT]
    await store(
        either,
        "TEXT" if either.is_sqlite else "VARCHAR(40) COLLATE utf8mb4_bin",
        *(f"CAST(x'{each}' AS TEXT)" if either.is_sqlite else f"CONVERT(x'{each}' USING utf8mb4)" for each in hexes),
    )
    async with moving(tmp_path, either, "SELECT n, n AS id, v FROM t", "n") as move:
        await move.check_that_each_row_arrived_once()
        assert {n: json.loads(value) for n, value in arrived_rows(move).items()} == dict(enumerate(ANY_TEXT, 1))


def arrived_rows(move: Move) -> Mapping[int, str]:
    """As `arrived`, where the whole row was sent."""
    bodies = {asked.order: json.loads(asked.content.partition(b"\r\n\r\n")[2]) for asked in move.api.asked}
    return {n: json.dumps(body["v"]) for n, body in bodies.items()}


async def test_d9_half_of_a_surrogate_pair_fails_its_row_and_no_other(tmp_path: Path, sqlite: World) -> None:
    await store(sqlite, "JSON", r"""'"\ud83d"'""", r"""'"\ud83d\ude00"'""")
    await check_failed(tmp_path, sqlite, "half of a surrogate pair", failing={1})


async def test_d10_text_encoded_twice_is_told_by_check_and_read_as_meant_by_the_query_it_shows(
    tmp_path: Path, mariadb: World
) -> None:
    # As a client did that said latin1 and sent UTF-8.
    meant = {1: "Müller", 2: "漢字", 3: "plain", 4: "à la carte – € 5"}
    written = [f"CONVERT(x'{text.encode().hex()}' USING latin1)" for text in meant.values()]
    await store(mariadb, "VARCHAR(40)", *written)
    async with moving(tmp_path, mariadb, "SELECT n, n AS id, v FROM t", "n") as move:
        report = await check_job(move.job, file="move.yaml", deep=False)
    [finding] = [finding for finding in report.findings if finding.subject == "text"]
    assert finding.grade is Grade.WARNING
    assert "v looks encoded twice in 3 of 3 texts beyond ASCII (among the first 4 rows)" in finding.text
    assert "'MÃ¼ller', perhaps meant as 'Müller'" in finding.text
    mended = finding.way_out.rpartition(": ")[2]
    async with moving(tmp_path, mariadb, f"SELECT n, n AS id, {mended} FROM t", "n") as move:
        await move.check_that_each_row_arrived_once()
        assert {n: json.loads(value) for n, value in arrived_rows(move).items()} == meant


async def test_d10_text_that_is_well_is_not_suspected(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "VARCHAR(40)", "'Müller'", "'漢字'", "'plain'", "NULL")
    async with moving(tmp_path, mariadb, "SELECT n, n AS id, v FROM t", "n") as move:
        report = await check_job(move.job, file="move.yaml", deep=False)
    assert "text" not in {finding.subject for finding in report.findings}


async def test_d11_bytes_that_are_no_text_fail_their_row_and_no_other(tmp_path: Path, either: World) -> None:
    if either.is_sqlite:
        await store(either, "TEXT", "'é'", "CAST(x'41FF' AS TEXT)", "'z'")
    else:
        await store(either, "VARCHAR(9) CHARACTER SET utf8mb3", "'é'", "CONVERT(x'41EDA080' USING utf8mb3)", "'z'")
    await check_failed(tmp_path, either, "the bytes stored there are no UTF-8 text", failing={2})


async def test_d12_a_blob_of_16_mb_arrives_whole(tmp_path: Path, either: World) -> None:
    if either.is_sqlite:
        await store(either, "BLOB", f"ZEROBLOB({SIXTEEN_MB})", "x'FF'")
        expected = bytes(SIXTEEN_MB)
    else:
        await store(either, "LONGBLOB", f"REPEAT(x'FF', {SIXTEEN_MB})", "x'FF'")
        expected = b"\xff" * SIXTEEN_MB
    async with moving(tmp_path, either, "SELECT n, n AS id, v FROM t", "n") as move:
        await move.check_that_each_row_arrived_once()
        assert base64.b64decode(json.loads(arrived_rows(move)[1])) == expected


async def test_d13_json_keeps_its_numbers_and_the_order_of_its_names(tmp_path: Path, mariadb: World) -> None:
    text = '{"z":1.0,"a":12345678901234567890123,"m":[0.10000000000000000001,true,null],"e":{"b":1,"a":2}}'
    await store(mariadb, "JSON", f"'{text}'", "'1.0'", """'""'""")
    await check_sent(tmp_path, mariadb, {1: text, 2: "1.0", 3: '""'})


async def test_d13_json_that_names_two_values_alike_fails_its_row(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "JSON", """'{"a":{"b":1,"b":2}}'""", """'{"a":1}'""")
    await check_failed(tmp_path, mariadb, "the name 'b' stands twice in one object", failing={1})


async def test_d14_enum_set_bit_year_and_geometry_have_one_form_each(tmp_path: Path, mariadb: World) -> None:
    declared = "e ENUM('x','y'), s SET('p','q'), b BIT(10), y YEAR, g GEOMETRY"
    async with world_at(mariadb.url) as old, old.database.writing() as connection:
        await connection.exec_driver_sql("SET SESSION sql_mode = ''")
        await connection.exec_driver_sql(f"CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, {declared})")
        await connection.exec_driver_sql("INSERT INTO t VALUES (1, 'nope', 'q,p', b'1000000001', 1999, POINT(1, 2))")
    async with moving(tmp_path, mariadb, "SELECT n, n AS id, e, s, b, y, g FROM t", "n") as move:
        await move.check_that_each_row_arrived_once()
        body = json.loads(move.api.asked[0].content.partition(b"\r\n\r\n")[2])
    shape = base64.b64decode(body.pop("g"))
    assert shape[:9] == bytes.fromhex("000000000101000000")  # no reference system, little endian, a point
    assert body == {"n": 1, "id": 1, "e": "", "s": ["p", "q"], "b": 513, "y": 1999}


async def test_d15_tinyint_1_is_the_integer_that_was_stored(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "TINYINT(1)", "2", "-1", "0", "TRUE")
    await check_sent(tmp_path, mariadb, {1: "2", 2: "-1", 3: "0", 4: "1"})


async def test_d15_and_the_mapping_may_call_it_true_or_false(tmp_path: Path, mariadb: World) -> None:
    await store(mariadb, "TINYINT(1)", "1", "0", "2")
    body = {"id": "{{ n }}", "v": "{{ v == 1 }}"}
    async with moving(tmp_path, mariadb, "SELECT n, v FROM t", "n", body=body) as move:
        await move.check_that_each_row_arrived_once()
        assert arrived(move) == {1: "true", 2: "false", 3: "false"}


async def test_generated_columns_are_read_as_any_other(tmp_path: Path, either: World) -> None:
    await either.run(
        "CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, price DECIMAL(8,2),"
        " v DECIMAL(9,2) GENERATED ALWAYS AS (price * 2) STORED)",
        "INSERT INTO t (n, price) VALUES (1, 1.25), (2, NULL)",
    )
    async with moving(tmp_path, either, "SELECT n, n AS id, v FROM t", "n") as move:
        await move.check_that_each_row_arrived_once()
        found = {
            asked.order: json.loads(asked.content.partition(b"\r\n\r\n")[2], parse_float=Decimal)
            for asked in move.api.asked
        }
    assert {n: str(body["v"]) for n, body in found.items()} == {1: "2.50", 2: "None"}
