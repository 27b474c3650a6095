"""The turnstile in front of the wire: announced deliveries wait here until the pace, the ledger and their lease let them go."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from penstock.engine.delivery import Delivery
from penstock.pacing.pace import Pace


class Outbox:
    """pace: whether a request may go. has_room: whether its answer could be settled soon (bounded memory, few rows in doubt).
    total: seconds an attempt may take at most; none starts that could outlive its lease. renew: called when a lease is too
    short for an attempt; call `pump` once it is longer. low: below how many waiting deliveries more are wanted.
    send: handed the deliveries that may go out, all that may at once; each counts as on the wire until `left` is called.
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
        send: Callable[[Sequence[Delivery]], None],
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
        self._will_pump = False
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
        """Whether an attempt may start that did not go when the outbox let it: it must end before the lease of its range does."""
        if self._is_closed or delivery.range.is_gone:
            return False
        return self._boottime() + self._total <= delivery.range.deadline

    def left(self, requests: int = 1) -> None:
        """So many requests have ended. Call `pump`, or `pump_soon`, when what they came to has been acted on."""
        self.in_flight -= requests
        self.ended_at = self._time()
        if self.in_flight == 0 and not self._queue:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until nothing waits and nothing is on the wire; once closed: until nothing is on the wire."""
        await self._idle.wait()

    def pump_soon(self) -> None:
        """`pump` in the loop's next turn: once for all the answers of this one."""
        if not self._will_pump:
            self._will_pump = True
            asyncio.get_running_loop().call_soon(self.pump)

    def pump(self) -> None:
        """Something has changed (pace, leases, answers, settled rows): let go what may go now."""
        self._will_pump = False
        while (room := self._room()) > 0:
            if self._askers and self._grant_turn():
                continue
            going = self._take(1 if self._askers else room)
            if not going:
                return
            self._goes(len(going))
            self._asked_last = False
            self._send(going)

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
        if not self._askers or (self._asked_last and self._queue):
            return False
        self._askers.popleft().set_result(True)
        self._goes(1)
        self._asked_last = True
        self._idle.clear()
        return True

    def _room(self) -> int:
        """How many requests may go now, of those that want to; if they are to wait, somebody will look again."""
        if not self._queue and not self._askers:
            return 0
        room = self._pace.allowed() - self.in_flight
        if room <= 0:
            return 0
        now = self._time()
        wait = self._pace.delay(now)
        if wait > 0.0:
            self._wake_in(wait)
            return 0
        return min(room, self._pace.saved_up)

    def _goes(self, requests: int) -> None:
        self.in_flight += requests
        self._pace.sent(requests)

    def _take(self, most: int) -> list[Delivery]:
        """From the queue, what may start now."""
        going: list[Delivery] = []
        if not self._has_room():
            return going
        queue, ends = self._queue, self._boottime() + self._total
        while queue and len(going) < most:
            range_ = queue[0].range
            if range_.is_gone:
                queue.popleft()
                continue
            if ends > range_.deadline:
                self._renew()
                break
            going.append(queue.popleft())
        if not self._wants and len(queue) < self._low:
            self._wants = True
            self._wanted.set()
        if not going and self.is_idle:
            self._idle.set()
        return going

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.pump)
