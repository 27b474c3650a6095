"""Rows that end failed or in doubt are told to others by RabbitMQ, at least once, and each by one message in a quiet run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.engine.api import PATIENCE, Api, Asked, Reply, for_orders, serving
from tests.engine.mailbox import EXCHANGE, Mailbox, mailbox
from tests.engine.migration import Migration, migration
from tests.engine.shop import Shop, open_shop
from tests.transport.amqp_proxy import AmqpProxy, amqp_proxy

from penstock.engine import notices
from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.errors import JobError
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState
from penstock.wiring import open_people_desk, opened_broker, run_job

NOTICES = f"notices: {{exchange: {EXCHANGE}}}\nstop_at: never"
WITH_PAYLOAD = f"notices: {{exchange: {EXCHANGE}, payload: true}}\nstop_at: never"
EVERY_FAILURE = Selection(frozenset({RowState.FAILED}))
REFUSED = Reply(422, b'{"error":"no such article"}')


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Refuses 3 and 5, and breaks off at 7."""
    async with serving(for_orders({3: REFUSED, 5: REFUSED, 7: None})) as api:
        yield api


@pytest.fixture
async def others(amqp_url: str) -> AsyncIterator[Mailbox]:
    async with mailbox(amqp_url) as others:
        yield others


async def run(shop: Shop | Migration, url: str, stop: Stop | None = None) -> Summary:
    """One worker's run with this broker."""
    return await run_job(shop.job, RunOptions(), stop or Stop(), open_broker=partial(opened_broker, url, shop.job))


_WRITING = {
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'INSERT%penstock_notices%'",
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
}
_END = {"mysql": "KILL {}", "postgresql": "SELECT pg_terminate_backend({})"}


async def kill(worker: asyncio.subprocess.Process, items: Migration) -> None:
    """While it writes down who was told. The server would go on with that, though nobody is there any more to hear of it."""
    kind = items.ledger.kind
    async with asyncio.timeout(PATIENCE):
        while not (waiting := await items.ask_ledger(_WRITING[kind])):
            pass
        worker.kill()
        await worker.wait()
        await items.change_ledger(_END[kind].format(waiting[0][0]))
        while await items.ask_ledger(_WRITING[kind]):
            pass


async def test_each_row_that_ended_badly_is_told_once(tmp_path: Path, api: Api, amqp_url: str, others: Mailbox) -> None:
    shop = await open_shop(tmp_path, api, delivery=NOTICES)

    report = await run(shop, amqp_url)

    letters = {letter.key: letter for letter in await others.letters()}
    assert (report.ended, report.counts.failed, report.counts.in_doubt) == (Ended.DONE, 2, 1)
    assert Counter(letter.key for letter in await others.letters()) == Counter([3, 5, 7])
    assert {key: letter.routing_key for key, letter in letters.items()} == {
        3: "orders.failed",
        5: "orders.failed",
        7: "orders.in_doubt",
    }
    row = await shop.row("3")
    assert letters[3].content == {
        "v": 1,
        "job": "orders",
        "key": 3,
        "state": "failed",
        "status": 422,
        "reason": row.reason,
        "attempts": 1,
        "updated_at": row.updated_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    assert datetime.fromisoformat(letters[7].content["updated_at"]).utcoffset() is not None
    assert len({letter.message_id for letter in letters.values()}) == 3


async def test_a_run_that_finds_nothing_new_tells_nothing(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    shop = await open_shop(tmp_path, api, delivery=NOTICES)
    await run(shop, amqp_url)
    told = len(await others.letters())

    report = await run(shop, amqp_url)

    assert (report.ended, told, len(await others.letters())) == (Ended.DONE, 3, 3)


async def test_what_failed_before_anybody_was_to_be_told_is_told(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    shop = await open_shop(tmp_path, api, delivery="stop_at: never")
    await shop.run()
    (tmp_path / "shop.db").rename(tmp_path / "before.db")
    with_notices = await open_shop(tmp_path, api, delivery=NOTICES)
    (tmp_path / "before.db").rename(tmp_path / "shop.db")

    await run(with_notices, amqp_url)

    assert {letter.key for letter in await others.letters()} == {3, 5, 7}


async def test_rows_are_told_of_while_the_run_goes_on(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "EVERY", 0.1)
    shop = await open_shop(tmp_path, api, delivery=f"{NOTICES}\nconcurrency: 1")

    async def wait_for_the_first_message(asked: Asked) -> Reply | None:
        if asked.order == 10:
            await others.until(2)
        return {3: REFUSED, 5: REFUSED}.get(asked.order, asked.accepted)

    api.script = wait_for_the_first_message
    report = await run(shop, amqp_url)

    assert report.ended is Ended.DONE
    assert [letter.key for letter in await others.letters()] == [3, 5]


async def test_a_row_that_fails_once_more_is_told_of_once_more(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    shop = await open_shop(tmp_path, api, delivery=NOTICES)
    await run(shop, amqp_url)
    api.script = for_orders({3: Reply(400)})
    async with open_people_desk(shop.job) as desk:
        await desk.retry(EVERY_FAILURE, renew_keys=False)

    await run(shop, amqp_url)

    letters = await others.letters()
    assert Counter(letter.key for letter in letters) == Counter([3, 5, 7, 3])
    first, second = [letter for letter in letters if letter.key == 3]
    assert first.message_id != second.message_id
    assert (first.content["status"], second.content["status"]) == (422, 400)


async def test_whoever_dies_before_it_is_written_down_leaves_it_to_be_told_again(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_BROKER", amqp_url)
    delivery = "notices: {exchange: migration}"
    async with migration(tmp_path, api, server_url, delivery=delivery) as items:
        async with items.ledger.writing() as connection:
            # Nobody sees this line, but who writes one of the same key waits for what becomes of it.
            unseen = "INSERT INTO penstock_notices (job_id, row_key, updated_at) VALUES (1, '3', '2001-01-01 00:00:00')"
            await connection.execute(text(unseen))
            worker = await items.start("penstock.engine.notices.EVERY=0.1")
            first = await others.until(2)
            await kill(worker, items)
            await connection.rollback()

        await run(items, amqp_url)

        letters = await others.letters()
        assert {letter.key for letter in letters} == {3, 5, 7}
        assert [letter.key for letter in letters if letter.key == 3] == [3, 3]
        of_three = [letter for letter in letters if letter.key == 3]
        assert 3 in {letter.key for letter in first}  # another may have ended before it
        assert of_three[0].message_id == of_three[1].message_id
        assert of_three[0].content == of_three[1].content
        told = await items.ask_ledger("SELECT COUNT(*) FROM penstock_notices")
        assert [list(row) for row in told] == [[3]]


async def test_the_payload_is_told_if_asked_for_and_never_headers_or_address(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    shop = await open_shop(tmp_path, api, delivery=WITH_PAYLOAD, path="/secret-path")

    await run(shop, amqp_url)

    letters = {letter.key: letter for letter in await others.letters()}
    assert letters[3].content["payload"] == {"id": 3, "name": "order 3", "amount": 30}
    for letter in letters.values():
        assert b"token-of-the-shop" not in letter.body
        assert b"secret-path" not in letter.body
        assert b"127.0.0.1" not in letter.body.replace(str(letter.content["reason"]).encode(), b"")


async def test_the_payload_is_of_the_row_as_it_is_by_then(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    async def change_meanwhile(asked: Asked) -> Reply:
        if asked.order == 3:
            await shop.change("UPDATE orders SET amount = 31 WHERE id = 3")
        if asked.order == 5:
            await shop.change("DELETE FROM orders WHERE id = 5")
        return REFUSED if asked.order in (3, 5) else asked.accepted

    api.script = change_meanwhile
    shop = await open_shop(tmp_path, api, delivery=WITH_PAYLOAD)

    await run_job(shop.job, RunOptions(), Stop(), open_broker=partial(opened_broker, amqp_url, shop.job))

    contents = {letter.key: letter.content for letter in await others.letters()}
    assert contents[3]["payload"]["amount"] == 31
    assert contents[5]["payload_error"] == "the query shows no row with this key now"
    assert "payload" not in contents[5]


async def test_a_row_that_does_not_map_has_no_payload_and_says_why(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    body = 'body: {id: "{{ id }}", amount: "{{ 100 // (id - 4) }}"}'
    shop = await open_shop(tmp_path, api, delivery=WITH_PAYLOAD, target=body)

    await run(shop, amqp_url)

    contents = {letter.key: letter.content for letter in await others.letters()}
    assert contents[4]["payload_error"] == (await shop.row("4")).reason
    assert "payload" not in contents[4]


async def test_a_broker_that_is_away_for_a_while_delays_no_delivery_and_what_was_not_told_is_told_then(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "EVERY", 0.1)
    async with amqp_proxy(amqp_url) as way:
        shop = await open_shop(tmp_path, api, delivery=f"{NOTICES}\nconcurrency: 1")

        async def cut_and_heal(asked: Asked) -> Reply:
            if asked.order == 2:
                shut(way)
            if asked.order == 9:
                async with asyncio.timeout(PATIENCE):
                    while way.turned_away == 0:
                        assert await others.letters() == ()
                way.is_shut = False
                await others.until(2)
            return REFUSED if asked.order in (3, 5) else asked.accepted

        api.script = cut_and_heal
        report = await run(shop, way.url)

    assert (report.ended, report.counts.imported, report.counts.failed) == (Ended.DONE, 8, 2)
    assert {letter.key for letter in await others.letters()} == {3, 5}


async def test_what_a_run_could_not_tell_it_says_and_the_next_one_tells(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 0.1)
    async with amqp_proxy(amqp_url) as way:
        shop = await open_shop(tmp_path, api, delivery=f"{NOTICES}\nconcurrency: 1")

        async def cut(asked: Asked) -> Reply | None:
            shut(way)
            return {3: REFUSED, 5: REFUSED, 7: None}.get(asked.order, asked.accepted)

        api.script = cut
        report = await run(shop, way.url)
        assert await others.letters() == ()
        way.is_shut = False
        again = await run(shop, way.url)

    assert (report.ended, report.counts.imported) == (Ended.STOPPED, 7)
    assert report.detail == "3 failed or in-doubt rows are still to be told of: the broker takes no messages"
    assert again.ended is Ended.DONE
    assert Counter(letter.key for letter in await others.letters()) == Counter([3, 5, 7])


def shut(way: AmqpProxy) -> None:
    """Until it is opened again."""
    way.is_shut = True
    way.cut()


async def test_an_exchange_that_is_missing_is_named_before_anything_is_sent(
    tmp_path: Path, api: Api, amqp_url: str
) -> None:
    shop = await open_shop(tmp_path, api, delivery=NOTICES)

    with pytest.raises(JobError, match=r"takes nothing for the exchange 'migration'.*declare it in the virtual host"):
        await run(shop, amqp_url)

    assert api.asked == []
    assert shop.ask("SELECT COUNT(*) FROM penstock_events") == [(0,)]


async def test_without_a_broker_such_a_job_is_not_begun(tmp_path: Path, api: Api) -> None:
    shop = await open_shop(tmp_path, api, delivery=NOTICES)

    with pytest.raises(JobError, match=r"^delivery.notices .* add --broker amqp://\.\.\., or leave"):
        await shop.run()

    assert api.asked == []
    assert shop.ask("SELECT COUNT(*) FROM penstock_jobs") == [(0,)]


async def test_of_several_workers_the_last_tells_what_is_left(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    bad = {order: REFUSED for order in range(1, 41) if order % 3 == 0}
    api.script = for_orders(dict(bad))
    shop = await open_shop(tmp_path, api, delivery=f"{NOTICES}\nconcurrency: 4", rows=40)

    reports = await asyncio.gather(*[run(shop, amqp_url) for _ in range(3)])

    assert {report.ended for report in reports} == {Ended.DONE}
    assert {letter.key for letter in await others.letters()} == set(bad)


async def test_a_run_that_is_stopped_tells_what_it_knows(
    tmp_path: Path, api: Api, amqp_url: str, others: Mailbox
) -> None:
    stop = Stop()

    async def stop_at_the_fifth(asked: Asked) -> Reply:
        if asked.order == 5:
            stop.drain(Ended.STOPPED, "asked to stop")
        return REFUSED if asked.order in (3, 5) else asked.accepted

    api.script = stop_at_the_fifth
    shop = await open_shop(tmp_path, api, delivery=f"{NOTICES}\nconcurrency: 1")

    report = await run(shop, amqp_url, stop)

    assert (report.ended, report.detail) == (Ended.STOPPED, "asked to stop")
    assert [letter.key for letter in await others.letters()] == [3, 5]
