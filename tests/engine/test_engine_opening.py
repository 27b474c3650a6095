"""How a run begins, and begins again after a hold: one request feels its way before the others follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.shop import open_shop

from penstock.engine.stop import Ended
from penstock.rows import Row
from penstock.target.base import Outcome
from penstock.target.verdicts import Verdict
from penstock.wiring import running

LATENCY = 0.03  # long enough for another request to come in between, were one allowed


async def test_every_row_is_sent_once_and_imported_with_its_receipt(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=50, delivery="concurrency: 8")
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 50, 0)
    assert sorted(api.orders) == list(range(1, 51))
    assert (await shop.row("7")).receipt == "N-7"


async def test_a_run_starts_with_one_request_and_opens_up_after_the_first_accepted_answer(tmp_path: Path) -> None:
    together = asyncio.Barrier(8)

    async def answer(asked: Asked) -> Reply:
        if asked.number <= 3:  # the first two rows are refused: that is no reason to open up
            await asyncio.sleep(LATENCY)
            return Reply(422) if asked.number < 3 else asked.accepted
        await together.wait()
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=3 + 16, delivery="concurrency: 8")
        report = await shop.run()
    assert [asked.in_flight for asked in api.asked[:4]] == [1, 1, 1, 1]
    assert api.most_in_flight == 8
    assert (report.counts.imported, report.counts.failed) == (17, 2)


async def test_after_a_hold_it_opens_up_as_at_the_start(tmp_path: Path) -> None:
    together = asyncio.Barrier(4)

    async def answer(asked: Asked) -> Reply:
        match asked.number:
            case 1:
                return asked.accepted
            case 2 | 3 | 4 | 5:  # the run has opened up; then nobody is let in any more
                await together.wait()
                return Reply(401)
            case 6 | 7 | 8:
                await asyncio.sleep(LATENCY)
                return Reply(401)
            case 9:
                await asyncio.sleep(LATENCY)
                return asked.accepted
            case _:
                await together.wait()
                return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=6, delivery="concurrency: 4")
        report = await shop.run()
    assert [asked.in_flight for asked in api.asked[5:10]] == [1, 1, 1, 1, 1]
    assert len(api.asked) == 13
    assert report.counts.imported == 6


async def test_auto_starts_at_one_and_finds_out_that_more_can_be_borne(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> Reply:
        await asyncio.sleep(0.005)
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, rows=300, delivery="max_concurrency: 12")
        report = await shop.run()
    assert [asked.in_flight for asked in api.asked[:2]] == [1, 1]
    assert 4 <= api.most_in_flight <= 12
    assert report.counts.imported == 300


async def test_a_fault_of_our_own_while_an_answer_is_acted_on_ends_the_run_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop would swallow it, and the run wait for ever."""

    def no_classifier(*_: object) -> Callable[[Outcome, Row], Verdict]:
        def classify(outcome: Outcome, row: Row) -> Verdict:
            raise ZeroDivisionError(f"for {row.key}")

        return classify

    monkeypatch.setattr(running, "classifier", no_classifier)
    async with serving() as api, asyncio.timeout(30):
        shop = await open_shop(tmp_path, api, rows=20)
        with pytest.raises(ExceptionGroup) as raised:
            await shop.run()
    assert raised.group_contains(ZeroDivisionError, match="for 1")
    assert api.orders == [1]
