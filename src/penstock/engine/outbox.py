"""The turnstile in front of the wire: announced deliveries wait here until the pace, the ledger and their lease let them go."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from penstock.engine.delivery import Delivery
from penstock.pacing.pace import Pace


class Outbox:
    """pace: whether a request may go. has_room: whether its answer could be settled soon (bounded memory, few rows in doubt).
    total: seconds an attempt may take at most; none starts that could outlive its lease. renew: called when a lease is too
    short for an attempt; call `pump` once it is longer. low: below how many waiting deliveries more are wanted.
    send: handed each delivery that may go out; it counts as on the wire until `left` is called.
    """

    def __init__(
        self,
        *,
        pace: Pace,
        time: Callable[[], float],
        boottime: Callable[[], float],
        total: float,
        has_room: Callable[[], bool],
        renew: Callable[[], None],
        low: int,
        send: Callable[[Delivery], None],
    ) -> None:
        self.in_flight = 0
        self.ended_at = time()  # when the last request ended
        self._pace = pace
        self._time = time
        self._boottime = boottime
        self._total = total
        self._has_room = has_room
        self._renew = renew
        self._low = low
        self._send = send
        self._queue: deque[Delivery] = deque()
        self._askers: deque[asyncio.Future[bool]] = deque()
        self._asked_last = False  # the last request that went out was no delivery
        self._wants = True
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False
        self._is_pumping = False
        self._kept: list[Delivery] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is on the wire."""
        return not self._queue and self.in_flight == 0

    def put(self, deliveries: Iterable[Delivery]) -> None:
        if self._is_closed:
            self._kept.extend(deliveries)
            return
        self._queue.extend(deliveries)
        self._idle.clear()
        if len(self._queue) >= self._low:
            self._wants = False
            self._wanted.clear()
        self.pump()

    async def wanted(self) -> None:
        """Wait until more deliveries are wanted."""
        await self._wanted.wait()

    async def turn(self) -> bool:
        """Wait until a request that is no delivery (a probe) may go out; call `left`, then `pump`, when it has ended. While
        deliveries wait, at most every other request is such a one. False: closed."""
        if self._is_closed:
            return False
        asker: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._askers.append(asker)
        self.pump()
        try:
            return await asker
        except asyncio.CancelledError:
            if asker.done() and not asker.cancelled() and asker.result():
                self.left()
            raise

    def may_start(self, delivery: Delivery) -> bool:
        """Whether an attempt that starts now must end before the lease of its range does."""
        return not delivery.range.is_gone and self._boottime() + self._total <= delivery.range.deadline

    def left(self) -> None:
        """A request has ended. Call `pump` when what it came to has been acted on."""
        self.in_flight -= 1
        self.ended_at = self._time()
        if self.in_flight == 0 and not self._queue:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until nothing waits and nothing is on the wire; once closed: until nothing is on the wire."""
        await self._idle.wait()

    def pump(self) -> None:
        """Something has changed (pace, leases, answers, settled rows): let go what may go now."""
        if self._is_pumping:
            return  # called by what has just been let go: whoever lets go goes on
        self._is_pumping = True
        try:
            while True:
                if self._askers and self._grant_turn():
                    continue
                delivery = self._next() if self._queue else None
                if delivery is None:
                    return
                self._send(delivery)
        finally:
            self._is_pumping = False

    def stale(self, before: float, most: int) -> list[Delivery]:
        """Waiting deliveries that were read before that time, at most so many; they stay where they are."""
        return [delivery for delivery in self._queue if delivery.read_at < before][:most]

    def close(self) -> None:
        """Nothing more goes out. What waits, or is still put in, is kept for `kept`."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        while self._askers:
            asker = self._askers.popleft()
            if not asker.done():
                asker.set_result(False)
        self._kept.extend(self._queue)
        self._queue.clear()
        self._wanted.set()
        if self.is_idle:
            self._idle.set()

    def kept(self) -> list[Delivery]:
        """What did not go out any more."""
        kept, self._kept = self._kept, []
        return kept

    def _grant_turn(self) -> bool:
        while self._askers and self._askers[0].done():
            self._askers.popleft()
        if not self._askers or (self._asked_last and self._queue) or not self._may_go():
            return False
        self._askers.popleft().set_result(True)
        self._goes()
        self._asked_last = True
        self._idle.clear()
        return True

    def _may_go(self) -> bool:
        """Whether the pace lets a request go now; if it is to wait, somebody will look again."""
        if self.in_flight >= self._pace.allowed():
            return False
        wait = self._pace.delay(self._time())
        if wait > 0.0:
            self._wake_in(wait)
        return wait <= 0.0

    def _goes(self) -> None:
        self.in_flight += 1
        self._pace.sent()

    def _next(self) -> Delivery | None:
        while self._queue:
            if not self._may_go() or not self._has_room():
                return None
            delivery = self._queue[0]
            if not delivery.range.is_gone and not self.may_start(delivery):
                self._renew()
                return None
            self._queue.popleft()
            if not self._wants and len(self._queue) < self._low:
                self._wants = True
                self._wanted.set()
            if delivery.range.is_gone:
                if self.is_idle:
                    self._idle.set()
                continue
            self._goes()
            self._asked_last = False
            return delivery
        return None

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.pump)
