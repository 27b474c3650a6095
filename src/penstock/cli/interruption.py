"""Ctrl-C and SIGTERM: the first lets what is on the wire finish, the second leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.cli.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """One for a whole command, however many jobs it runs one after another.

    Use it inside the event loop: `with interruption.asks(drain): ...` people: gives what tells them.
    """

    def __init__(self, people: Callable[[], Console]) -> None:
        self._people = people
        self.came = False

    @contextmanager
    def asks(self, drain: Callable[[], None], kill: Callable[[], None] | None = None) -> Iterator[None]:
        """Within the block: the first signal calls `drain`, the second `kill` and then ends the process."""
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            if self.came:
                self._leave(kill)
            self.came = True
            self._people().print("finishing what is on the wire; once more to leave at once (that is safe, too)")
            drain()

        for number in _SIGNALS:
            loop.add_signal_handler(number, on_signal)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _leave(self, kill: Callable[[], None] | None) -> None:
        if kill is not None:
            kill()
        # The display would have done so, but nothing runs any more after the next line.
        self._people().show_cursor(True)
        os._exit(ExitCode.LATER)
