"""The source breaks off in the middle of a read, is not there, or goes away for a while. The ledger lies elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, accept, serving
from tests.engine.migration import Migration, migration
from tests.engine.proxy import Loss, nothing_lost, proxy_to

from penstock.engine import planner
from penstock.engine.stop import Ended
from penstock.errors import SourceUnreachable
from penstock.ledger.states import RowState

LEDGER = "sqlite:///ledger.db"


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows then need many reads."""
    monkeypatch.setattr(planner, "SPAN", 5)


async def sessions(job: Migration, where: str) -> Sequence[int]:
    """The server's numbers of other sessions in the source."""
    found = await job.ask(
        "SELECT id FROM information_schema.processlist "
        f"WHERE db = DATABASE() AND id <> CONNECTION_ID() AND command <> 'Killed' AND {where}"
    )
    return [int(str(number)) for (number,) in found]


async def kill(job: Migration, where: str) -> int:
    """Returns how many sessions were killed."""
    numbers = await sessions(job, where)
    async with job.source.reading() as connection:
        for number in numbers:
            await connection.exec_driver_sql(f"KILL SOFT CONNECTION {number}")
    return len(numbers)


@asynccontextmanager
async def table_locked(job: Migration) -> AsyncIterator[None]:
    """Whoever reads the table waits, and is still in the middle of it, until the end of the block."""
    async with job.source.reading() as connection:
        await connection.exec_driver_sql("LOCK TABLES items WRITE")
        try:
            yield
        finally:
            await connection.exec_driver_sql("UNLOCK TABLES")


async def until_somebody_reads(job: Migration) -> None:
    async with asyncio.timeout(20.0):
        while not await sessions(job, "state LIKE 'Waiting for table%'"):
            pass  # asking takes its time


async def test_a_session_killed_in_the_middle_of_a_read_costs_no_row(tmp_path: Path, mariadb_url: str) -> None:
    killed = 0
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=range(1, 101), ledger=LEDGER) as job:

        async def answer(asked: Asked) -> Reply:
            nonlocal killed
            if asked.number in (1, 40):
                async with table_locked(job):
                    await until_somebody_reads(job)
                    killed += await kill(job, "state LIKE 'Waiting for table%'")
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert killed >= 2
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 100, 0)
        assert sorted(api.orders) == list(range(1, 101))
        await job.check_counters()


async def test_sessions_killed_again_and_again_cost_no_row(tmp_path: Path, mariadb_url: str) -> None:
    killed = 0
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=range(1, 101), ledger=LEDGER) as job:

        async def answer(asked: Asked) -> Reply:
            nonlocal killed
            if asked.number % 10 == 0:
                killed += await kill(job, "command <> 'Daemon'")
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert killed >= 10
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 100, 0)
        assert sorted(api.orders) == list(range(1, 101))
        assert await job.flagged() == set(range(1, 101))


async def test_s1_a_source_that_is_not_there_at_the_start_is_unreachable(tmp_path: Path, mariadb_url: str) -> None:
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(tmp_path, api, mariadb_url, ledger=LEDGER, source_through=proxy) as job,
    ):
        proxy.cut()
        with pytest.raises(SourceUnreachable, match=f"127.0.0.1:{proxy.port}"):
            await job.run()
        assert api.orders == []


async def test_a_source_that_goes_away_for_a_while_is_waited_for(tmp_path: Path, mariadb_url: str) -> None:
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(tmp_path, api, mariadb_url, rows=range(1, 101), ledger=LEDGER, source_through=proxy) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == 10:
                proxy.cut()
            return asked.accepted

        api.script = answer
        running = asyncio.create_task(job.run())
        await proxy.until_turned_away(3)
        assert len(api.orders) < 100
        proxy.heal()
        report = await running
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 100, 0)
        assert sorted(api.orders) == list(range(1, 101))
        assert await job.flagged() == set(range(1, 101))


async def test_a_source_that_stays_away_ends_the_run_early_and_the_next_run_goes_on(
    tmp_path: Path, mariadb_url: str
) -> None:
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(
            tmp_path,
            api,
            mariadb_url,
            rows=range(1, 101),
            ledger=LEDGER,
            source_through=proxy,
            flag=False,
            delivery="give_up_after: 1s",
        ) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == 10:
                proxy.cut()
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert report.ended is Ended.GAVE_UP
        assert "reading rows" in report.detail
        # What had been read was still delivered, and is known.
        assert 10 <= report.counts.imported == len(api.orders) < 100
        proxy.heal()
        api.script = accept
        report = await job.run()
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 100, 0)
        assert sorted(api.orders) == list(range(1, 101))


async def test_a_source_that_falls_silent_while_it_is_swept_ends_the_run_early(tmp_path: Path, server_url: str) -> None:
    """Of the two that read one hangs in a connection that nobody answers; the other looks for work, and finds none: that must not
    pass for the end of the trouble."""
    async with (
        serving() as api,
        proxy_to(server_url) as proxy,
        migration(
            tmp_path,
            api,
            server_url,
            rows=range(1, 21),
            ledger=LEDGER,
            source_through=proxy,
            flag=False,
            total="2s",
            delivery="give_up_after: 1s",
        ) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == 20:
                proxy.cut()
                proxy.heal()
                proxy.silence()
            return asked.accepted

        api.script = answer
        async with asyncio.timeout(45):
            report = await job.run()
        assert report.ended is Ended.GAVE_UP
        assert report.counts.imported == 20


async def test_flags_that_could_not_be_set_because_the_source_was_away_are_set_by_the_next_run(
    tmp_path: Path, mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.engine.flagging.LAST_PATIENCE", 0.3)
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(tmp_path, api, mariadb_url, ledger=LEDGER, source_through=proxy) as job,
    ):

        def lose(_statements: Sequence[str]) -> Loss:
            # Reading commits nothing: this is a flag's transaction, and the source is gone before it ends.
            proxy.cut()
            return Loss.REQUEST

        proxy.on_commit = lose
        report = await job.run()
        assert (report.ended, report.counts.imported) == (Ended.STOPPED, 10)
        assert await job.flagged() == set()
        proxy.heal()
        proxy.on_commit = nothing_lost
        await job.run()
        assert len(api.orders) == 10
        assert await job.flagged() == set(range(1, 11))


async def test_s14_a_column_renamed_while_rows_wait_ends_the_run_with_what_was_answered_settled(
    tmp_path: Path, server_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, server_url, concurrency=1) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.number == 2:
                await job.change("ALTER TABLE items RENAME COLUMN name TO label")
                await asyncio.sleep(0.5)  # so long do the others wait
            return asked.accepted

        api.script = answer
        worker = await job.start("penstock.engine.senders.STALE=0.3")
        assert await worker.wait() == 2
        assert sorted(api.orders) == [1, 2]
        assert await job.keys(RowState.IMPORTED) == {1, 2} == await job.flagged()
        assert await job.keys(RowState.IN_DOUBT) == set()
        await job.check_counters()
