"""How a run is asked to end: softly, with what is on the wire finished and settled. (The hard stop is to exit the process.)"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from penstock.errors import PenstockError


class Ended(StrEnum):
    """Why a worker's run ended."""

    DONE = "done"  # nothing is pending any more
    LIMIT = "limit"  # `--limit` or `--key`: what was asked for is done
    STOPPED = "stopped"  # a person or a signal, or `--for` is over
    STOP_AT = "stop_at"  # too many of the last rows failed or are in doubt
    GAVE_UP = "gave_up"  # a hold lasted longer than give_up_after
    FAILED = "failed"  # an error a person must see; it is raised again after the drain


class Stop:
    """Give it to `run` and call `drain` from anywhere in the same event loop. The first reason counts."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._turn: Stop | None = None
        self.ended = Ended.DONE
        self.detail = ""
        self.error: PenstockError | None = None

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def drain(self, ended: Ended = Ended.STOPPED, detail: str = "") -> None:
        """Stop claiming, let what is on the wire finish, settle."""
        if not self._asked.is_set():
            self.ended, self.detail = ended, detail
            self._asked.set()
            if self._turn is not None:
                self._turn.drain(ended, detail)

    def fail(self, error: PenstockError) -> None:
        """Drain because of an error that a person must see. It counts even if the run was to end anyway; the first is kept."""
        if self.error is None:
            self.error, self.ended, self.detail = error, Ended.FAILED, str(error)
        self._asked.set()

    def leave_open(self, detail: str) -> None:
        """The run has ended, but something is left that the same command does."""
        if self.ended in (Ended.DONE, Ended.LIMIT):
            self.ended, self.detail = Ended.STOPPED, detail
        else:
            self.detail = f"{self.detail}; {detail}" if self.detail else detail

    def turn(self) -> Stop:
        """Another one for a part of the run: whoever asks the run to end asks that too, but not the other way round."""
        turn = self._turn = Stop()
        if self._asked.is_set():
            turn.drain(self.ended, self.detail)
        return turn

    def end_as(self, turn: Stop) -> None:
        """What ended the part has ended the run."""
        self.ended, self.detail, self.error = turn.ended, turn.detail, turn.error
        self._asked.set()

    async def asked(self) -> None:
        await self._asked.wait()

    async def asked_within(self, seconds: float) -> bool:
        """Wait that long, less if asked to stop meanwhile; returns whether it was."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            pass
        return self._asked.is_set()
