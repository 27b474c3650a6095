"""One worker of a job: the loops, how they are tied together, and the order in which they end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass

from penstock.engine.ahead import count_ahead
from penstock.engine.announcer import CHUNK, Announcer
from penstock.engine.delivery import Delivery, OpenRanges
from penstock.engine.dispatcher import Dispatcher
from penstock.engine.feeder import PAGES_AHEAD, Feeder, RowLimit
from penstock.engine.flagging import Flagging
from penstock.engine.heartbeat import Heartbeat
from penstock.engine.outbox import Outbox
from penstock.engine.parts import Parts
from penstock.engine.planner import Planner
from penstock.engine.prober import Prober
from penstock.engine.reader import Reader
from penstock.engine.report import Progress, Tally
from penstock.engine.rescuer import Rescuer
from penstock.engine.senders import Senders
from penstock.engine.settler import LAST_PATIENCE, Settler
from penstock.engine.speedometer import Speedometer, limited_by
from penstock.engine.stakes import Stakes
from penstock.engine.stop import Ended, Stop
from penstock.engine.tallies import Tallies
from penstock.engine.watch import Watch
from penstock.errors import LedgerUnreachable, PenstockError
from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.ledger.workers import Control, Pulse
from penstock.pacing.mishaps import Mishaps

LOOK = 0.05  # seconds between looks at whether the last rows have ended
SHOW = 1.0  # seconds between two looks for people
# Each look reads what all workers have in windows: with more of them than these, each looks less often.
LOOK_EVERY_SECOND = 8

Show = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What this run is to do. only: deliver this range and nothing else. limit: at most so many rows. rate: requests per
    second at most (math.inf: as the job says). seconds: end softly after so long."""

    only: int | None = None
    limit: int | None = None
    rate: float = math.inf
    seconds: float | None = None

    @property
    def is_bounded(self) -> bool:
        return self.only is not None or self.limit is not None

    @property
    def longest(self) -> float:
        """Seconds until it is to end; 0 where the time is over already, math.inf where there is no such time."""
        return math.inf if self.seconds is None else self.seconds


class Worker:
    """Made inside the running loop; good for one `run`. limit, tallies, stakes, began: of the whole run, which may take several
    workers, one after the other."""

    def __init__(
        self,
        parts: Parts,
        task: Task,
        *,
        limit: RowLimit,
        tallies: Tallies,
        stakes: Stakes,
        began: float,
        stop: Stop,
        show: Show | None,
        loops: asyncio.TaskGroup,
    ) -> None:
        settings = parts.settings
        self._parts = parts
        self._task = task
        self._stop = stop
        self._show = show
        self._loops = loops
        self._time = asyncio.get_running_loop().time
        self._began = began
        self._limit = limit
        self._tallies = tallies
        self._speed = Speedometer(self._time(), tallies.finished)
        self.gave_way = False
        self._ranges = OpenRanges(_ignore if parts.broker is None else parts.broker.done)
        self._settler = Settler(parts, self._ranges, self._tallies, stop, self._settled)
        self._outbox = Outbox(
            pace=parts.pace,
            time=self._time,
            boottime=parts.clock.boottime,
            total=settings.total_timeout,
            has_room=self._settler.has_room,
            renew=self._renew,
            low=max(CHUNK, settings.concurrency),
            send=self._send,
        )
        self._announcer = Announcer(parts, self._ranges, self._outbox, self._settler, stop)
        self._prober: Prober | None = None
        if parts.probing is not None and not task.is_bounded:
            self._prober = Prober(parts, parts.probing, self._outbox, tallies, stop, asks=self._is_oldest)
        planner = Planner(
            parts.source,
            parts.ledger,
            stop,
            parts.random,
            owner=parts.owner,
            lease=settings.lease,
            workers=self._workers,
            speed=self._rows_per_second,
        )
        self._reader = Reader(parts, self._ranges, self._settler, stop, planner, only=task.only, prober=self._prober)
        self._feeder = Feeder(parts, self._announcer, self._outbox, self._settler, stop, limit=limit)
        self._senders = Senders(
            parts, self._outbox, self._announcer, self._settler, self._tallies, stop, loops, tell=self._renew
        )
        self._heartbeat = Heartbeat(
            parts,
            self._ranges,
            self._outbox,
            self._settler,
            pulse=self._pulse,
            give_way=self._give_way,
            stakes=stakes,
        )
        self._dispatcher: Dispatcher | None = None
        if parts.broker is not None and not task.is_bounded:
            self._dispatcher = Dispatcher(parts, parts.broker, stop, heard=self._heard, speed=self._rows_per_second)
        self._flagging = None if parts.flag_desk is None else Flagging(parts.ledger, parts.flag_desk)
        self._watch = Watch(parts, self._reader, self._prober, stop, ends_at=began + task.longest)

    async def run(self) -> None:
        """Deliver until the run is over or asked to stop; then let what is on the wire end, and settle."""
        background = [
            self._start(loop)
            for loop in (
                self._senders.watch(),
                self._heartbeat.beat_for_ever(),
                self._settler.settle_for_ever(),
                self._watch.watch(),
            )
        ]
        background.append(self._start(self._show_for_ever()))
        if self._flagging is not None:
            background.append(self._start(self._flagging.flag_for_ever()))
        if self._dispatcher is not None:
            background.append(self._start(self._dispatcher.dispatch_for_ever()))
        if self._parts.notifier is not None:
            background.append(self._start(self._parts.notifier.notify_for_ever(self._heard)))
        if self._task.only is None:
            background.append(self._start(self._rescuer().rescue_for_ever()))
        if not self._task.is_bounded:
            background.append(self._start(count_ahead(self._parts, self._heartbeat)))
        readers = 1 if self._task.is_bounded else PAGES_AHEAD
        foreground = {self._start(self._feeder.read_ahead(self._reader.pages())) for _ in range(readers)}
        foreground |= {self._start(self._feed()), self._start(self._announcer.repeat())}
        if self._prober is not None:
            foreground.add(self._start(self._prober.probe_now_and_then()))
        await self._stop.asked()
        await self._guard(self._drain(foreground))
        for task in (*background, *foreground):
            task.cancel()

    def _rescuer(self) -> Rescuer:
        parts = self._parts
        return Rescuer(
            parts.ledger,
            self._stop,
            owner=parts.owner,
            is_dead=parts.is_dead,
            recall=parts.recall,
            heard=self._heard,
            tell=parts.bell.ring,
        )

    async def _feed(self) -> None:
        """Until every row that there is for this worker has ended."""
        await self._feeder.feed()
        while not self._stop.is_asked and not self._is_quiet():
            await self._stop.asked_within(LOOK)
        if self._task.is_bounded:
            self._stop.drain(Ended.LIMIT, "what was asked for is done")
        self._stop.drain(Ended.DONE)
        if self._limit.is_reached:
            await self._feeder.discard()

    def _is_quiet(self) -> bool:
        return self._outbox.is_idle and self._announcer.is_idle and (self._limit.is_reached or not len(self._ranges))

    def _heard(self) -> Control | None:
        """The ledger's last word."""
        return self._heartbeat.control

    def _is_oldest(self) -> bool:
        """Of the job's workers: one is enough to ask about rows in doubt."""
        control = self._heard()
        return control is not None and control.rank == 0

    def _workers(self) -> int:
        """How many there are to plan for: a run that is to deliver a few rows makes no ranges for others."""
        control = self._heard()
        return 1 if control is None or self._task.is_bounded else control.workers

    def _give_way(self) -> None:
        """The others have all of the job's concurrency: what this worker holds is theirs to work on."""
        if len(self._ranges) and not self._stop.is_asked:
            self.gave_way = True
            self._stop.drain(Ended.STOPPED, "the other workers have all of the job's concurrency")

    async def _drain(self, foreground: Iterable[asyncio.Task[None]]) -> None:
        """Nothing new goes out; what is on the wire ends; everything known is written; what is left is given back."""
        self._outbox.close()
        self._announcer.close()
        self._heartbeat.leave()
        _, late = await asyncio.wait(foreground, timeout=self._parts.settings.total_timeout)
        for task in late:  # nobody may find a row of a range that is being given back
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._outbox.idle()
        for delivery in self._outbox.kept() + self._announcer.kept():
            self._limit.give_back()
            if not delivery.range.is_gone:
                self._give_back(delivery)
        self._settler.drain()
        await self._settle_all()
        if self._flagging is not None and not await self._flagging.flag_at_the_end():
            self._stop.leave_open(
                "flags of accepted rows are still to be set: others lock these rows, or the source is away"
            )
        await self._watch.note()

    def _give_back(self, delivery: Delivery) -> None:
        """It did not go out, or not again: whoever leases its range next sends it."""
        range_ = delivery.range
        delivery.leave_window()
        if delivery.attempts or delivery.sends:
            self._settler.add(range_, [delivery.waiting()])
        if delivery.sends and not delivery.attempts:  # the next worker would take it for one that was never sent
            range_.events.append(Event(EventKind.FURTHER_ATTEMPT, f"to come: {delivery.reason}", delivery.key))

    async def _settle_all(self) -> None:
        """Raises LedgerUnreachable if the ledger does not answer in time."""
        try:
            async with asyncio.timeout(2 * LAST_PATIENCE):
                await self._settler.settle_all(release=True)
        except TimeoutError:
            raise LedgerUnreachable(
                f"the ledger did not answer for {2 * LAST_PATIENCE:.0f} s while the run ended; "
                "what it does not know yet is found out by the next run"
            ) from None

    def _start(self, loop: Coroutine[None, None, None]) -> asyncio.Task[None]:
        return self._loops.create_task(self._guard(loop))

    async def _guard(self, loop: Awaitable[None]) -> None:
        """An error that a person must see ends the run softly: what is on the wire is still settled."""
        try:
            await loop
        except PenstockError as error:
            self._stop.fail(error)

    def _settled(self) -> None:
        self._announcer.changed()
        self._outbox.pump()
        self._parts.bell.ring()

    def _send(self, deliveries: Sequence[Delivery]) -> None:
        self._senders.send(deliveries)

    def _renew(self) -> None:
        self._heartbeat.beat_now()

    def _rows_per_second(self) -> float:
        return self._speed.rows_per_second

    def _pulse(self) -> Pulse:
        self._speed.look(self._time(), self._tallies.finished)
        hold = self._watch.hold
        return Pulse(
            in_flight=self._outbox.in_flight,
            rows_per_second=self._speed.rows_per_second,
            concurrency=self._parts.pace.concurrency,
            limited_by=self._limited_by(),
            hold=hold.reason if hold is not None else "",
        )

    def _limited_by(self) -> str:
        if self._feeder.is_careful:
            return "earlier crashes"
        return limited_by(
            pace=self._parts.pace.limited_by(self._time(), self._outbox.in_flight),
            has_room=self._settler.has_room(),
            waiting=len(self._outbox),
            in_flight=self._outbox.in_flight,
            concurrency=self._parts.pace.allowed(),
        )

    async def _show_for_ever(self) -> None:
        control = await self._heartbeat.heard()
        while self._show is not None:
            try:
                counts = await self._parts.ledger.counts()
            except LedgerUnreachable:
                counts = None
            if counts is not None:
                pulse = self._pulse()
                self._show(
                    Progress(
                        counts=counts,
                        tally=self._tallies.tally,
                        rows_per_second=pulse.rows_per_second,
                        elapsed=self._time() - self._began,
                        in_flight=pulse.in_flight,
                        concurrency=pulse.concurrency,
                        limited_by=pulse.limited_by,
                        hold=pulse.hold,
                        trouble=self._watch.trouble,
                    )
                )
            control = self._heartbeat.control or control
            await asyncio.sleep(SHOW * max(1.0, control.workers / LOOK_EVERY_SECOND))


def _ignore(_range_no: int) -> None:
    """Nobody waits to hear that a range is over."""


async def work(parts: Parts, task: Task, stop: Stop, show: Show | None = None) -> Tally:
    """Run one worker from the first lease to the last commit. Raises the PenstockError that ended it, once it has drained.

    When the others have all of the job's concurrency it gives its ranges back, and begins anew: it then waits for a share.
    """
    limit, began = RowLimit(task.limit), asyncio.get_running_loop().time()
    tallies, stakes = Tallies(Mishaps(parts.settings.stop_at), stop), Stakes(task.rate)
    while True:
        turn = stop.turn()
        async with asyncio.TaskGroup() as loops:
            worker = Worker(
                parts, task, limit=limit, tallies=tallies, stakes=stakes, began=began, stop=turn, show=show, loops=loops
            )
            await worker.run()
        if not worker.gave_way or stop.is_asked or turn.error is not None:
            break
    if turn.error is not None or not stop.is_asked:
        stop.end_as(turn)
    if stop.error is not None:
        raise stop.error
    return tallies.tally
