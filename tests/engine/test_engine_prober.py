"""Asking about rows in doubt beside whatever else goes on: deliveries, pace, pause, drain, kills, other workers, people."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.engine.api import Asked, Probed, Reply, serving
from tests.engine.asking import LONG_AGO, asking_shop, breaking, details
from tests.engine.looks import Looks

from penstock.engine import prober, senders
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended, Stop
from penstock.events import EventKind
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState
from penstock.rows import Row
from penstock.source.fingerprint import fingerprint
from penstock.wiring import open_people_desk

ALL_TEN = tuple(range(1, 11))
EVERY_DOUBT = Selection(frozenset({RowState.IN_DOUBT}))


async def test_rows_are_asked_about_while_the_run_has_other_work(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 2")
        stop = Stop()

        async def store_the_first_and_end(asked: Asked) -> Reply:
            api.applied[asked.order] += 1
            stop.drain()
            return Reply(500)

        async def wait_for_a_probe(asked: Asked) -> Reply:
            if asked.number > 2:  # the first of this run opens the pace
                await api.until(lambda: len(api.probed) > 0)
            return asked.accepted

        api.script = store_the_first_and_end
        stopped = await shop.run(stop=stop)
        api.script = wait_for_a_probe
        report = await shop.run()
    assert (stopped.counts.in_doubt, stopped.tally.probes) == (1, 0)
    assert (report.ended, report.counts.imported) == (Ended.DONE, 10)


async def test_probes_keep_to_the_concurrency_and_the_rate_like_any_request(tmp_path: Path) -> None:
    async def slowly(probed: Probed) -> Reply:
        await asyncio.sleep(0.005)
        return probed.truth

    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 2\nrate: 100/s\nstop_at: never", rows=15)
        breaking(api, *range(2, 16), stores=True)
        api.probe_script = slowly
        report = await shop.run()
    assert report.counts.imported == 15
    assert api.most_in_flight == 2
    requests = sorted([asked.at for asked in api.asked] + [probed.at for probed in api.probed])
    assert len(requests) == 29
    # A tenth of a second's worth may go at once.
    assert requests[-1] - requests[0] >= (29 - 1) / 100 - 0.1


async def test_page_by_page_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prober, "PAGE", 3)
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="stop_at: never")
        breaking(api, *ALL_TEN, stores=True)
        report = await shop.run()
    assert (report.counts.imported, report.tally.imported) == (10, 10)
    assert Counter(api.orders) == Counter(ALL_TEN)


async def test_a_paused_job_asks_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    looks = Looks()
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        await shop.run()
        before = len(api.probed)
        api.applied[2] += 1
        async with open_people_desk(shop.job) as desk:
            await desk.pause()
            run = asyncio.create_task(shop.run(show=looks.see))
            await looks.until(lambda progress: progress.limited_by == "pause")
            await looks.until(lambda _: True)  # a second later
            assert len(api.probed) == before
            await desk.resume()
        report = await run
    assert report.counts.imported == 10


async def test_asked_to_stop_it_hears_what_is_on_the_wire_and_asks_no_more(tmp_path: Path) -> None:
    stop = Stop()

    async def answer_when_asked_to_stop(probed: Probed) -> Reply:
        stop.drain()
        await asyncio.sleep(0.05)
        return probed.truth

    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 1\nstop_at: never")
        breaking(api, 2, 3, 4, stores=True)
        api.probe_script = answer_when_asked_to_stop
        report = await shop.run(stop=stop)
    assert (report.ended, len(api.probed)) == (Ended.STOPPED, 1)
    assert (report.counts.imported, report.counts.in_doubt) == (8, 2)


@pytest.mark.parametrize("word", [RowState.FAILED, RowState.IMPORTED])
async def test_a_person_who_decides_meanwhile_wins(tmp_path: Path, word: RowState) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        await shop.run()
        await shop.change(LONG_AGO)

        async def decide_meanwhile(probed: Probed) -> Reply:
            async with open_people_desk(shop.job) as desk:
                await desk.resolve(EVERY_DOUBT, word, receipt=None, note="told by phone")
            return probed.truth

        api.probe_script = decide_meanwhile
        report = await shop.run()
    assert (report.ended, len(api.of(2)), (await shop.row("2")).state) == (Ended.DONE, 1, word)


async def test_two_workers_deliver_once_more_what_was_absent(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 2\nstop_at: never")
        breaking(api, 2, 3, 4, stores=False)
        await shop.run()
        await shop.change(LONG_AGO)
        await asyncio.gather(*[shop.run() for _ in range(3)])
    assert api.applied == Counter(ALL_TEN)
    assert [len(api.of(order)) for order in (2, 3, 4)] == [2, 2, 2]
    assert await shop.events(EventKind.SENT_TWICE) == []
    assert len(await shop.events(EventKind.PROBED)) == 6  # too early, then absent, for each


async def test_of_several_workers_one_asks(tmp_path: Path) -> None:
    looks = Looks()

    async def take_until_the_others_have_a_share(probed: Probed) -> Reply:
        await looks.until(lambda progress: progress.elapsed > 3.0)
        return probed.truth

    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 4")
        breaking(api, 2, stores=False)
        await shop.run()
        api.probed.clear()
        api.probe_script = take_until_the_others_have_a_share
        await asyncio.gather(shop.run(show=looks.see), shop.run())
    assert len(api.probed) in (1, 2)  # while the run begins, and at its end


async def test_what_a_killed_worker_had_on_the_wire_is_asked_about(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 1")
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "penstock", "run", "orders.yaml", cwd=tmp_path, stderr=asyncio.subprocess.DEVNULL
        )

        async def kill_at_the_second(asked: Asked) -> Reply:
            if asked.order == 2 and asked.attempt == 1:
                worker.kill()
                await worker.wait()
            return asked.accepted

        api.script = kill_at_the_second
        await api.until_asked(2)
        await worker.wait()
        api.applied.clear()  # nothing of it was stored
        early = await shop.run()
        assert (early.counts.in_doubt, early.counts.imported, len(api.of(2))) == (1, 9, 1)
        assert (await shop.row("2")).fingerprint == fingerprint(Row("2", (2, "order 2", 20)))
        await shop.change(LONG_AGO)
        late = await shop.run()
    assert (late.counts.imported, len(api.of(2))) == (10, 2)


async def test_a_row_that_changes_while_it_waits_is_written_down_anew_before_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "STALE", 0.0)
    windows: list[str] = []
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 1")

        async def change_the_next(asked: Asked) -> Reply:
            if asked.order == 1:
                await shop.change("UPDATE orders SET amount = 21 WHERE id = 2")
            if asked.order == 2:
                found = await asyncio.to_thread(shop.ask, "SELECT row_keys FROM penstock_windows ORDER BY window_no")
                windows.extend(str(keys) for (keys,) in found)
                return Reply(500)
            return asked.accepted

        api.script = change_the_next
        await shop.run()
    sent = fingerprint(Row("2", (2, "order 2", 21)))
    assert b'"amount":21' in api.of(2)[0].content
    assert str(sent) in windows[-1]
    assert (await shop.row("2")).fingerprint == sent


async def test_a_job_that_may_repeat_is_never_asked_about(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, target="idempotent: true")
        breaking(api, 2, stores=False, times=2)
        report = await shop.run()
    assert (report.counts.imported, len(api.of(2)), api.probed) == (10, 3, [])


async def test_a_row_whose_repeat_is_harmless_no_longer_is_asked_about(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(
            tmp_path, api, target="idempotent: {for: 300ms}", delivery="attempts: 100000", total="100ms"
        )
        breaking(api, 2, stores=False, times=100_000)
        await shop.run()
        before = len(api.of(2))
        await shop.change(LONG_AGO)
        breaking(api, stores=False)
        report = await shop.run()
    assert (report.counts.imported, len(api.of(2))) == (10, before + 1)


async def test_a_run_of_few_rows_asks_about_no_others(tmp_path: Path) -> None:
    stop, looks = Stop(), Looks()

    async def end_with_the_first_in_doubt(asked: Asked) -> Reply:
        stop.drain()
        return Reply(500)

    async def take_a_while(asked: Asked) -> Reply:
        await looks.until(lambda progress: progress.elapsed > 1.5)
        return asked.accepted

    async with serving(end_with_the_first_in_doubt) as api:
        shop = await asking_shop(tmp_path, api, delivery="concurrency: 1")
        await shop.run(stop=stop)
        api.script = take_a_while
        report = await shop.run(RunOptions(limit=1), show=looks.see)
    assert (report.ended, report.counts.in_doubt, len(api.asked), api.probed) == (Ended.LIMIT, 1, 2, [])


async def test_an_api_that_cannot_be_reached_ends_the_asking_and_not_the_run(tmp_path: Path) -> None:
    async with serving() as gone:
        port = gone.port
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, port=port)
        breaking(api, 2, stores=True)
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 9, 1)
    assert report.tally.unasked == f"connection refused by 127.0.0.1:{port}"


async def test_a_row_that_makes_no_question_says_why(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, asks="note={{ name.missing }}&number={{ id }}")
        breaking(api, 2, stores=True)
        report = await shop.run()
    assert (report.counts.in_doubt, api.probed) == (1, [])
    [told] = await details(shop, "2")
    assert told.startswith('not asked about: target.probe.url (column "name"): ')


async def test_no_secret_is_kept_of_what_the_api_says(tmp_path: Path) -> None:
    said = b'{"total":2,"seen":"token-of-the-shop"}'

    async def answer(probed: Probed) -> Reply:
        if probed.number == 1:
            return Reply(200, said)
        return Reply(302, said, headers={"Location": "/login?token=token-of-the-shop"})

    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=True)
        api.probe_script = answer
        reports = [await shop.run(), await shop.run()]
    assert "***" in (await details(shop, "2"))[0]
    assert "token-of-the-shop" not in repr((reports, shop.ask("SELECT * FROM penstock_events")))
