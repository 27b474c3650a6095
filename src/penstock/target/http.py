"""The sender: HTTP/1.1 on a pool of kept-open connections, made for one thing: to know what may have been applied.

No library does all of this: one send per call, one deadline for the whole attempt, no answer ever credited to another
request, and knowing whether a byte has left. Redirects are never followed, proxies of the environment never used.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque
from collections.abc import Callable, Sequence

from penstock.target.base import Done, NoAnswer, Outcome
from penstock.target.connection import MAX_IDLE, Connection
from penstock.target.heads import KnownHeads
from penstock.target.opening import Opener
from penstock.target.wire import TargetAddress


class HttpSender:
    """Implements `Sender`. Opens as many connections as there are sends at once; whoever calls bounds those.

    tls: for https addresses (penstock.target.tls); None for http.
    connect_timeout: seconds for resolving, connecting and TLS. total_timeout: seconds for the whole attempt, these included.
    before: called before a byte of a request goes to the kernel, once for all that are started together.
    """

    def __init__(
        self,
        address: TargetAddress,
        *,
        tls: ssl.SSLContext | None,
        connect_timeout: float,
        total_timeout: float,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._total_timeout = total_timeout
        self._before = before
        self._opener = Opener(address, tls=tls, timeout=connect_timeout, make=self._make)
        self._opening: dict[asyncio.Task[None], Done] = {}  # requests that wait for a connection of their own
        self._heads = KnownHeads()
        self._open: set[Connection] = set()
        self._idle: deque[Connection] = deque()  # taken from the right, so that those not needed grow old at the left
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._is_closed = False
        # Once a server has answered twice, its second answers may come late and be taken for those to the next requests.
        self._keeps_open = True

    def start(self, requests: Sequence[tuple[bytes, Done]]) -> None:
        if self._before is not None:
            self._before()
        now = self._loop.time()
        deadline = now + self._total_timeout
        for request, done in requests:
            connection = self._take_idle(now)
            if connection is None:
                self._start_apart(request, deadline, done)
            else:
                connection.request(request, deadline, done)
        self._watch(deadline)

    async def send(self, request: bytes) -> Outcome:
        awaited: asyncio.Future[Outcome] = self._loop.create_future()

        def done(outcome: Outcome) -> None:
            if not awaited.done():
                awaited.set_result(outcome)

        self.start([(request, done)])
        try:
            return await awaited
        except asyncio.CancelledError:
            self._give_up(done)
            raise

    async def connect(self) -> str | None:
        """Open a connection and send nothing (`penstock check`). Returns why there is none; None: the target can be reached."""
        opened = await self._open_one(self._loop.time() + self._total_timeout)
        if isinstance(opened, NoAnswer):
            return opened.reason
        opened.abort()
        return None

    async def aclose(self) -> None:
        self._is_closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        opening, self._opening = self._opening, {}
        for task, done in opening.items():
            if task.cancel():  # else it has just told, or its request is on a connection
                done(_CLOSED)
        closing = list(self._open)
        for connection in closing:
            connection.end(NoAnswer(sent=True, reason="given up before an answer came"))
        if closing:
            await asyncio.wait([connection.lost for connection in closing])

    def _start_apart(self, request: bytes, deadline: float, done: Done) -> None:
        """On a connection of its own."""
        task = self._loop.create_task(self._open_and_request(request, deadline, done))
        self._opening[task] = done
        task.add_done_callback(self._opened)

    async def _open_and_request(self, request: bytes, deadline: float, done: Done) -> None:
        try:
            opened = await self._open_one(deadline)
        except Exception as error:  # of our own making; a row must not wait for ever because of it
            opened = NoAnswer(sent=False, reason=f"no connection could be opened: {error!r}")
        if isinstance(opened, NoAnswer):
            done(opened)
        else:
            opened.request(request, deadline, done)
            self._watch(deadline)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.pop(task, None)

    def _give_up(self, done: Done) -> None:
        """Nobody waits for this request any more. Its connection may serve another by now."""
        for task, waiting in self._opening.items():
            if waiting is done:
                task.cancel()
        for connection in self._open:
            if connection.done is done:
                connection.abort()

    def _take_idle(self, now: float) -> Connection | None:
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.may_be_used_again(now):
                return connection
            connection.abort()
        return None

    async def _open_one(self, deadline: float) -> Connection | NoAnswer:
        connection = await self._opener.open(deadline) if not self._is_closed else _CLOSED
        if isinstance(connection, NoAnswer):
            return connection
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._gone(connection))
        if self._is_closed:
            connection.abort()
            return _CLOSED
        if connection.is_closing:
            return NoAnswer(sent=False, reason=await asyncio.shield(connection.lost))
        return connection

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection.has_strayed:
            self._keeps_open = False
            while self._idle:
                self._idle.pop().abort()

    def _make(self) -> Connection:
        return Connection(self._loop, self._keep, self._heads)

    def _keep(self, connection: Connection) -> None:
        """Back into the pool; and out with those that nobody has needed for long."""
        if not self._keeps_open:
            connection.abort()
            return
        idle = self._idle
        while idle and idle[0].idle_until < connection.idle_until - MAX_IDLE:
            idle.popleft().abort()
        idle.append(connection)

    # One timer serves all deadlines: it rings at the earliest one known when it was set, which mostly has been met since.

    def _watch(self, deadline: float) -> None:
        if deadline < self._alarm_at:
            self._set_alarm(deadline)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, math.inf
        now = self._loop.time()
        for connection in [connection for connection in self._open if connection.done is not None]:
            if connection.deadline <= now:
                connection.expire(self._total_timeout)
        waiting = [connection.deadline for connection in self._open if connection.done is not None]
        if waiting:
            self._set_alarm(min(waiting))


_CLOSED = NoAnswer(sent=False, reason="the sender is closed")
