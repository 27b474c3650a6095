"""What happens to a whole database server in the middle of a run: killed, read-only, without connections or without room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.engine.api import PATIENCE, Api, Asked, Reply, Script, accept, serving
from tests.engine.migration import Migration, migration
from tests.engine.own_mariadb import OwnMariadb, own_mariadb

from penstock.database.connect import open_database
from penstock.database.faults import DATABASE_ERRORS
from penstock.engine.report import Summary
from penstock.engine.stop import Ended
from penstock.errors import JobError
from penstock.ledger.states import RowState

ROWS = range(1, 1001)
FAULT_AT = 50  # the request at which it happens
# The system tablespace holds everything and grows no further: full like a disk, for this server alone.
ONE_FILE = ("--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend")
SMALL_DISK = (ONE_FILE[0], f"{ONE_FILE[1]}:max:24M")
SOON_AT_ITS_END = "penstock.engine.settler.LAST_PATIENCE=0.3"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMariadb]:
    with own_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
async def server(installed: OwnMariadb) -> OwnMariadb:
    """It runs, as it usually does; its database is empty."""
    await installed.ask(
        "SET GLOBAL read_only = 0",
        "SET GLOBAL max_connections = 100",
        "DROP DATABASE shop",
        "CREATE DATABASE shop CHARACTER SET utf8mb4",
    )
    return installed


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[OwnMariadb]:
    with own_mariadb(tmp_path / "mariadb", *SMALL_DISK) as server:
        yield server


def with_a_fault(happens: Callable[[], Awaitable[object]]) -> Script:
    """It happens at one request; it and those behind it are accepted afterwards."""
    has_happened = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.number == FAULT_AT:
            await happens()
            has_happened.set()
        elif asked.number > FAULT_AT:
            await has_happened.wait()
        return asked.accepted

    return answer


async def check_that_all_is_done(job: Migration, api: Api, report: Summary) -> None:
    counts = report.counts
    assert (report.ended, counts.imported, counts.in_doubt, counts.pending) == (Ended.DONE, len(ROWS), 0, 0)
    assert sorted(api.orders) == list(ROWS)
    assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS)
    await job.check_counters()


async def test_s2_a_server_killed_and_started_again_in_the_middle_of_a_run_costs_nothing(
    tmp_path: Path, server: OwnMariadb
) -> None:
    async def restart() -> None:
        await asyncio.to_thread(server.restart)

    async with serving(with_a_fault(restart)) as api, migration(tmp_path, api, server.url(), rows=ROWS) as job:
        await check_that_all_is_done(job, api, await job.run())


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["beside", "elsewhere"])
async def test_s10_a_read_only_server_is_told_before_any_request(
    tmp_path: Path, server: OwnMariadb, ledger: str | None
) -> None:
    async with serving() as api, migration(tmp_path, api, server.url(), rows=ROWS, ledger=ledger) as job:
        await server.ask("SET GLOBAL read_only = 1")
        with pytest.raises(JobError, match=r"the server is read-only, so items\.is_import cannot be set"):
            await job.run()
        assert api.orders == []


async def test_s11_a_server_that_turns_read_only_stops_the_sending_and_no_answer_is_lost(
    tmp_path: Path, server: OwnMariadb
) -> None:
    async def turn_read_only() -> None:
        await server.ask("SET GLOBAL read_only = 1")

    async with (
        serving(with_a_fault(turn_read_only)) as api,
        migration(tmp_path, api, server.url(), rows=ROWS, delivery="give_up_after: 500ms") as job,
    ):
        worker = await job.start(SOON_AT_ITS_END)
        assert await worker.wait() == 3
        assert FAULT_AT <= len(api.orders) < len(ROWS)
        await server.ask("SET GLOBAL read_only = 0")
        api.script = accept
        await check_that_all_is_done(job, api, await job.run())


async def test_s25_a_server_with_too_many_connections_is_waited_for(tmp_path: Path, server: OwnMariadb) -> None:
    async with (
        serving() as api,
        migration(tmp_path, api, server.url(), rows=ROWS) as job,
        server.asking() as ask,
        AsyncExitStack() as others,
    ):
        is_full = asyncio.Event()

        async def take_every_connection() -> None:
            """Those that penstock has are closed; others take their places."""
            await ask("SET GLOBAL max_connections = 10")
            for (number,) in await ask("SELECT id FROM information_schema.processlist WHERE user = 'guest'"):
                with suppress(*DATABASE_ERRORS):  # it has gone by itself
                    await ask(f"KILL {number}")
            database = open_database(SecretStr(server.url()), connections=20)
            others.push_async_callback(database.aclose)
            with suppress(*DATABASE_ERRORS):
                while True:
                    await others.enter_async_context(database.reading())
            is_full.set()

        async def tried() -> int:
            [(_, connections)] = await ask("SHOW GLOBAL STATUS LIKE 'Connections'")
            return int(str(connections))

        api.script = with_a_fault(take_every_connection)
        running = asyncio.create_task(job.run())
        await is_full.wait()
        before = await tried()
        async with asyncio.timeout(PATIENCE):
            while await tried() < before + 5:
                pass  # asking takes its time
        assert len(api.orders) < len(ROWS)
        await others.aclose()
        await check_that_all_is_done(job, api, await running)


async def test_s26_a_full_disk_stops_the_sending_and_the_next_run_goes_on(
    tmp_path: Path, small_server: OwnMariadb
) -> None:
    async with (
        serving() as api,
        migration(tmp_path, api, small_server.url(), rows=ROWS, delivery="give_up_after: 500ms") as job,
    ):

        async def fill_the_disk() -> None:
            """Down to its last page."""
            await job.change("CREATE TABLE ballast (id INTEGER AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
            for size in (1_000_000, 100_000, 7_000, 1_000):
                with suppress(*DATABASE_ERRORS):
                    while True:
                        await job.change(f"INSERT INTO ballast (text) VALUES (REPEAT('x', {size}))")

        api.script = with_a_fault(fill_the_disk)
        worker = await job.start(SOON_AT_ITS_END)
        assert await worker.wait() == 3
        assert FAULT_AT <= len(api.orders) < len(ROWS)
        await asyncio.to_thread(
            small_server.restart, *ONE_FILE
        )  # a larger disk: a full one does not even let a table go
        api.script = accept
        await check_that_all_is_done(job, api, await job.run())
