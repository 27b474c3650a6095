"""Runs that end before everything is done: bounded, asked to stop, or stopped by what goes wrong. Nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, always, serving
from tests.engine.shop import Shop, open_shop

from penstock.cli.endings import after_run
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended, Stop
from penstock.errors import JobError
from penstock.ledger.states import RowState


async def test_a_limit_delivers_exactly_so_many_rows_and_the_next_run_goes_on(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=1200, delivery="concurrency: 8")
        first = await shop.run(RunOptions(limit=7))
        second = await shop.run(RunOptions(limit=300))
        assert leased_ranges(shop) == 0
        rest = await shop.run()
    assert (first.ended, first.tally.sent, first.counts.imported) == (Ended.LIMIT, 7, 7)
    assert (second.ended, second.tally.sent, second.counts.imported) == (Ended.LIMIT, 300, 307)
    assert (rest.ended, rest.tally.sent, rest.counts.imported) == (Ended.DONE, 893, 1200)
    assert Counter(api.orders) == Counter(range(1, 1201))


async def test_a_limit_waits_for_a_row_that_goes_out_again_while_the_ledger_is_slow(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true")
        loop = asyncio.get_running_loop()

        async def answer(asked: Asked) -> Reply:
            if asked.attempt == 1:
                # Whoever wants to write into the ledger now waits for this somebody, longer than the run looks for its end.
                connection = sqlite3.connect(tmp_path / "shop.db", isolation_level=None, check_same_thread=False)
                connection.execute("BEGIN IMMEDIATE")
                loop.call_later(0.3, connection.close)
                return Reply(500)
            return asked.accepted

        api.script = answer
        report = await shop.run(RunOptions(limit=1))
    assert (report.ended, report.counts.imported, report.tally.attempts) == (Ended.LIMIT, 1, 2)


async def test_keys_are_delivered_alone(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=10)
        some = await shop.run(RunOptions(keys=("7", "3")))
        assert sorted(api.orders) == [3, 7]
        with pytest.raises(JobError, match="final state"):
            await shop.run(RunOptions(keys=("3",)))
        rest = await shop.run()
    assert (some.ended, some.counts.imported) == (Ended.LIMIT, 2)
    assert (rest.ended, rest.counts.imported) == (Ended.DONE, 10)
    assert Counter(api.orders) == Counter(range(1, 11))


async def test_when_its_time_is_over_a_run_ends_softly(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=100, delivery="rate: 50/s")
        report = await shop.run(RunOptions(seconds=0.2))
        assert leased_ranges(shop) == 0
        assert 0 < report.counts.imported < 100
        assert report.counts.imported == len(api.asked)
    assert (report.ended, after_run(report)) == (Ended.STOPPED, 3)
    assert report.seconds < 1.5


async def test_a_run_that_begins_when_its_time_is_over_ends_softly(tmp_path: Path) -> None:
    """Connecting takes time as well, and all of it may be gone before the first row."""
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=100, delivery="rate: 50/s")
        report = await shop.run(RunOptions(seconds=0.0))
    assert (report.ended, after_run(report)) == (Ended.STOPPED, 3)
    assert report.counts.imported < 50


@pytest.mark.parametrize("idempotent", ["true", "false"])
async def test_asked_to_stop_it_finishes_what_is_on_the_wire_and_gives_its_ranges_back(
    tmp_path: Path, idempotent: str
) -> None:
    stop, go = Stop(), asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.number > 1:
            await go.wait()
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=1500, target=f"idempotent: {idempotent}", delivery="concurrency: 4")
        run = asyncio.create_task(shop.run(stop=stop))
        await api.until(lambda: api.in_flight == 4)
        stop.drain()
        go.set()
        stopped = await run
        assert (leased_ranges(shop), windows(shop)) == (0, 0)
        began = time.monotonic()
        done = await shop.run()
    assert (stopped.ended, stopped.counts.imported, stopped.counts.in_doubt) == (Ended.STOPPED, 5, 0)
    assert after_run(stopped) == 3
    assert api.asked[5].at - began < 1.0  # no lease is waited for
    assert (done.ended, done.counts.imported) == (Ended.DONE, 1500)
    assert Counter(api.orders) == Counter(range(1, 1501))


@pytest.mark.parametrize(("reply", "state"), [(Reply(422), RowState.FAILED), (Reply(500), RowState.IN_DOUBT)])
async def test_too_many_rows_gone_wrong_stop_the_run(tmp_path: Path, reply: Reply, state: RowState) -> None:
    async with serving(always(reply)) as api:
        shop = await open_shop(tmp_path, api, rows=100, delivery="concurrency: 4\nstop_at: 10")
        report = await shop.run()
    assert (report.ended, after_run(report)) == (Ended.STOP_AT, 3)
    assert 10 <= len(await shop.keys(state)) <= 10 + 4  # what was on the wire then has ended as well
    assert "10 of the last 10 rows" in report.detail
    assert leased_ranges(shop) == 0


async def test_a_share_is_one_of_the_last_thousand_rows(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        return Reply(422) if asked.order % 10 == 0 else asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=500, delivery="concurrency: 1\nstop_at: 2%")
        report = await shop.run()
    assert (report.ended, report.counts.failed) == (Ended.STOP_AT, 20)
    assert 180 <= report.counts.imported <= 181


async def test_rows_whose_answers_come_in_together_count_in_their_order(tmp_path: Path) -> None:
    """One in 22 fails, which is less than 5 % of any thousand: also where the good rows of a turn stand behind its bad ones."""
    at_once = 120
    volley = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        nonlocal volley
        if asked.number > 1:  # the first goes out alone
            mine = volley
            if asked.in_flight == at_once:
                volley = asyncio.Event()
                mine.set()
            await mine.wait()
        return Reply(422) if asked.number % 22 == 0 else asked.accepted

    async with serving(answer) as api, asyncio.timeout(60):
        shop = await open_shop(tmp_path, api, rows=1 + 20 * at_once, delivery=f"concurrency: {at_once}\nstop_at: 5%")
        report = await shop.run()
    assert (report.ended, report.counts.failed) == (Ended.DONE, (1 + 20 * at_once) // 22)


async def test_rows_that_do_not_map_count_as_gone_wrong(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(
            tmp_path, api, rows=100, target='body: {id: "{{ id }}", text: "{{ 1 // 0 }}"}', delivery="stop_at: 10"
        )
        report = await shop.run()
    assert (report.ended, report.counts.failed) == (Ended.STOP_AT, 10)
    assert api.asked == []


def leased_ranges(shop: Shop) -> int:
    return count(shop, "penstock_ranges WHERE state = 'leased'")


def windows(shop: Shop) -> int:
    return count(shop, "penstock_windows")


def count(shop: Shop, what: str) -> int:
    [(number,)] = shop.ask(f"SELECT COUNT(*) FROM {what}")
    return int(str(number))
