"""The event loop that commands run in: uvloop where there is one."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

# New objects until the collector looks for cycles among them: a page of rows comes and goes, and holds none. (At Python's own
# 700 looking took a thirtieth of a run's CPU; memory is the same.)
_NEW_OBJECTS = 10_000


def run_async(work: Coroutine[object, object, T]) -> T:
    gc.set_threshold(_NEW_OBJECTS)
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        return runner.run(work)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop  # noqa: PLC0415  # it does not exist on every platform

    return uvloop.new_event_loop()
