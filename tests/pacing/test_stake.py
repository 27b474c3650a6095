"""Workers that share a limit through the ledger alone, whose heartbeats come, take long and get lost as chance has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.pacing.stake import Need, Stake, wished_rate

TOTAL = 100.0
EVERYTHING = math.inf
DEMANDS = (0.0, 10.0, 40.0, EVERYTHING, EVERYTHING)


@dataclass
class Worker:
    """demand: how much it could use. told: what its heartbeat under way tells; read: the others' stakes as that has read them."""

    demand: float
    stake: Stake = field(default_factory=Stake)
    told: float | None = None
    read: list[float] | None = None

    def hear(self) -> None:
        assert self.told is not None
        assert self.read is not None
        use = self.stake.use
        need = Need(min(use, self.demand), self.demand >= use)
        wish = wished_rate(TOTAL, TOTAL / (len(self.read) + 1), self.stake, self.told, self.read, need)
        self.stake.heard(self.told, wish=wish, total=TOTAL, elsewhere=sum(self.read))
        self.told = self.read = None


class Ledger:
    """Of each worker the stake that stands there; None: it has not joined, or is gone."""

    def __init__(self, demands: list[float]) -> None:
        self.workers = [Worker(demand) for demand in demands]
        self.stands: list[float | None] = [None for _ in demands]

    def join(self, number: int) -> None:
        if self.stands[number] is None:
            self.stands[number] = EVERYTHING

    def leave(self, number: int) -> None:
        """Dead: it uses nothing."""
        self.workers[number] = Worker(self.workers[number].demand)
        self.stands[number] = None

    def write_and_read(self, number: int) -> None:
        """The transaction of a heartbeat, to its COMMIT; what it has read comes later."""
        worker = self.workers[number]
        if self.stands[number] is None or worker.told is not None:
            return
        # Others that write at the same time are not seen.
        worker.told = worker.stake.telling()
        worker.read = [stands for other, stands in enumerate(self.stands) if other != number and stands is not None]
        self.stands[number] = worker.told

    def lose_the_answer(self, number: int) -> None:
        worker = self.workers[number]
        if worker.told is not None:
            worker.stake.missed(worker.told)
            worker.told = worker.read = None

    def hear(self, number: int) -> None:
        if self.workers[number].told is not None:
            self.workers[number].hear()

    def lose_the_heartbeat(self, number: int) -> None:
        worker = self.workers[number]
        if self.stands[number] is not None and worker.told is None:
            worker.stake.missed(worker.stake.telling())

    def be_away(self, _: int) -> None:
        for number in range(len(self.workers)):
            self.lose_the_heartbeat(number)

    def write_at_once(self, number: int) -> None:
        """Two transactions at the same time: neither sees what the other writes."""
        both = [number, (number + 1) % len(self.workers)]
        before = list(self.stands)
        for one in both:
            self.write_and_read(one)
        for one in both:
            worker = self.workers[one]
            if worker.read is not None:
                worker.read = [stands for other, stands in enumerate(before) if other != one and stands is not None]

    def beat(self, number: int) -> None:
        self.write_and_read(number)
        self.hear(number)

    def want_another(self, number: int) -> None:
        self.workers[number].demand = DEMANDS[(number + int(self.used)) % len(DEMANDS)]

    @property
    def used(self) -> float:
        return sum(worker.stake.use for worker in self.workers)


# As often as each should happen: long lives, and many heartbeats.
ACTS: Mapping[Callable[[Ledger, int], None], int] = {
    Ledger.join: 4,
    Ledger.leave: 1,
    Ledger.write_and_read: 8,
    Ledger.write_at_once: 8,
    Ledger.hear: 12,
    Ledger.beat: 6,
    Ledger.lose_the_answer: 2,
    Ledger.lose_the_heartbeat: 2,
    Ledger.be_away: 4,
    Ledger.want_another: 2,
}


@pytest.mark.parametrize("seed", range(40))
def test_all_together_never_use_more_than_the_limit(seed: int) -> None:
    random = Random(seed)
    ledger = Ledger([random.choice(DEMANDS) for _ in range(random.randint(2, 4))])
    most = 0.0
    for _ in range(2000):
        [act] = random.choices(list(ACTS), list(ACTS.values()))
        act(ledger, random.randrange(len(ledger.workers)))
        most = max(most, ledger.used)
        assert most <= TOTAL * (1 + 1e-9)
    assert most >= 0.99 * TOTAL


def settled(demands: list[float], rounds: int = 12) -> Ledger:
    ledger = Ledger(demands)
    for number in range(len(demands)):
        ledger.join(number)
    for _ in range(rounds):
        for number in range(len(demands)):
            ledger.beat(number)
    return ledger


def test_a_worker_that_is_alone_has_everything_with_its_first_heartbeat() -> None:
    assert settled([EVERYTHING], rounds=1).used == TOTAL


@given(workers=st.integers(1, 8))
def test_workers_that_all_want_more_leave_nothing_unused(workers: int) -> None:
    ledger = settled([EVERYTHING] * workers, rounds=4)
    assert ledger.used >= 0.999 * TOTAL


def test_a_newcomer_has_its_part_three_heartbeats_later() -> None:
    ledger = settled([EVERYTHING, EVERYTHING, EVERYTHING])
    ledger.leave(2)
    for _ in range(6):
        ledger.beat(0)
        ledger.beat(1)
    assert ledger.used >= 0.98 * TOTAL
    ledger.join(2)
    for _ in range(3):
        for number in range(3):
            ledger.beat(number)
    assert ledger.workers[2].stake.use >= 0.33 * TOTAL


@given(idle=st.integers(1, 6), busy=st.integers(1, 4), needs=st.sampled_from([0.0, 1.0, 5.0]))
def test_what_some_cannot_use_is_used_by_the_others(idle: int, busy: int, needs: float) -> None:
    ledger = settled([needs] * idle + [EVERYTHING] * busy, rounds=20)
    sent = sum(min(worker.stake.use, worker.demand) for worker in ledger.workers)
    assert sent >= TOTAL - idle * needs * 0.26 - 0.04 * TOTAL


def test_who_needs_its_part_again_gets_it_back() -> None:
    ledger = settled([0.0, EVERYTHING, EVERYTHING])
    assert ledger.workers[0].stake.use < 0.02 * TOTAL
    ledger.workers[0].demand = EVERYTHING
    for _ in range(4):
        for number in range(3):
            ledger.beat(number)
    assert ledger.workers[0].stake.use >= 0.33 * TOTAL


def test_less_is_used_at_once_when_the_limit_is_lowered() -> None:
    stake = Stake()
    stake.heard(EVERYTHING, wish=EVERYTHING, total=EVERYTHING, elsewhere=EVERYTHING)
    assert stake.use == EVERYTHING
    assert stake.heard(EVERYTHING, wish=50.0, total=100.0, elsewhere=EVERYTHING), "the others are to hear of it"
    assert stake.use == 50.0
    assert stake.telling() == 50.0


def test_what_is_on_the_wire_is_told_until_it_has_ended() -> None:
    stake = Stake()
    stake.heard(EVERYTHING, wish=8, total=8, elsewhere=0)
    assert stake.heard(8, wish=4, total=8, elsewhere=EVERYTHING), "the others are to hear of it"
    assert (stake.use, stake.telling(7), stake.telling(2)) == (4, 7, 4)
