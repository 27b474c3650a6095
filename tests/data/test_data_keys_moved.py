"""Keys of every type, moved by a whole run: each row arrives once and gets its flag, whatever its key is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.key_cases import KeyCase, each
from tests.data.mariadb_keys import MARIADB_KEYS
from tests.data.moving import moving
from tests.data.sqlite_keys import SQLITE_KEYS
from tests.data.test_data_keys import write
from tests.source.worlds import World

from penstock.engine import planner, reader


@pytest.fixture(autouse=True)
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several spans for a few rows, each of more than one page."""
    monkeypatch.setattr(planner, "SPAN", 3)
    monkeypatch.setattr(reader, "PAGE", 2)


async def check_run(folder: Path, world: World, case: KeyCase) -> None:
    await write(world, case)
    query = f"SELECT n AS id, {', '.join(case.names)} FROM t"
    async with moving(folder, world, query, *case.names, body={"id": "{{ id }}"}) as move:
        await move.check_that_each_row_arrived_once()
        assert set(await move.rows()) == set(case.keys)


@each(MARIADB_KEYS)
async def test_rows_of_mariadb_named_by_this_key_arrive_once(tmp_path: Path, mariadb: World, case: KeyCase) -> None:
    await check_run(tmp_path, mariadb, case)


@each(SQLITE_KEYS)
async def test_rows_of_sqlite_named_by_this_key_arrive_once(tmp_path: Path, sqlite: World, case: KeyCase) -> None:
    await check_run(tmp_path, sqlite, case)
