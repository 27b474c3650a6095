"""Workers, an API, a probe, a person and a clock, in whatever order: no row is applied twice, and none that was is forgotten.

Beside tests/ledger/test_ledger_model.py, which lets rows become anything and looks whether it adds up, here each row becomes what
the API did with it, so that what the ledger says can be compared with the truth.

PENSTOCK_PROOF_MODEL: so many examples on each kind of database (`make proof`); without it a few on SQLite alone.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
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
from tests.ledger.contract.bench import ALICE, BOB, Bench, bench_at, close, identity, marked
from tests.ledger.delivering import Fate, Work, Worker

from penstock.events import EventKind
from penstock.ledger.rows import Asked, LedgerRow, Selection, Settlement
from penstock.ledger.schema import METADATA
from penstock.ledger.states import RowState, is_legal

Result = TypeVar("Result")

LONG = os.environ.get("PENSTOCK_PROOF_MODEL")
DATABASES = ["sqlite", "mariadb", "postgresql"] if LONG else ["sqlite"]
SPAN = 3
MOST_KEYS = 4 * SPAN
WHO = st.sampled_from([ALICE, BOB])
WHICH = st.integers(0, 3)
FATES = st.lists(st.sampled_from(Fate), max_size=SPAN)
RETRIED = Selection(frozenset({RowState.FAILED, RowState.SKIPPED}))

# All that the ledger has timed by its clock, an hour off: as after a jump of that clock, which no test may set.
_JUMP = {
    "mysql": "{column} {sign} INTERVAL 1 HOUR",
    "postgresql": "{column} {sign} INTERVAL '1 hour'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {column}, '{sign}1 hour')",
}
_TIMED = (("penstock_ranges", "lease_until"), ("penstock_workers", "alive_until"), ("penstock_rows", "updated_at"))


def whatever(_: Work) -> bool:
    return True


def may_go(work: Work) -> bool:
    return bool(work.waiting or work.announced)


class DeliveryMachine(RuleBasedStateMachine):
    """Alice and Bob deliver spans of three keys to an API that remembers what it has applied. Whoever dies comes back under
    another name."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.planned = 0
        self.lives = 0
        self.dead: set[str] = set()
        self.workers: dict[str, Worker] = {}
        self.applied: Counter[str] = Counter()
        self.asked: list[tuple[LedgerRow, bool | None]] = []
        self.stored: dict[str, str] = {}

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.bench: Bench = self.run(bench_at(self.url))
        for who in (ALICE, BOB):
            self.run(self.start(who))
            self.plan(who)

    async def start(self, who: str) -> None:
        self.lives += 1
        [(job_id,)] = await self.bench.sql("SELECT job_id FROM penstock_jobs")
        worker = Worker(
            self.bench.database, f"{who}-{self.lives}", Path(self.folder.name), int(str(job_id)), self.dead.__contains__
        )
        await worker.ledger.join(identity(), worker.owner, "here", self.lives)
        self.workers[who] = worker

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.run(self.empty())
        self.runner.close()
        self.folder.cleanup()

    async def empty(self) -> None:
        """As before the first step, for the next example."""
        for worker in self.workers.values():
            worker.die()
        for table in METADATA.tables:
            await self.bench.sql(f"DELETE FROM {table}")
        await close(self.bench)

    def works(self, of: Callable[[Work], bool]) -> list[tuple[Worker, Work]]:
        """Such ranges in somebody's hands."""
        return [(worker, work) for worker in self.workers.values() for work in worker.works if of(work)]

    def pick(self, which: int, of: Callable[[Work], bool]) -> tuple[Worker, Work]:
        works = self.works(of)
        return works[which % len(works)]

    def are(self, *states: RowState) -> list[str]:
        """The keys of rows that the ledger knows as such."""
        return [key for key, state in self.stored.items() if state in states]

    @rule(who=WHO)
    def take(self, who: str) -> None:
        """What there is to lease, else the next of a few spans: they are to meet at the same rows again and again."""
        if not self.run(self.workers[who].lease()) and self.planned < MOST_KEYS:
            self.plan(who)

    def plan(self, who: str) -> None:
        after = str(self.planned) if self.planned else None
        self.run(self.workers[who].plan(after, str(self.planned + SPAN), SPAN))
        self.planned += SPAN

    @precondition(lambda self: self.works(may_go))
    @rule(which=WHICH, most=st.integers(1, SPAN), fates=FATES)
    def deliver(self, which: int, most: int, fates: list[Fate]) -> None:
        """Write some rows down, and send as many of these as there are fates."""
        worker, work = self.pick(which, may_go)
        self.deliver_some(worker, work, fates, most)

    @precondition(lambda self: self.works(may_go))
    @rule(which=WHICH, fates=FATES)
    def deliver_and_settle(self, which: int, fates: list[Fate]) -> None:
        """As it goes mostly."""
        worker, work = self.pick(which, may_go)
        self.deliver_some(worker, work, [*fates, Fate.ACCEPTED, Fate.ACCEPTED, Fate.ACCEPTED])
        if work in worker.works and worker.owner not in self.dead:
            self.run(worker.settle(work, 3 * SPAN))

    def deliver_some(self, worker: Worker, work: Work, fates: list[Fate], most: int = SPAN) -> None:
        """Until there are no more, or until it dies of one."""
        self.run(worker.announce(work, most))
        for fate in fates:
            if not work.announced or not work.trusts or work not in worker.works:
                return
            self.applied[self.in_loop(partial(worker.send, work, fate))] += fate.is_applied
            if fate.heard is None:
                self.replace(worker)
                return

    def in_loop(self, act: Callable[[], Result]) -> Result:
        """The journal writes when the loop turns."""

        async def turn() -> Result:
            done = act()
            await asyncio.sleep(0)
            return done

        return self.run(turn())

    @precondition(lambda self: self.works(whatever))
    @rule(which=WHICH, most=st.integers(1, 2 * SPAN), skips=st.booleans())
    def settle(self, which: int, most: int, *, skips: bool) -> None:
        worker, work = self.pick(which, whatever)
        if skips:
            self.in_loop(partial(worker.skip, work))
        self.run(worker.settle(work, most))

    @precondition(lambda self: self.works(whatever))
    @rule(which=WHICH, fates=FATES, end=st.sampled_from(["dies", "stalls", "gives back"]), is_taken=st.booleans())
    def break_off(self, which: int, fates: list[Fate], end: str, *, is_taken: bool) -> None:
        """In the middle of its work. A lease that runs out: by its own clock the worker knows that it may not send, not whether
        another takes the range."""
        worker, work = self.pick(which, whatever)
        self.deliver_some(worker, work, fates)
        if worker.owner not in self.dead and work in worker.works:
            match end:
                case "dies":
                    self.replace(worker)
                case "stalls":
                    work.trusts = False
                    self.run(self.bench.run_out(work.lease))
                case _:
                    self.run(worker.give_back(work))
        if is_taken:
            self.run(self.other_than(worker).lease())

    def replace(self, worker: Worker) -> None:
        worker.die()
        self.dead.add(worker.owner)
        self.run(self.start(worker.owner.partition("-")[0]))

    def other_than(self, worker: Worker) -> Worker:
        return next(other for other in self.workers.values() if other.owner[0] != worker.owner[0])

    @rule(who=WHO, what=st.sampled_from(["beats", "sweeps", "hears no COMMIT", "+", "-"]))
    def go_on(self, who: str, what: str) -> None:
        """A heartbeat; a sweep; the answer to the next COMMIT is lost; the ledger's clock jumps back or forth."""
        worker = self.workers[who]
        match what:
            case "beats":
                self.run(worker.beat())
            case "sweeps":
                self.run(worker.sweep([str(number) for number in range(self.planned + 1)]))
            case "hears no COMMIT":
                worker.transactions.loses = 1
            case sign:
                hours = _JUMP[self.bench.database.kind.replace("mariadb", "mysql")]
                for table, column in _TIMED:
                    self.run(self.bench.sql(f"UPDATE {table} SET {column} = {hours.format(column=column, sign=sign)}"))

    @precondition(lambda self: any(worker.lost for worker in self.workers.values()))
    @rule()
    def tell_late(self) -> None:
        worker = next(worker for worker in self.workers.values() if worker.lost)
        self.run(worker.tell_late())

    @precondition(lambda self: self.are(RowState.IN_DOUBT))
    @rule(who=WHO)
    def ask(self, who: str) -> None:
        """The API is asked about every row in doubt; what it said is told later."""
        doubts = self.run(self.workers[who].ledger.in_doubt(None, 100))
        self.asked = [(doubt.row, self.truth(doubt.row.key)) for doubt in doubts]

    @precondition(lambda self: self.asked)
    @rule(who=WHO)
    def tell(self, who: str) -> None:
        asked, self.asked = [self.asked_about(row, arrived) for row, arrived in self.asked], []
        self.run(self.workers[who].ledger.settle_asked(asked, self.workers[who].owner, marked))

    def asked_about(self, row: LedgerRow, arrived: bool | None) -> Asked:
        after = {True: RowState.IMPORTED, False: RowState.PENDING, None: RowState.IN_DOUBT}[arrived]
        return Asked(row, Settlement(row.key, after, row.attempts, 200), f"asked: {arrived}")

    def truth(self, key: str) -> bool | None:
        """Whether it has arrived; None: not yet, and it may still go out. (Who asks late enough does not meet that.)"""
        if self.applied[key]:
            return True
        return None if self.works(lambda work: key in work.announced and work.trusts) else False

    @precondition(lambda self: self.are(RowState.IN_DOUBT, RowState.FAILED, RowState.SKIPPED))
    @rule(gives_up=st.booleans())
    def decide(self, *, gives_up: bool) -> None:
        """A person who has looked."""
        self.run(self.bench.desk.retry(RETRIED, renew_keys=False))
        doubted = self.are(RowState.IN_DOUBT)
        for arrived, state in ((True, RowState.IMPORTED), (False, RowState.FAILED if gives_up else RowState.PENDING)):
            keys = [key for key in doubted if self.truth(key) is arrived]
            if keys:
                selection = Selection(frozenset({RowState.IN_DOUBT}), keys)
                self.run(self.bench.desk.resolve(selection, state, receipt=None, note="looked"))

    @invariant()
    def it_adds_up(self) -> None:
        if hasattr(self, "bench"):
            self.run(self.bench.assert_it_adds_up())

    @invariant()
    def the_ledger_tells_the_truth(self) -> None:
        """Each row by itself: what it may have become, and what has become of it."""
        if not hasattr(self, "bench"):
            return
        now = self.run(self.bench.states())
        windows = self.run(self.bench.sql("SELECT row_keys FROM penstock_windows"))
        for key, state in now.items():
            before = RowState(self.stored.get(key, RowState.PENDING))
            assert before == state or is_legal(before, RowState(state)), f"row {key}: {before} → {state}"
            assert state != RowState.IMPORTED or self.applied[key], f"row {key} is imported, and never was applied"
        for key, times in self.applied.items():
            is_claimed = any(f'["{key}",' in str(keys) for (keys,) in windows)
            known = now.get(key, "not in the ledger")
            assert times <= 1, f"row {key} was applied twice"
            assert not times or is_claimed or known in (RowState.IMPORTED, RowState.IN_DOUBT), (
                f"row {key} was applied, and is {known}"
            )
        self.stored = now

    @invariant()
    def nobody_is_told_of_a_row_sent_twice(self) -> None:
        if hasattr(self, "bench"):
            assert EventKind.SENT_TWICE not in self.run(self.bench.kinds())


@pytest.mark.parametrize("database", DATABASES)
def test_p23_no_row_is_applied_twice_and_none_that_was_is_forgotten(
    database: str, request: pytest.FixtureRequest
) -> None:
    class Machine(DeliveryMachine):
        url = request.getfixturevalue(f"{database}_url")

    every = settings(
        max_examples=int(LONG or 60), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Machine, settings=every)
