"""Requests that no answer proves: sent again only where a repeat is harmless, and never without a trace."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, accept, for_orders, serving
from tests.engine.shop import open_shop

from penstock.engine import senders
from penstock.engine.report import Progress
from penstock.engine.stop import Ended, Stop
from penstock.errors import LedgerMissing
from penstock.events import EventKind
from penstock.ledger.states import RowState
from penstock.rows import Row
from penstock.source.fingerprint import fingerprint

LOST = [Reply(500), Reply(502), None]
LOST_IDS = ["500", "502", "connection closed"]


@pytest.mark.parametrize("reply", LOST, ids=LOST_IDS)
async def test_h11_h46_h47_an_idempotent_row_is_sent_again_with_the_same_key_and_bytes_each_time_after_its_event(
    tmp_path: Path, reply: Reply | None
) -> None:
    events: list[object] = []

    async with serving() as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true", delivery="concurrency: 4")

        async def answer(asked: Asked) -> Reply | None:
            if asked.order != 2:
                return asked.accepted
            [(noted,)] = shop.ask(
                "SELECT COUNT(*) FROM penstock_events WHERE kind = 'further_attempt' AND row_key = '2'"
            )
            events.append(noted)
            return reply if asked.attempt < 3 else asked.accepted

        api.script = answer
        report = await shop.run()
    assert (report.ended, report.counts.imported) == (Ended.DONE, 10)
    assert (report.tally.sent, report.tally.attempts) == (10, 12)
    assert events == [0, 1, 2]
    assert len({asked.content for asked in api.of(2)}) == 1
    assert len({asked.idempotency_key for asked in api.asked}) == 10
    assert (await shop.row("2")).attempts == 3
    assert len(await shop.events(EventKind.FURTHER_ATTEMPT)) == 2


async def test_h51_a_row_that_changes_between_two_attempts_goes_out_as_it_was_until_another_run_reads_it_anew(
    tmp_path: Path,
) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true", delivery="concurrency: 1")
        stop = Stop()

        async def answer(asked: Asked) -> Reply:
            if asked.order != 2 or asked.attempt == 4:
                return asked.accepted
            await shop.change(f"UPDATE orders SET name = 'after attempt {asked.attempt}' WHERE id = 2")
            if asked.attempt == 3:
                stop.drain()
            return Reply(500)

        api.script = answer
        await shop.run(stop=stop)
        report = await shop.run()
    assert report.counts.imported == 10
    first, *others, last = [asked.content for asked in api.of(2)]
    assert others == [first, first]
    assert b"after attempt 3" in last
    assert len({asked.idempotency_key for asked in api.of(2)}) == 1


async def test_h51_a_row_that_may_have_arrived_goes_out_as_it_was_however_long_it_has_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "STALE", 0.0)
    async with serving() as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true", delivery="concurrency: 1")

        async def answer(asked: Asked) -> Reply:
            if asked.order != 2 or asked.attempt == 2:
                return asked.accepted
            await shop.change("UPDATE orders SET name = 'another' WHERE id = 2")
            return Reply(500)

        api.script = answer
        report = await shop.run()
    assert report.counts.imported == 10
    first, second = [asked.content for asked in api.of(2)]
    assert first == second


async def test_its_attempts_used_up_an_idempotent_row_has_failed(tmp_path: Path) -> None:
    async with serving(for_orders({2: Reply(500)})) as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true", delivery="attempts: 3")
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.failed) == (Ended.DONE, 9, 1)
    row = await shop.row("2")
    assert (len(api.of(2)), row.attempts, row.status) == (3, 3, 500)
    assert row.reason == "answered 500; attempts used up"


async def test_a_further_send_is_explained_even_if_its_event_could_not_be_written_and_the_run_ended(
    tmp_path: Path,
) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true", rows=1)

        async def lose_answer_and_events(asked: Asked) -> None:
            await shop.change("ALTER TABLE penstock_events RENAME TO elsewhere")

        api.script = lose_answer_and_events
        with pytest.raises(LedgerMissing):
            await shop.run()
        await shop.change("ALTER TABLE elsewhere RENAME TO penstock_events")
        api.script = accept
        await shop.run()
    assert api.orders == [1, 1]
    assert len(await shop.events(EventKind.FURTHER_ATTEMPT, "1")) == 1


@pytest.mark.parametrize("reply", LOST, ids=LOST_IDS)
async def test_h11_h46_h47_a_row_whose_repeat_is_not_harmless_is_in_doubt_and_never_sent_again(
    tmp_path: Path, reply: Reply | None
) -> None:
    async with serving(for_orders({2: reply})) as api:
        shop = await open_shop(tmp_path, api)
        report = await shop.run()
        again = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 9, 1)
    assert (again.counts, again.tally.attempts) == (report.counts, 0)
    assert Counter(api.orders) == Counter(range(1, 11))
    row = await shop.row("2")
    assert (row.state, row.attempts) == (RowState.IN_DOUBT, 1)
    assert row.fingerprint == fingerprint(Row("2", (2, "order 2", 20)))
    assert row.reason in {"answered 500", "answered 502", "closed without an answer"}


async def test_h10_no_answer_in_time_is_no_proof_of_anything(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.order == 2:
            await never.wait()
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, total="200ms")
        report = await shop.run()
        never.set()
    assert (report.counts.imported, report.counts.in_doubt) == (9, 1)
    assert (await shop.row("2")).reason == "no answer within 0.2 s"
    assert len(api.of(2)) == 1


@pytest.mark.parametrize("idempotent", ["true", "false"])
async def test_h2_what_was_never_sent_waits_uncharged_until_the_api_is_there(tmp_path: Path, idempotent: str) -> None:
    reasons: list[str] = []
    is_held = asyncio.Event()

    def show(progress: Progress) -> None:
        if progress.hold:
            reasons.append(progress.hold)
            is_held.set()

    async with serving() as api:
        shop = await open_shop(tmp_path, api, target=f"idempotent: {idempotent}", delivery="attempts: 2")
        await api.close()
        run = asyncio.create_task(shop.run(show=show))
        await is_held.wait()
        await api.open()
        report = await run
    assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 10, 0)
    assert (report.tally.sent, report.tally.attempts) == (10, 10)
    assert {attempts for (attempts,) in shop.ask("SELECT attempts FROM penstock_rows")} == {1}
    assert f"connection refused by 127.0.0.1:{api.port}" in reasons[0]


async def test_attempts_are_counted_on_by_the_next_run_which_sends_the_same_key(tmp_path: Path) -> None:
    stop = Stop()

    async def answer(asked: Asked) -> Reply:
        if asked.order == 2 and asked.attempt == 1:
            stop.drain()
            return Reply(500)
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, target="idempotent: true", delivery="concurrency: 1")
        stopped = await shop.run(stop=stop)
        done = await shop.run()
    assert (stopped.ended, stopped.counts.imported) == (Ended.STOPPED, 1)
    assert done.counts.imported == 10
    assert len({asked.idempotency_key for asked in api.of(2)}) == 1
    assert (await shop.row("2")).attempts == 2
    [event] = await shop.events(EventKind.FURTHER_ATTEMPT, key="2")
    assert event.detail == "answered 500"


async def test_h50_idempotent_for_a_while_means_sent_again_within_it(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        return Reply(500) if asked.order == 2 and asked.attempt < 3 else asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, target="idempotent: {for: 1h}")
        report = await shop.run()
    assert (report.counts.imported, report.counts.in_doubt) == (10, 0)
    assert len(api.of(2)) == 3


async def test_h50_idempotent_for_a_while_means_in_doubt_beyond_it(tmp_path: Path) -> None:
    async with serving(for_orders({2: Reply(500)})) as api:
        shop = await open_shop(
            tmp_path, api, target="idempotent: {for: 300ms}", delivery="attempts: 100000", total="100ms"
        )
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 9, 1)
    sent = [asked.at for asked in api.of(2)]
    assert len(sent) > 2
    assert sent[-1] - sent[0] <= 0.3
    row = await shop.row("2")
    assert (row.state, row.reason) == (RowState.IN_DOUBT, "answered 500; idempotent no longer")
    assert row.fingerprint == fingerprint(Row("2", (2, "order 2", 20)))


async def test_h50_a_hold_does_not_carry_a_row_beyond_its_time(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        if asked.order <= 2 and asked.attempt == 1:
            return Reply(500)  # they may have arrived
        return Reply(401) if asked.at - api.asked[0].at < 0.4 else asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(
            tmp_path, api, target="idempotent: {for: 300ms}", delivery="concurrency: 1", total="100ms"
        )
        report = await shop.run()
    late = [asked.order for asked in api.asked if asked.at - api.asked[0].at > 0.3 and asked.order in {1, 2}]
    assert late == []
    assert await shop.keys(RowState.IN_DOUBT) == {1, 2}
    row = await shop.row("2")
    assert (row.status, row.reason) == (500, "answered 500; idempotent no longer")
    assert report.counts.imported == 8
