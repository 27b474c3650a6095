"""The sender: HTTP/1.1 on a pool of kept-open connections, made for one thing: to know what may have been applied.

No library does all of this: one send per call, one deadline for the whole attempt, no answer ever credited to another
request, and knowing whether a byte has left. Redirects are never followed, proxies of the environment never used.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque
from collections.abc import Callable

from penstock.target.base import NoAnswer, Outcome
from penstock.target.connection import MAX_IDLE, Connection
from penstock.target.opening import Opener
from penstock.target.wire import TargetAddress


class HttpSender:
    """Implements `Sender`. Opens as many connections as there are sends at once; whoever calls bounds those.

    tls: for https addresses (penstock.target.tls); None for http.
    connect_timeout: seconds for resolving, connecting and TLS. total_timeout: seconds for the whole attempt, these included.
    before: called before a byte of a request goes to the kernel, once for all requests of a turn of the loop: these then go
    together. None: each goes at once.
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
        self._due: list[tuple[bytes, float, asyncio.Future[Outcome]]] = []  # the requests of this turn
        self._opener = Opener(address, tls=tls, timeout=connect_timeout, make=self._make)
        self._open: set[Connection] = set()
        self._idle: deque[Connection] = deque()  # taken from the right, so that those not needed grow old at the left
        self._under_way: dict[asyncio.Future[Outcome], Connection] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        self._is_closed = False
        # Once a server has answered twice, its second answers may come late and be taken for those to the next requests.
        self._keeps_open = True

    async def send(self, request: bytes) -> Outcome:
        deadline = self._loop.time() + self._total_timeout
        awaited: asyncio.Future[Outcome] = self._loop.create_future()
        if self._before is None:
            self._start(request, deadline, awaited)
        else:
            if not self._due:
                self._loop.call_soon(self._start_due, self._before)
            self._due.append((request, deadline, awaited))
        try:
            outcome = await awaited
            if outcome is not _NONE_IDLE:
                return outcome
            opened = await self._open_one(deadline)
            if isinstance(opened, NoAnswer):
                return opened
            awaited = self._loop.create_future()
            self._write(opened, request, deadline, awaited)
            return await awaited
        except asyncio.CancelledError:
            connection = self._under_way.get(awaited)
            if connection is not None and connection.awaited is awaited:
                connection.abort()
            raise
        finally:
            self._under_way.pop(awaited, None)

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
        closing = list(self._open)
        for connection in closing:
            connection.end(NoAnswer(sent=True, reason="given up before an answer came"))
        if closing:
            await asyncio.wait([connection.lost for connection in closing])

    def _start_due(self, before: Callable[[], None]) -> None:
        due, self._due = self._due, []
        before()
        for request, deadline, awaited in due:
            if not awaited.done():  # given up within the turn
                self._start(request, deadline, awaited)

    def _start(self, request: bytes, deadline: float, awaited: asyncio.Future[Outcome]) -> None:
        """On an idle connection, if there is one."""
        connection = self._take_idle(self._loop.time())
        if connection is None:
            awaited.set_result(_NONE_IDLE)
        else:
            self._write(connection, request, deadline, awaited)

    def _write(self, connection: Connection, request: bytes, deadline: float, awaited: asyncio.Future[Outcome]) -> None:
        connection.request(request, deadline, awaited)
        self._under_way[awaited] = connection
        if deadline < self._alarm_at:
            self._set_alarm(deadline)

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
        return Connection(self._loop, on_idle=self._keep)

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

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, math.inf
        now = self._loop.time()
        for connection in list(self._under_way.values()):
            if connection.deadline <= now:
                connection.expire(self._total_timeout)
        waiting = [connection.deadline for awaited, connection in self._under_way.items() if not awaited.done()]
        if waiting:
            self._set_alarm(min(waiting))


_NONE_IDLE = NoAnswer(sent=False, reason="no connection is idle")  # never told: one is opened then
_CLOSED = NoAnswer(sent=False, reason="the sender is closed")
