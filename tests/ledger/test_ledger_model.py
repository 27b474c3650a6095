"""Whatever two workers and a person do in whatever order: it adds up, and no row moves along an edge that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.ledger.contract.bench import ALICE, BOB, PULSE, SECONDS, Bench, bench_at, close, marked, nobody, nothing

from penstock.errors import LeaseLost, LedgerUnreachable
from penstock.ledger.ranges import Lease, Portion, Span, WindowKey
from penstock.ledger.rows import Selection, Settlement
from penstock.ledger.schema import METADATA
from penstock.ledger.states import RowState, is_legal
from penstock.ledger.store import SqlLedger

Result = TypeVar("Result")

SPAN = 3
WORKERS = st.sampled_from([ALICE, BOB])
ENDS = st.sampled_from(list(RowState))
RETRIED = Selection(frozenset({RowState.FAILED, RowState.SKIPPED}))
DOUBTED = Selection(frozenset({RowState.IN_DOUBT}))


class _Work:
    """What a worker has in its hands of one range. It may have been taken from it without its knowing."""

    def __init__(self, lease: Lease, waiting: list[str]) -> None:
        self.lease = lease
        self.batch = lease.batch
        self.windows = 0
        self.waiting = waiting


class LedgerMachine(RuleBasedStateMachine):
    """Alice and Bob deliver spans of three keys; `stored` is what the ledger said after the step before."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.planned = 0
        self.work: dict[str, list[_Work]] = {ALICE: [], BOB: []}
        self.gone: list[_Work] = []
        self.stored: dict[str, str] = {}

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.bench: Bench = self.run(bench_at(self.url))

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.run(self.empty())
        self.runner.close()

    async def empty(self) -> None:
        """As before the first step, for the next example."""
        for table in METADATA.tables:
            await self.bench.sql(f"DELETE FROM {table}")
        await close(self.bench)

    def ledger(self, worker: str) -> SqlLedger:
        return self.bench.alice if worker == ALICE else self.bench.bob

    async def unsettled(self, lease: Lease) -> list[str]:
        """As the engine reads a range: what is final, or another range's, is left out."""
        ledger = self.ledger(lease.owner)
        if lease.kind == "keys":
            return [row.key for row in await ledger.waiting(lease.range_no, None, 100)]
        keys = [str(number) for number in range(int(lease.after or 0), int(lease.upto or 0))]
        known = await ledger.look_up(keys)
        return [
            key
            for key in keys
            if key not in known or (not known[key].state.is_final and known[key].range_no == lease.range_no)
        ]

    def has_work(self) -> bool:
        return bool(self.work[ALICE] or self.work[BOB])

    def pick(self, worker: str) -> _Work | None:
        return self.work[worker][0] if self.work[worker] else None

    @rule(worker=WORKERS)
    def plan(self, worker: str) -> None:
        after = str(self.planned) if self.planned else None
        lease = self.run(self.ledger(worker).plan(after, str(self.planned + SPAN), SPAN, worker, SECONDS))
        assert lease is not None
        self.planned += SPAN
        self.work[worker].append(_Work(lease, self.run(self.unsettled(lease))))

    @rule(worker=WORKERS)
    def lease(self, worker: str) -> None:
        lease = self.run(self.ledger(worker).lease(worker, SECONDS, nothing, nobody))
        if lease is not None:
            self.work[worker].append(_Work(lease, self.run(self.unsettled(lease))))

    @rule(worker=WORKERS)
    def leave_open(self, worker: str) -> None:
        """Take over all that the other has left, for whoever has room."""
        for left in self.run(self.ledger(worker).left(worker, nobody)):
            assert self.run(self.ledger(worker).leave_open(left, worker, nothing))

    @rule(worker=WORKERS, new=st.integers(0, 2), known=st.integers(0, 2))
    def plan_ahead(self, worker: str, new: int, known: int) -> None:
        """Some spans that nobody has planned yet, behind some that others have planned meanwhile."""
        ends = [self.planned + SPAN * number for number in range(-known, new + 1) if self.planned >= -SPAN * number]
        keys = [str(end) if end else None for end in ends]
        spans = [Span(after, str(upto), SPAN) for after, upto in pairwise(keys)]
        assert len(self.run(self.ledger(worker).plan_ahead(spans))) == new
        self.planned += new * SPAN

    @precondition(has_work)
    @rule(worker=WORKERS)
    def open_window(self, worker: str) -> None:
        if (work := self.pick(worker)) is not None:
            work.windows += 1
            keys = [WindowKey(key) for key in work.waiting]
            try:
                self.run(self.ledger(worker).open_window(work.lease, work.windows, keys, 1.0))
            except LeaseLost:
                self.lose(worker, work)
            except LedgerUnreachable:  # its lease has run out, and nobody has taken it: nothing was written
                work.windows -= 1

    @precondition(has_work)
    @rule(worker=WORKERS, end=ENDS, twice=st.booleans())
    def settle(self, worker: str, end: RowState, *, twice: bool) -> None:
        """One row ends, or none is left and the range is done. Twice: its first COMMIT's answer was lost."""
        work = self.pick(worker)
        if work is None:
            return
        ended = work.waiting[:1]
        remaining = len(work.waiting) - (len(ended) if end.is_final else 0)
        portion = Portion(
            work.lease,
            work.batch + 1,
            [Settlement(key, end, 1, 200, end.value) for key in ended],
            remaining=remaining,
            finished=remaining == 0,
        )
        try:
            for _ in range(1 + twice):
                self.run(self.ledger(worker).settle([portion], marked))
        except LeaseLost:
            self.lose(worker, work)
            return
        work.batch += 1
        if end.is_final:
            del work.waiting[:1]
        if portion.finished:
            self.work[worker].remove(work)

    @precondition(has_work)
    @rule(worker=WORKERS)
    def release(self, worker: str) -> None:
        if (work := self.pick(worker)) is not None:
            try:
                self.run(self.ledger(worker).settle([Portion(work.lease, work.batch + 1, release=True)], marked))
            except LeaseLost:
                self.lose(worker, work)
            else:
                self.work[worker].remove(work)

    @precondition(has_work)
    @rule(worker=WORKERS)
    def stall(self, worker: str) -> None:
        """Its lease runs out, and it does not know."""
        if (work := self.pick(worker)) is not None:
            self.run(self.bench.run_out(work.lease))

    @rule(worker=WORKERS)
    def beat(self, worker: str) -> None:
        leases = [work.lease for work in self.work[worker]]
        lost, _ = self.run(self.ledger(worker).renew(leases, SECONDS, worker, PULSE))
        for work in list(self.work[worker]):
            if work.lease.range_no in lost:
                self.lose(worker, work)

    def lose(self, worker: str, work: _Work) -> None:
        self.work[worker].remove(work)
        self.gone.append(work)

    @precondition(lambda self: self.gone)
    @rule(end=ENDS)
    def answer_late(self, end: RowState) -> None:
        work = self.gone[-1]
        answers = [Settlement(key, end, 1, 200, end.value) for key in work.waiting]
        for _ in range(2):
            self.run(self.ledger(work.lease.owner).settle_late(work.lease, answers, marked))

    @rule()
    def retry(self) -> None:
        self.run(self.bench.desk.retry(RETRIED, renew_keys=False))

    @rule(state=st.sampled_from([RowState.IMPORTED, RowState.PENDING, RowState.FAILED]))
    def resolve(self, state: RowState) -> None:
        self.run(self.bench.desk.resolve(DOUBTED, state, receipt=None, note="looked"))

    @rule(worker=WORKERS)
    def sweep(self, worker: str) -> None:
        sweep = self.run(self.ledger(worker).start_sweep(worker, SECONDS))
        if sweep is not None:
            keys = [str(number) for number in range(self.planned + 1)]
            new, _ = self.run(self.ledger(worker).add_keys(keys, lease=sweep, reason="found"))
            self.run(self.ledger(worker).finish_sweep(sweep, new))

    @invariant()
    def it_adds_up(self) -> None:
        if hasattr(self, "bench"):
            self.run(self.bench.assert_it_adds_up())

    @invariant()
    def every_row_moves_along_an_edge(self) -> None:
        if not hasattr(self, "bench"):
            return
        now = self.run(self.bench.states())
        for key, before in self.stored.items():
            after = RowState(now[key])
            assert before == after or is_legal(RowState(before), after), f"row {key}: {before} → {after}"
        self.stored = now

    @invariant()
    def a_pending_row_is_in_a_range_that_is_not_done(self) -> None:
        if hasattr(self, "bench"):
            orphans = self.run(
                self.bench.sql(
                    "SELECT row_key FROM penstock_rows AS r JOIN penstock_ranges AS g USING (range_no) "
                    "WHERE r.state = 'pending' AND g.state = 'done'"
                )
            )
            assert orphans == []


@pytest.mark.parametrize(("database", "examples"), [("sqlite", 60), ("postgresql", 20), ("mariadb", 20)])
def test_p23_it_adds_up_whatever_they_do(database: str, examples: int, request: pytest.FixtureRequest) -> None:
    class Machine(LedgerMachine):
        url = request.getfixturevalue(f"{database}_url")

    every = settings(
        max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Machine, settings=every)
