"""The sender: HTTP/1.1 on a pool of kept-open connections, made for one thing: to know what may have been applied.

No library does all of this: one send per call, one deadline for the whole attempt, no answer ever credited to another
request, and knowing whether a byte has left. Redirects are never followed, proxies of the environment never used.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque

from penstock.target.base import NoAnswer, Outcome
from penstock.target.connection import MAX_IDLE, Connection
from penstock.target.opening import Opener
from penstock.target.wire import TargetAddress


class HttpSender:
    """Implements `Sender`. Opens as many connections as there are sends at once; whoever calls bounds those.

    tls: for https addresses (penstock.target.tls); None for http.
    connect_timeout: seconds for resolving, connecting and TLS. total_timeout: seconds for the whole attempt, these included.
    """

    def __init__(
        self, address: TargetAddress, *, tls: ssl.SSLContext | None, connect_timeout: float, total_timeout: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._total_timeout = total_timeout
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
        began = self._loop.time()
        deadline = began + self._total_timeout
        connection = self._take_idle(began)
        if connection is None:
            opened = await self._open_one(deadline)
            if isinstance(opened, NoAnswer):
                return opened
            connection = opened
        awaited = connection.request(request, deadline)
        self._under_way[awaited] = connection
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        try:
            return await awaited
        except asyncio.CancelledError:
            if connection.awaited is awaited:
                connection.abort()
            raise
        finally:
            del self._under_way[awaited]

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


_CLOSED = NoAnswer(sent=False, reason="the sender is closed")
