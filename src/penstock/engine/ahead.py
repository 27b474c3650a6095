"""Counts the keys of the source in the background, so that totals need not stay estimates."""

from __future__ import annotations

import asyncio

from penstock.engine.heartbeat import Heartbeat
from penstock.engine.parts import Parts
from penstock.errors import Unreachable
from penstock.rows import KeyText

PAGE = 10_000
# Between two pages: the old database has other things to do.
PAUSE = 0.05


async def count_ahead(parts: Parts, heartbeat: Heartbeat) -> None:
    """Walk all keys of the key's own table once, by keyset, and tell the ledger how many there are. One worker alone does it."""
    if (await heartbeat.heard()).rank != 0:
        return
    after: KeyText | None = None
    keys = 0
    while True:
        try:
            page = await parts.source.next_keys(after, PAGE)
            keys += page.keys
            if page.at_end:
                await parts.ledger.tell_total(keys)
                return
        except Unreachable:
            return  # an estimate will do; whoever reads rows deals with this
        after = page.last
        await asyncio.sleep(PAUSE)
