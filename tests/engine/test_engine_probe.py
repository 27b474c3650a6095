"""Rows in doubt that the API is asked about (target.probe): found, absent, or still in doubt, and never sent on a guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.api import Probed, Reply, serving, tell_the_truth
from tests.engine.asking import LONG_AGO, asking_shop, breaking, details

from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.states import RowState

HTML = Reply(200, b"<h1>Log in</h1>", kind="text/html")


async def test_a_row_that_has_arrived_is_imported_with_its_receipt_and_flag(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=True)
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 10, 0)
    assert (len(api.of(2)), api.applied[2]) == (1, 1)
    row = await shop.row("2")
    assert (row.state, row.receipt, row.status, row.reason) == (RowState.IMPORTED, "N-2", 200, None)
    assert set(shop.flags().values()) == {1}
    assert await details(shop, "2") == ["in_doubt → imported: it has arrived (answered 200)"]
    assert (report.tally.imported, report.tally.attempts) == (10, 10)
    assert report.tally.probes == len(api.probed)


async def test_the_question_has_the_jobs_headers_and_neither_key_nor_body(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=True)
        await shop.run()
    head, _, body = api.probed[0].content.partition(b"\r\n\r\n")
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    assert head.startswith(b"GET /orders?number=2 HTTP/1.1\r\n")
    assert b"Authorization: Bearer token-of-the-shop" in head
    assert b"Cache-Control: no-cache" in head
    assert b"idempotency-key" not in names
    assert b"content-type" not in names
    assert body == b""


async def test_a_row_that_is_absent_too_early_stays_in_doubt_and_is_asked_about_by_the_next_run(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        early = await shop.run()
        again = await shop.run()
        assert early.ended is again.ended is Ended.DONE
        assert (again.counts.in_doubt, len(api.of(2))) == (1, 1)
        assert await details(shop, "2") == [
            "still in doubt: not there (answered 200), which counts 605 s after it fell into doubt"
        ]
        assert again.doubts is not None
        assert (again.doubts.rows, again.doubts.young) == (1, 1)
        assert 500.0 < again.doubts.seconds <= 605.0
        await shop.change(LONG_AGO)
        late = await shop.run()
    assert (late.counts.imported, late.counts.in_doubt) == (10, 0)


async def test_a_row_that_is_absent_late_enough_is_delivered_once_more(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        await shop.run()
        await shop.change(LONG_AGO)
        report = await shop.run()
        third = await shop.run()
    assert (report.ended, report.counts.imported) == (Ended.DONE, 10)
    assert (len(api.of(2)), api.applied[2], third.tally.attempts) == (2, 1, 0)
    assert {asked.idempotency_key for asked in api.of(2)} == {api.of(2)[0].idempotency_key}
    row = await shop.row("2")
    assert (row.state, row.attempts, row.receipt) == (RowState.IMPORTED, 2, "N-2")
    event = (await details(shop, "2"))[-1]
    assert event.startswith("in_doubt → pending: it has not arrived (answered 200, asked ")
    assert set(shop.flags().values()) == {1}


async def test_the_age_of_a_doubt_begins_anew_with_each_time_it_was_sent(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False, times=99)
        await shop.run()
        await shop.change(LONG_AGO)
        report = await shop.run()
    assert (report.ended, report.counts.in_doubt) == (Ended.DONE, 1)
    assert (len(api.of(2)), (await shop.row("2")).attempts) == (2, 2)


async def test_a_row_whose_attempts_are_used_up_fails_instead(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, delivery="attempts: 2")
        breaking(api, 2, stores=False, times=99)
        for _ in range(3):
            report = await shop.run()
            await shop.change(LONG_AGO)
    assert (report.counts.failed, report.counts.in_doubt, len(api.of(2))) == (1, 0, 2)
    row = await shop.row("2")
    assert row.reason == "answered 500; not there when asked; attempts used up"


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (
            "UPDATE orders SET amount = amount + 1 WHERE id = 2",
            "still in doubt: not there (answered 200), but the row has changed since it was sent",
        ),
        ("DELETE FROM orders WHERE id = 2", "not asked about: gone from the query"),
        (
            "UPDATE penstock_rows SET fingerprint = NULL WHERE row_key = '2'",
            "still in doubt: not there (answered 200), but nobody knows what exactly was sent",
        ),
    ],
    ids=["changed", "gone", "unknown"],
)
async def test_absent_counts_only_while_the_row_is_what_it_was(tmp_path: Path, change: str, detail: str) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        await shop.run()
        await shop.change(LONG_AGO)
        await shop.change(change)
        report = await shop.run()
    assert (report.ended, report.counts.in_doubt, len(api.of(2))) == (Ended.DONE, 1, 1)
    assert (await details(shop, "2"))[-1] == detail


async def test_found_counts_though_the_row_has_changed_and_what_was_sent_is_kept(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await asking_shop(tmp_path, api, after="1s")
        breaking(api, 2, stores=False)
        await shop.run()
        before = await shop.row("2")
        api.applied[2] += 1  # it had been under way
        await shop.change("UPDATE orders SET amount = amount + 1 WHERE id = 2")
        report = await shop.run()
    assert report.counts.imported == 10
    assert (await shop.row("2")).fingerprint == before.fingerprint is not None


NOTHING_OF_THE_ROW = {
    "neither": (Reply(200, b'{"total":2}'), "answered 200, and neither target.probe.found nor absent holds"),
    "no JSON": (Reply(200, b"?", kind="text/plain"), "answered 200, and neither target.probe.found nor absent holds"),
    "500": (Reply(500, b'{"total":0}'), "answered 500"),
    "closed": (None, "closed without an answer"),
}


@pytest.mark.parametrize("case", NOTHING_OF_THE_ROW)
async def test_an_answer_that_says_nothing_of_the_row_leaves_it_in_doubt(tmp_path: Path, case: str) -> None:
    reply, reason = NOTHING_OF_THE_ROW[case]

    async def answer(_: Probed) -> Reply | None:
        return reply

    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        api.probe_script = answer
        await shop.run()
        await shop.change(LONG_AGO)
        report = await shop.run()
    assert (report.ended, report.counts.in_doubt, len(api.of(2))) == (Ended.DONE, 1, 1)
    told = await details(shop, "2")
    assert [detail.partition("; the API said: ")[0] for detail in told] == [f"still in doubt: {reason}"]


ABOUT_NO_ROW = {
    "401": (Reply(401, b'{"total":0}'), "answered 401; look at target.headers: who is asking?"),
    "302": (
        Reply(302, b'{"total":0}', headers={"Location": "http://127.0.0.1/x"}),
        "answered 302, a redirect to http://127.0.0.1; redirects are never followed, see target.probe.url",
    ),
    "html": (
        HTML,
        "answered 200 with text/html; look at target.probe.url and target.headers: is it a page to log in?",
    ),
    "429": (Reply(429, b'{"total":0}', headers={"Retry-After": "3600"}), "throttled with 429"),
}


@pytest.mark.parametrize("case", ABOUT_NO_ROW)
async def test_an_answer_about_no_row_charges_none_and_ends_no_run(tmp_path: Path, case: str) -> None:
    reply, reason = ABOUT_NO_ROW[case]

    async def answer(_: Probed) -> Reply | None:
        return reply

    async with serving() as api:
        shop = await asking_shop(tmp_path, api)
        breaking(api, 2, stores=False)
        api.probe_script = answer
        report = await shop.run()
        assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, 9, 1)
        assert report.tally.unasked == reason
        assert (await details(shop, "2"), len(api.of(2))) == ([], 1)
        noted = [event.detail for event in await shop.events(EventKind.PROBED)]
        assert noted == [f"no row can be asked about: {reason}"]
        api.probe_script = tell_the_truth
        await shop.change(LONG_AGO)
        again = await shop.run()
    assert (again.counts.imported, again.tally.unasked) == (10, "")
