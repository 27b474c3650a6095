"""Reads the next page while this one is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def one_ahead(pages: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The same pages; at most one of them is held besides the one that is being used. Close it (`aclosing`)."""
    following = asyncio.ensure_future(anext(pages, None))
    try:
        while (page := await following) is not None:
            following = asyncio.ensure_future(anext(pages, None))
            yield page
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await following
        await pages.aclose()
