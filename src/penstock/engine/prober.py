"""Asks the API about rows in doubt (target.probe): now and then while the run has other work, and once more when it has none.

A probe is a request like any other: it waits its turn at the outbox. Nothing is leased: what the API says is written only on a
row that is still the one that was asked about. One worker asks, the oldest; should there be two for a moment, the first answer
counts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from penstock.engine.doubts import GONE, Terms, after_probe, stays
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts, Probing
from penstock.engine.stop import Stop
from penstock.engine.tallies import Tallies
from penstock.errors import RowError, Unreachable
from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.ledger.rows import Asked, Doubt, LedgerRow
from penstock.ledger.states import RowState
from penstock.pacing.backoff import full_jitter
from penstock.rows import KeyText, Row
from penstock.target.verdicts import Blame, ProbeVerdict, StillInDoubt

PAGE = 100  # rows asked about before what the API said is written
AT_ONCE = 8  # probes of one worker
LOOK = 0.5  # seconds between looks at whether it is this worker that asks
# Seconds between two walks over the rows in doubt: twice as long each time, until one brings something.
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 600.0
# So many answers in a row that are about no row, each waited out longer, and the walk is broken off.
PATIENCE = 8


class Prober:
    """asks: whether it is this worker that asks. trouble: why no row can be asked about, "" if rows can."""

    def __init__(
        self,
        parts: Parts,
        probing: Probing,
        outbox: Outbox,
        tallies: Tallies,
        stop: Stop,
        *,
        asks: Callable[[], bool],
    ) -> None:
        settings = parts.settings
        self.trouble = ""
        self._parts = parts
        self._probing = probing
        self._outbox = outbox
        self._tallies = tallies
        self._stop = stop
        self._asks = asks
        self._terms = Terms(settings.total_timeout + probing.after, settings.attempts)
        self._time = asyncio.get_running_loop().time
        self._one_at_a_time = asyncio.Lock()
        self._misses = 0  # answers in a row that are about no row
        self._missed_at = 0.0
        self._not_before = 0.0
        self._noted = ""
        self._is_over = False

    async def probe_now_and_then(self) -> None:
        """The loop for as long as the run has other work."""
        pause = FIRST_PAUSE
        while not self._is_over and not self._stop.is_asked:
            if not self._asks():
                await self._stop.asked_within(LOOK)
                continue
            try:
                has_brought = await self._ask_all() > 0
            except Unreachable:
                has_brought = False  # the reader meets it as well, and tells of it
            pause = FIRST_PAUSE if has_brought else min(2 * pause, LONGEST_PAUSE)
            await self._stop.asked_within(pause)

    async def has_finished(self) -> bool:
        """Nothing else is to be done: ask about every row in doubt once more. False: now rows wait to be delivered again."""
        async with self._one_at_a_time:
            self._is_over = await self._walk() == 0
        return self._is_over

    async def _ask_all(self) -> int:
        async with self._one_at_a_time:
            return 0 if self._is_over else await self._walk()

    async def _walk(self) -> int:
        """Page by page over all rows in doubt. Returns how many of them wait to be delivered again."""
        self._misses = 0
        if not self._may_ask():
            return 0
        self.trouble = ""
        most, waiting = min(PAGE, self._parts.source.rows_at_once), 0
        after: LedgerRow | None = None
        while self._may_ask() and (page := await self._parts.ledger.in_doubt(after, most)):
            waiting += await self._ask_page(page)
            after = page[-1].row
        await self._note()
        return waiting

    def _may_ask(self) -> bool:
        return self._asks() and not self._stop.is_asked and self._is_patient

    @property
    def _is_patient(self) -> bool:
        """Whether it is worth waiting until the API can be asked again."""
        wait = self._not_before - self._time()
        return self._misses < PATIENCE and wait <= self._parts.settings.longest_backoff

    async def _ask_page(self, page: Sequence[Doubt]) -> int:
        rows = await self._parts.source.read_keys([doubt.row.key for doubt in page])
        waiting, asked = deque(page), list[Asked]()
        async with asyncio.TaskGroup() as lanes:
            for _ in range(min(AT_ONCE, len(page))):
                lanes.create_task(self._ask_one_by_one(waiting, rows, asked))
        if not asked:
            return 0
        settled = await self._parts.ledger.settle_asked(asked, self._parts.owner, self._parts.mark)
        states = [one.settlement.state for one in settled]
        self._tallies.found(states.count(RowState.IMPORTED))
        return states.count(RowState.PENDING)

    async def _ask_one_by_one(self, waiting: deque[Doubt], rows: Mapping[KeyText, Row], asked: list[Asked]) -> None:
        while waiting and self._may_ask():
            doubt = waiting.popleft()
            answered = await self._ask(doubt, rows.get(doubt.row.key))
            if answered is not None:
                asked.append(answered)

    async def _ask(self, doubt: Doubt, row: Row | None) -> Asked | None:
        """None: it was not asked about, and will be another time."""
        if row is None:
            return stays(doubt.row, GONE)
        try:
            request = self._probing.render(row)
        except RowError as error:
            return stays(doubt.row, f"not asked about: {error}")
        while self._may_ask() and (verdict := await self._probe(request, row)) is not None:
            if isinstance(verdict, StillInDoubt) and verdict.blame is Blame.JOB:
                continue
            return after_probe(verdict, doubt, self._parts.fingerprint(row), self._terms)
        return None

    async def _probe(self, request: bytes, row: Row) -> ProbeVerdict | None:
        """One request. None: the run is to end."""
        while (wait := self._not_before - self._time()) > 0.0:
            if await self._stop.asked_within(wait):
                return None
        if not self._may_ask() or not await self._outbox.turn():
            return None
        began = self._time()
        try:
            outcome = await self._probing.sender.send(request)
        finally:
            self._outbox.left()
            self._outbox.pump()
        self._tallies.probed()
        verdict = self._probing.judge(outcome, row)
        self._weigh(verdict, began)
        return verdict

    def _weigh(self, verdict: ProbeVerdict, began: float) -> None:
        """Whether rows can be asked about at all. The run goes on: its deliveries have a pace of their own."""
        if not isinstance(verdict, StillInDoubt) or verdict.blame is Blame.ROW:
            self._misses, self.trouble = 0, ""
            return
        if verdict.blame is Blame.JOB:
            self.trouble = verdict.reason
        if began < self._missed_at:
            return  # it was on the wire with the one before, and tells nothing new
        settings = self._parts.settings
        self._misses += 1
        self._missed_at = self._time()
        wait = full_jitter(self._misses, settings.first_backoff, settings.longest_backoff, self._parts.random)
        self._not_before = self._missed_at + max(wait, verdict.retry_after or 0.0)
        if not self._is_patient:
            self.trouble = verdict.reason

    async def _note(self) -> None:
        """Write down that rows cannot be asked about, once for each reason."""
        self._tallies.unasked = self.trouble
        if self.trouble and self.trouble != self._noted:
            told = Event(EventKind.PROBED, f"no row can be asked about: {self.trouble}")
            await self._parts.ledger.note([told], self._parts.owner)
            self._noted = self.trouble
