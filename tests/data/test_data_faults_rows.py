"""Faults of single rows, by their ids (docs/reference/data-faults.md): what does not become a request fails that row alone, says
where and never the value; what looks dangerous arrives as it is, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.data.moving import Move, moving
from tests.source.worlds import World

from penstock.engine.stop import Ended
from penstock.ledger.states import RowState

QUERY = "SELECT n, n AS id, v FROM t"


async def store(world: World, texts: Iterable[str | None]) -> None:
    """Rows 1, 2, ... of a table `t` with these texts, given to the driver as values."""
    await world.run("CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v TEXT)")
    place = "?" if world.is_sqlite else "%s"
    async with world.database.writing() as connection:
        for n, text in enumerate(texts, 1):
            await connection.exec_driver_sql(f"INSERT INTO t VALUES ({place}, {place})", (n, text))


async def check_only_these_failed(move: Move, reasons: dict[int, str], *, hidden: str = "") -> None:
    """These rows failed, each for this reason and without a request; all others arrived. hidden: what no reason may show."""
    await move.run()
    rows = await move.rows()
    failed = {int(key): row for key, row in rows.items() if row.state is RowState.FAILED}
    assert failed.keys() == reasons.keys()
    for n, row in failed.items():
        assert reasons[n] in (row.reason or "")
        assert not hidden or hidden not in (row.reason or "")
        assert row.attempts == 0
    rest = await move.numbers() - failed.keys()
    assert move.api.applied == dict.fromkeys(rest, 1)
    assert await move.flagged() == rest
    assert {row.state for key, row in rows.items() if int(key) in rest} == {RowState.IMPORTED}


async def test_d29_a_row_that_the_mapping_fails_on_names_the_field_and_shows_no_value(
    tmp_path: Path, either: World
) -> None:
    await store(either, ["12", "secret-text", None, "7"])
    body = {"id": "{{ id }}", "buyer": {"size": "{{ v | int }}"}, "text": "no. {{ v }}"}
    async with moving(tmp_path, either, QUERY, "n", body=body) as move:
        await check_only_these_failed(
            move,
            {2: 'target.body.buyer.size (column "v")', 3: 'target.body.text (column "v"): NULL inside text'},
            hidden="secret",
        )


async def test_d30_a_row_whose_body_is_too_large_fails_with_its_size(tmp_path: Path, sqlite: World) -> None:
    await sqlite.run(
        "CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v BLOB)",
        "INSERT INTO t VALUES (1, ZEROBLOB(13000000)), (2, x'00')",
    )
    body = {"id": "{{ id }}", "v": ["{{ v }}", "{{ v }}", "{{ v }}", "{{ v }}"]}
    async with moving(tmp_path, sqlite, QUERY, "n", body=body) as move:
        await check_only_these_failed(move, {1: "body has 69,333,"})


async def test_d30_a_text_of_5_mb_is_not_too_large(tmp_path: Path, either: World) -> None:
    await either.run(f"CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v {'TEXT' if either.is_sqlite else 'LONGTEXT'})")
    text = "REPLACE(HEX(ZEROBLOB(2500000)), '0', 'x')" if either.is_sqlite else "REPEAT('x', 5000000)"
    await either.run(f"INSERT INTO t VALUES (1, {text})")
    async with moving(tmp_path, either, QUERY, "n") as move:
        await move.check_that_each_row_arrived_once()
        assert len(move.api.asked[0].content) > 5_000_000


DANGEROUS = (
    "{{ 7*7 }}",
    "{% for x in y %}",
    "${HOME}",
    "{# x #}",
    "{{ row }}",
    "%s %(x)s",
    "'; DROP TABLE t; --",
    "</script>",
)


async def test_d31_text_that_looks_like_an_expression_is_text(tmp_path: Path, either: World) -> None:
    await store(either, DANGEROUS)
    body = {"id": "{{ id }}", "alone": "{{ v }}", "within": "<{{ v }}>"}
    async with moving(tmp_path, either, QUERY, "n", body=body) as move:
        await move.check_that_each_row_arrived_once()
        bodies = {asked.order: json.loads(asked.content.partition(b"\r\n\r\n")[2]) for asked in move.api.asked}
    assert bodies == {n: {"id": n, "alone": text, "within": f"<{text}>"} for n, text in enumerate(DANGEROUS, 1)}


@pytest.mark.parametrize("text", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0b", "\r\n\r\nGET / HTTP/1.1"])
async def test_d32_a_line_break_in_a_header_fails_its_row(tmp_path: Path, sqlite: World, text: str) -> None:
    await store(sqlite, ["fine", text, "fine too"])
    async with moving(tmp_path, sqlite, QUERY, "n", headers={"X-Name": "{{ v }}"}) as move:
        await check_only_these_failed(move, {2: "X-Name"}, hidden="Admin")
        assert all(asked.content.count(b"\r\n\r\n") == 1 for asked in move.api.asked)


async def test_d32_in_the_path_everything_is_percent_encoded(tmp_path: Path, either: World) -> None:
    texts = ["a\r\nb", "a/b", "a?b#c", "ä 😀", "a%2Fb", "http://evil.example"]
    await store(either, texts)
    async with moving(tmp_path, either, QUERY, "n", url="/rows/{{ v }}") as move:
        await move.check_that_each_row_arrived_once()
        targets = {asked.order: asked.target for asked in move.api.asked}
    assert targets == {
        1: "/rows/a%0D%0Ab",
        2: "/rows/a%2Fb",
        3: "/rows/a%3Fb%23c",
        4: "/rows/%C3%A4%20%F0%9F%98%80",
        5: "/rows/a%252Fb",
        6: "/rows/http%3A%2F%2Fevil.example",
    }


@pytest.mark.parametrize("rows", [0, 1])
async def test_d33_no_row_at_all_and_a_single_one_are_no_special_case(tmp_path: Path, either: World, rows: int) -> None:
    await store(either, ["x"] * rows)
    async with moving(tmp_path, either, QUERY, "n") as move:
        summary = await move.run()
        assert summary.ended is Ended.DONE
        assert (summary.counts.imported, summary.counts.pending, summary.counts.failed) == (rows, 0, 0)
        assert len(move.api.asked) == rows
        await move.check_that_each_row_arrived_once()
