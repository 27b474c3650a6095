"""Answers that blame the job, not the row: the run waits, asks with one request at a time, and goes on by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, Script, accept, always, serving
from tests.engine.shop import Shop, open_shop

from penstock.cli.endings import after_run
from penstock.engine.stop import Ended
from penstock.events import EventKind

LOGIN_PAGE = Reply(200, b"<html>Please log in</html>", kind="text/html; charset=utf-8")
JOB_REPLIES = [
    Reply(401),
    Reply(403),
    Reply(404),
    Reply(405),
    Reply(407),
    Reply(415),
    Reply(302, headers={"Location": "https://elsewhere.example.com/"}),
    Reply(429),
    Reply(503, headers={"Retry-After": "0"}),
    LOGIN_PAGE,
]


def until_the_hold_is_noted(shop: Shop, reply: Reply) -> Script:
    """This reply, after the first row, until the ledger tells that the run holds."""

    async def answer(asked: Asked) -> Reply:
        if asked.number == 1:
            return asked.accepted
        # In a thread: the run may hold the file's one lock, and can give it back only while the loop turns.
        noted = await asyncio.to_thread(shop.ask, "SELECT 1 FROM penstock_events WHERE kind = 'hold_started'")
        return asked.accepted if noted else reply

    return answer


@pytest.mark.parametrize("reply", JOB_REPLIES, ids=lambda reply: f"{reply.status} {reply.kind}")
async def test_h26_h34_h38_h39_h43_h45_an_answer_that_blames_the_job_holds_the_run_and_charges_no_row(
    tmp_path: Path, reply: Reply
) -> None:
    async with serving() as api:
        shop = await open_shop(
            tmp_path, api, rows=12, target="idempotent: true", delivery="concurrency: 4\nattempts: 2"
        )
        api.script = until_the_hold_is_noted(shop, reply)
        report = await shop.run()
    assert (report.ended, report.counts.imported) == (Ended.DONE, 12)
    assert {attempts for (attempts,) in shop.ask("SELECT attempts FROM penstock_rows")} == {1}
    [started] = await shop.events(EventKind.HOLD_STARTED)
    [ended] = await shop.events(EventKind.HOLD_ENDED)
    assert str(reply.status) in started.detail
    assert started.at < ended.at


async def test_h38_while_it_holds_one_request_at_a_time_feels_its_way(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=12, delivery="concurrency: 4")
        api.script = until_the_hold_is_noted(shop, Reply(403))
        await shop.run()
    # The first one opened up: up to four more were on the wire when the hold began.
    during = [asked.in_flight for asked in api.asked[5:-12]]
    assert len(during) > 10
    assert set(during) == {1}


async def test_h26_a_login_page_leaves_the_rows_it_was_shown_to_in_doubt_where_a_repeat_is_not_harmless(
    tmp_path: Path,
) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=12, delivery="stop_at: 3")
        api.script = always(LOGIN_PAGE)
        report = await shop.run()
    assert (report.ended, report.counts.in_doubt) == (Ended.STOP_AT, 3)
    assert sorted(api.orders) == [1, 2, 3]


async def test_h38_a_hold_that_lasts_too_long_ends_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async with serving(always(Reply(401))) as api:
        shop = await open_shop(tmp_path, api, rows=12, delivery="give_up_after: 100ms")
        given_up = await shop.run()
        api.script = accept
        done = await shop.run()
    assert (given_up.ended, given_up.counts.imported) == (Ended.GAVE_UP, 0)
    assert "401" in given_up.detail
    assert after_run(given_up) == 3
    assert (done.ended, done.counts.imported) == (Ended.DONE, 12)
    assert {attempts for (attempts,) in shop.ask("SELECT attempts FROM penstock_rows")} == {1}
