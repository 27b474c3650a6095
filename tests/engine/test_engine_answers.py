"""Answers that speak of one row: it fails, is tried again, or waits, and the others go on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.engine.api import Asked, Reply, for_orders, serving
from tests.engine.shop import open_shop

from penstock.engine.stop import Ended, Stop
from penstock.events import EventKind
from penstock.ledger.states import RowState

NOT_APPLIED = [400, 404, 406, 411, 413, 414, 422, 428, 431]


async def test_h37_h39_a_status_that_proves_that_nothing_was_applied_fails_its_row_alone(tmp_path: Path) -> None:
    replies = {order: Reply(status) for order, status in enumerate(NOT_APPLIED, start=2)}
    async with serving(for_orders(replies)) as api:
        # With an expression in the url a 404 speaks of the row.
        shop = await open_shop(tmp_path, api, rows=20, path="/orders/{{ id }}", delivery="stop_at: never")
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.failed) == (Ended.DONE, 11, 9)
    assert await shop.keys(RowState.FAILED) == set(replies)
    assert Counter(api.orders) == Counter(range(1, 21))
    assert api.of(3)[0].target == "/orders/3"
    row = await shop.row("3")
    assert (row.status, row.attempts, row.reason) == (404, 1, "refused with 404")


async def test_a_job_may_name_further_statuses(tmp_path: Path) -> None:
    async with serving(for_orders({2: Reply(500), 3: Reply(422)})) as api:
        shop = await open_shop(tmp_path, api, target="not_applied: {add: [500]}")
        report = await shop.run()
    assert (report.counts.imported, report.counts.failed, report.counts.in_doubt) == (8, 2, 0)


async def test_h25_h41_the_first_rule_that_holds_decides(tmp_path: Path) -> None:
    replies = {
        1: Reply(409),
        2: Reply(200, b'{"code":0}'),
        3: Reply(200, b'{"code":40012,"message":"no such buyer"}'),
        4: Reply(200, b'{"code":77}'),
    }
    rules = """
already_exists: "{{ status == 409 }}"
accept: "{{ status < 300 and body.code == 0 }}"
refuse: "{{ body.code >= 40000 }}"
"""
    async with serving(for_orders(replies)) as api:
        shop = await open_shop(tmp_path, api, rows=4, target=rules, delivery="stop_at: never")
        await shop.run()
    assert await shop.keys(RowState.IMPORTED) == {1, 2}
    assert (await shop.row("3")).reason == "refused with 200: code 40012: no such buyer"
    assert await shop.keys(RowState.IN_DOUBT) == {4}


async def test_an_answer_that_asks_to_try_again_is_counted_until_the_attempts_are_used_up(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        is_busy = asked.order == 2 or (asked.order == 3 and asked.attempt < 3)
        return Reply(200, b'{"code":1001}') if is_busy else asked.accepted

    rules = """
accept: "{{ status == 201 }}"
retry: "{{ body.code == 1001 }}"
"""
    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, target=rules, delivery="attempts: 3")
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.failed) == (Ended.DONE, 9, 1)
    never, late = await shop.row("2"), await shop.row("3")
    assert (len(api.of(2)), never.state, never.attempts) == (3, RowState.FAILED, 3)
    assert (len(api.of(3)), late.state, late.attempts) == (3, RowState.IMPORTED, 3)
    assert never.reason == "asked to try again with 200: code 1001; attempts used up"


async def test_a_throttled_row_is_sent_again_as_often_as_it_takes_and_no_attempt_is_counted(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        return Reply(429) if asked.order == 2 and asked.attempt <= 6 else asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, delivery="attempts: 2")
        report = await shop.run()
    assert (report.counts.imported, report.tally.sent, report.tally.attempts) == (10, 10, 16)
    assert len(api.of(2)) == 7
    assert (await shop.row("2")).attempts == 1


async def test_a_throttled_row_that_was_given_back_has_its_event_when_the_next_run_sends_it(tmp_path: Path) -> None:
    stop = Stop()

    async def throttle_and_end(asked: Asked) -> Reply:
        if asked.order == 2 and asked.attempt == 1:
            stop.drain()
            return Reply(429, headers={"Retry-After": "60"})
        return asked.accepted

    async with serving(throttle_and_end) as api:
        shop = await open_shop(tmp_path, api, delivery="concurrency: 1")
        await shop.run(stop=stop)
        report = await shop.run()
    assert (report.counts.imported, len(api.of(2)), len(api.asked)) == (10, 2, 11)
    [event] = await shop.events(EventKind.FURTHER_ATTEMPT)
    assert (event.key, event.detail) == ("2", "to come: throttled with 429")


async def test_a_token_that_the_api_sends_back_is_not_written_down(tmp_path: Path) -> None:
    complaint = Reply(422, b'{"code":7,"message":"seen token-of-the-shop","got":"Bearer token-of-the-shop"}')
    async with serving(for_orders({2: complaint})) as api:
        shop = await open_shop(tmp_path, api)
        await shop.run()
    assert b"token-of-the-shop" in api.of(2)[0].content
    row = await shop.row("2")
    assert row.reason == "refused with 422: code 7: seen ***"
    assert row.answer == '{"code":7,"message":"seen ***","got":"Bearer ***"}'
