"""All keys of a new store that speaks SQL, in pages."""

from __future__ import annotations

import pytest
from tests.source.worlds import World, rows_read

from penstock.source.records import PAGE, open_records
from penstock.spec.models import Verify


async def walked(world: World, query: str) -> list[object]:
    verify = Verify.model_validate({"url": world.url, "query": query, "key": "id"})
    pages = [page async for page in (await open_records(verify, world.database, ())).walk()]
    assert all(pages)
    return [key for page in pages for (key,) in page]


async def fill(world: World, rows: int) -> None:
    await world.run("CREATE TABLE records (id INTEGER PRIMARY KEY, other INTEGER)")
    for start in range(1, rows + 1, 1000):
        some = ", ".join(f"({n}, {n})" for n in range(start, min(start + 1000, rows + 1)))
        await world.run(f"INSERT INTO records (id, other) VALUES {some}")


@pytest.mark.parametrize("rows", [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 7])
async def test_every_record_is_in_one_page_wherever_a_page_ends(world: World, rows: int) -> None:
    await fill(world, rows)
    assert await walked(world, "SELECT id FROM records") == list(range(1, rows + 1))


async def test_a_query_that_shows_few_records_of_many_is_walked_to_its_end(world: World) -> None:
    await fill(world, 3 * PAGE + 7)
    last = 3 * PAGE + 7
    assert await walked(world, f"SELECT id FROM records WHERE id IN (2, {2 * PAGE}, {last})") == [2, 2 * PAGE, last]


async def test_a_key_that_no_table_has_is_walked_by_the_query_alone(world: World) -> None:
    await fill(world, PAGE + 7)
    assert await walked(world, "SELECT id + 1 AS id FROM records") == list(range(2, PAGE + 9))


async def test_keys_that_a_collation_takes_for_the_same_come_once_each(mariadb: World) -> None:
    keys = [f"{letter}{number:05}" for number in range(PAGE + 5) for letter in "kK"]
    await mariadb.run(
        "CREATE TABLE records (id VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL, n INTEGER PRIMARY KEY)",
        "INSERT INTO records VALUES " + ", ".join(f"('{key}', {n})" for n, key in enumerate(keys)),
    )
    assert sorted(map(str, await walked(mariadb, "SELECT id FROM records"))) == sorted(keys)


async def test_no_page_reads_records_of_the_others(mariadb: World) -> None:
    """Given no upper bound, the server would read all records kind by kind, and sort them, for the first page."""
    await mariadb.run(
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "CREATE TABLE records (id INTEGER PRIMARY KEY, kind_id INTEGER NOT NULL, KEY (kind_id))",
        "INSERT INTO kinds SELECT seq, 'x' FROM seq_1_to_2000",
        "INSERT INTO records SELECT seq, 1 + seq % 2000 FROM seq_1_to_20000",
        "ANALYZE TABLE kinds, records",
        "SET GLOBAL userstat = 1",
    )
    before = await rows_read(mariadb, "records")
    assert len(await walked(mariadb, "SELECT r.id, k.name FROM records r JOIN kinds k ON k.id = r.kind_id")) == 20_000
    assert await rows_read(mariadb, "records") - before <= 2 * 20_000 + 100
