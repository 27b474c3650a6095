"""A session with the broker that is opened again whenever it ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from penstock.errors import JobError, PenstockError
from penstock.transport.session import CONNECT, Session, outcome_of

_TRIES = 2  # before it is said that nobody answers: workers that begin at once get into one another's way while a queue is made
_FIRST, _MOST = (
    0.1,
    5.0,
)  # seconds before another try: any number up to this, so that workers do not come back all at once


def pause_before(attempt: int) -> float:
    """attempt: how many have failed in a row."""
    return random.uniform(0, min(_MOST, _FIRST * 2 ** min(max(attempt - 1, 0), 10)))


class Link:
    """dial: opens a session and makes it ready. meaning: of what it raised, or of the words about an end. on_lost: called when
    a session has ended.

    trouble: why there is no session. refusal: of the first tries.
    """

    def __init__(
        self,
        *,
        dial: Callable[[], Coroutine[Any, Any, Session]],
        meaning: Callable[[BaseException | str], PenstockError],
        on_lost: Callable[[], None],
    ) -> None:
        self.trouble = ""
        self.refusal: PenstockError | None = None
        self._session: Session | None = None
        self._dial = dial
        self._meaning = meaning
        self._on_lost = on_lost
        self._is_up = asyncio.Event()
        self._has_tried = asyncio.Event()
        self._task = asyncio.create_task(self._keep())

    @property
    def session(self) -> Session | None:
        """The one that is there now."""
        return None if self._session is None or self._session.why else self._session

    async def until_tried(self) -> None:
        """A session is there, or `refusal` says why not."""
        await self._has_tried.wait()

    async def within(self, seconds: float) -> Session | None:
        """The session, as soon as there is one; None if that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                while self.session is None:
                    self._is_up.clear()  # a session's end is known before `_keep` has heard of it
                    await self._is_up.wait()
        except TimeoutError:
            return None
        return self.session

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        if self._session is not None:
            await self._session.aclose()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            found = await outcome_of(self._open(), CONNECT)
            if isinstance(found, Session):
                began = loop.time()
                await self._use(found)
                attempt = 0 if loop.time() - began > _MOST else attempt + 1  # one that ends at once is a failed one
            else:
                attempt += 1
                self._fail(self._meaning(found), attempt)
            await asyncio.sleep(pause_before(attempt))

    async def _open(self) -> Session:
        """Known before anybody else runs: whoever closes the link then closes it."""
        self._session = await self._dial()
        return self._session

    def _fail(self, failure: PenstockError, attempt: int) -> None:
        self.trouble = str(failure)
        if not self._has_tried.is_set() and (attempt == _TRIES or isinstance(failure, JobError)):
            self.refusal = failure
            self._has_tried.set()

    async def _use(self, session: Session) -> None:
        self.trouble = ""
        self._is_up.set()
        self._has_tried.set()
        why = await session.until_over()
        self._session, self.trouble = None, str(self._meaning(why))
        self._on_lost()
        await session.aclose()
