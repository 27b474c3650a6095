"""What becomes of each stored value: read by the source, mapped, written to the wire. The cases are the table that the page of
types is written from."""

from __future__ import annotations

import pytest
from tests.data import postgresql_types
from tests.data.type_cases import Section, TypeCase
from tests.data.type_tables import TABLES
from tests.source.worlds import World, world_at

from penstock.errors import RowError
from penstock.mapping.mapper import Mapper
from penstock.rows import Row
from penstock.spec.models import Job
from penstock.spec.wire import kind_of

# The same value as the table shows it, and behind something that makes the server put the bounds around the query.
QUERIES = ("SELECT id, v FROM t", "SELECT id, v FROM t LIMIT 5")


def cases(database: str) -> pytest.MarkDecorator:
    every = [(section, case) for section in TABLES[database] for case in section.cases]
    names = [f"{case.declared} {case.stored} {section}" for section, case in every]
    return pytest.mark.parametrize(("section", "case"), every, ids=names)


def body(job: Job, columns: tuple[str, ...], row: Row) -> str:
    mapped = Mapper(job, columns).map(row, "0123456789abcdef0123456789abcdef")
    assert mapped is not None
    return mapped.body.decode()


async def check_case(world: World, section: Section, case: TypeCase) -> None:
    for query in QUERIES:
        job = world.job(query, timezone=section.timezone, zero_dates=section.zero_dates)
        stored, null = await world.rows(query, timezone=section.timezone, zero_dates=section.zero_dates)
        assert body(job, ("id", "v"), null) == '{"id":2,"v":null}'
        if case.fails:
            with pytest.raises(RowError) as error:
                body(job, ("id", "v"), stored)
            assert error.value.column == "v"
            assert case.fails in str(error.value)
            # A mapping that does not use the column is none the worse.
            assert body(job, ("id", "v"), stored._replace(values=(1, None))) == '{"id":1,"v":null}'
        else:
            assert body(job, ("id", "v"), stored) == f'{{"id":1,"v":{case.wire}}}'
            assert kind_of(stored.values[1]) == case.value


@cases("MySQL and MariaDB")
async def test_a_value_of_mariadb_goes_out_as_the_table_says(mariadb: World, section: Section, case: TypeCase) -> None:
    async with world_at(mariadb.url) as old, old.database.writing() as connection:
        if case.careless:
            await connection.exec_driver_sql("SET SESSION sql_mode = ''")
        await connection.exec_driver_sql(f"CREATE TABLE t (id INT PRIMARY KEY, v {case.declared})")
        await connection.exec_driver_sql(f"INSERT INTO t VALUES (1, {case.stored}), (2, NULL)")
    await check_case(mariadb, section, case)


@cases("PostgreSQL")
async def test_a_value_of_postgresql_goes_out_as_the_table_says(
    postgresql: World, section: Section, case: TypeCase
) -> None:
    await postgresql.run(
        *[made for made in postgresql_types.TYPES if made.split()[2] in case.declared],
        f"CREATE TABLE t (id int PRIMARY KEY, v {case.declared})",
        f"INSERT INTO t VALUES (1, {case.stored}), (2, NULL)",
    )
    await check_case(postgresql, section, case)


@cases("SQLite")
async def test_a_value_of_sqlite_goes_out_as_the_table_says(sqlite: World, section: Section, case: TypeCase) -> None:
    await sqlite.run(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {case.declared})",
        f"INSERT INTO t VALUES (1, {case.stored}), (2, NULL)",
    )
    await check_case(sqlite, section, case)
