"""Which ranges that others have left behind are taken over, by whom, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from penstock.engine import rescuer
from penstock.engine.rescuer import LOOKERS, Rescuer
from penstock.engine.stop import Stop
from penstock.errors import LedgerUnreachable
from penstock.ledger.base import IsDead, Recall
from penstock.ledger.ranges import Left
from penstock.ledger.workers import Control

RUN_OUT = Left(7, 3, is_proven=False)
PROVEN = Left(8, 1, is_proven=True)
EVERY, PATIENCE = 0.01, 0.1


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescuer, "EVERY", EVERY)
    monkeypatch.setattr(rescuer, "PATIENCE", PATIENCE)


class Looked:
    """A ledger that shows at each look what `show` gives for its number, until `stop_at` looks have been taken."""

    def __init__(self, show: Callable[[int], Sequence[Left]], stop: Stop, stop_at: int = 10**6) -> None:
        self.looks: list[float] = []
        self.opened: list[tuple[Left, float]] = []
        self._show = show
        self._stop = stop
        self._stop_at = stop_at

    async def left(self, owner: str, is_dead: IsDead) -> Sequence[Left]:
        self.looks.append(asyncio.get_running_loop().time())
        if len(self.looks) >= self._stop_at:
            self._stop.drain()
        return self._show(len(self.looks))

    async def leave_open(self, left: Left, owner: str, recall: Recall) -> bool:
        self.opened.append((left, asyncio.get_running_loop().time()))
        self._stop.drain()
        return True


def control(rank: int = 0) -> Control:
    return Control(paused=False, rate=None, concurrency=None, workers=9, rank=rank)


async def rescue(ledger: Looked, stop: Stop, heard: Callable[[], Control | None] = control) -> int:
    """Until asked to stop. Returns how often it was told that a range is open."""
    told: list[None] = []
    it = Rescuer(
        ledger,
        stop,
        owner="me",
        is_dead=lambda _: False,
        recall=lambda _owner, _range_no, _fence: (),
        heard=heard,
        tell=lambda: told.append(None),
    )
    async with asyncio.timeout(20):
        await it.rescue_for_ever()
    return len(told)


async def test_a_lease_that_is_seen_to_have_run_out_is_taken_over_after_a_while() -> None:
    stop = Stop()
    ledger = Looked(lambda _: [RUN_OUT], stop)

    assert await rescue(ledger, stop) == 1

    [(left, at)] = ledger.opened
    assert left == RUN_OUT
    assert at - ledger.looks[0] >= PATIENCE
    assert len(ledger.looks) > 1


async def test_a_worker_that_is_proven_dead_is_not_waited_for() -> None:
    stop = Stop()
    ledger = Looked(lambda _: [RUN_OUT, PROVEN], stop)

    await rescue(ledger, stop)

    assert [left for left, _ in ledger.opened] == [PROVEN]
    assert len(ledger.looks) == 1


async def test_a_lease_that_was_renewed_meanwhile_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, renewed = Stop(), 3
    ledger = Looked(lambda look: [] if look == renewed else [RUN_OUT], stop)

    await rescue(ledger, stop)

    [(_, at)] = ledger.opened
    assert at - ledger.looks[renewed] >= PATIENCE


async def test_after_the_ledger_was_out_of_reach_all_are_waited_for_anew() -> None:
    """Then every lease has run out, and those that live are about to renew theirs."""
    stop, gone = Stop(), 3

    def show(look: int) -> Sequence[Left]:
        if look == gone:
            raise LedgerUnreachable("gone")
        return [RUN_OUT]

    ledger = Looked(show, stop)
    await rescue(ledger, stop)

    [(_, at)] = ledger.opened
    assert at - ledger.looks[gone] >= PATIENCE


async def test_only_the_oldest_look_and_nobody_before_it_knows_how_old_it_is() -> None:
    stop = Stop()
    ledger = Looked(lambda _: [PROVEN], stop)
    ranks = iter([None, control(LOOKERS), control(LOOKERS + 5), control(LOOKERS - 1)])

    await rescue(ledger, stop, lambda: next(ranks))

    assert len(ledger.looks) == len(ledger.opened) == 1
    assert next(ranks, "all were asked for") == "all were asked for"


async def test_one_that_was_young_meanwhile_waits_anew() -> None:
    stop = Stop()
    ledger = Looked(lambda _: [RUN_OUT], stop)
    heard = iter([control(), control(LOOKERS)])

    await rescue(ledger, stop, lambda: next(heard, control()))

    [(_, at)] = ledger.opened
    assert at - ledger.looks[1] >= PATIENCE


async def test_asked_to_stop_it_takes_nothing_over() -> None:
    stop = Stop()
    ledger = Looked(lambda _: [PROVEN], stop, stop_at=1)

    assert await rescue(ledger, stop) == 0

    assert ledger.opened == []
