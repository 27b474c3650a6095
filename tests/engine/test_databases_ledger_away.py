"""The ledger, on a server of its own, goes away while rows are on the wire: nothing more is sent, nothing known is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine.api import Api, Asked, Reply, Script, accept, serving
from tests.engine.migration import Migration, migration
from tests.engine.proxy import Proxy, proxy_to

from penstock.engine import heartbeat, settler
from penstock.engine.stop import Ended
from penstock.errors import LedgerUnreachable
from penstock.events import EventKind
from penstock.ledger.states import RowState

ROWS = range(1, 301)
CONCURRENCY = 8
CUT_AT = 50  # the request at which the ledger goes away

idempotent_or_not = pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])


@asynccontextmanager
async def with_ledger_behind_a_proxy(
    folder: Path, api: Api, source: str, ledger: str, *, idempotent: bool, delivery: str = ""
) -> AsyncIterator[tuple[Migration, Proxy]]:
    async with (
        proxy_to(ledger) as proxy,
        migration(
            folder,
            api,
            source,
            rows=ROWS,
            ledger=ledger,
            ledger_through=proxy,
            idempotent=idempotent,
            concurrency=CONCURRENCY,
            delivery=delivery,
        ) as job,
    ):
        yield job, proxy


def cut_in_the_middle(proxy: Proxy, noticed: asyncio.Event) -> Script:
    """The ledger goes away while rows are on the wire; their answers come once the worker has noticed."""

    async def answer(asked: Asked) -> Reply:
        if asked.number == CUT_AT:
            proxy.cut()
        if asked.number >= CUT_AT:
            await noticed.wait()
        return asked.accepted

    return answer


@idempotent_or_not
async def test_sending_stops_at_once_and_goes_on_when_the_ledger_is_back(
    tmp_path: Path, server_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, idempotent: bool
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 3600.0)  # once: it would notice as well, and sooner or later
    async with (
        serving() as api,
        with_ledger_behind_a_proxy(tmp_path, api, sqlite_url, server_url, idempotent=idempotent) as (job, proxy),
    ):
        noticed = asyncio.Event()

        api.script = cut_in_the_middle(proxy, noticed)
        running = asyncio.create_task(job.run())
        await proxy.until_turned_away(4)
        on_the_wire = len(api.orders)
        assert on_the_wire <= CUT_AT + CONCURRENCY
        noticed.set()  # all that is on the wire is accepted now
        await proxy.until_turned_away(4)
        assert len(api.orders) == on_the_wire
        proxy.heal()
        report = await running
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, len(ROWS), 0)
        assert sorted(api.orders) == list(ROWS)
        assert await job.flagged() == set(ROWS)
        await job.check_counters()


@idempotent_or_not
async def test_a_drain_without_a_ledger_ends_within_bounds_and_the_next_run_knows_what_was_answered(
    tmp_path: Path, server_url: str, sqlite_url: str, idempotent: bool
) -> None:
    async with (
        serving() as api,
        with_ledger_behind_a_proxy(tmp_path, api, sqlite_url, server_url, idempotent=idempotent) as (job, proxy),
    ):
        noticed = asyncio.Event()
        api.script = cut_in_the_middle(proxy, noticed)
        worker = await job.start("penstock.engine.settler.LAST_PATIENCE=0.3")
        await proxy.until_turned_away(4)
        noticed.set()
        await proxy.until_turned_away(2)
        worker.terminate()
        began = time.monotonic()
        assert await worker.wait() == 3
        assert time.monotonic() - began < 5.0
        sent = len(api.orders)
        proxy.heal()
        api.script = accept
        report = await job.run()
        assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, len(ROWS), 0)
        assert sent < len(ROWS)
        assert set(api.orders) == set(ROWS)
        assert len(await job.events(EventKind.TAKE_OVER)) == 1
        if not idempotent:
            assert len(api.orders) == len(ROWS), "rows whose answers had come were sent again"
        for order in ROWS:
            assert len({asked.idempotency_key for asked in api.of(order)}) == 1
        await job.check_counters()


async def test_a_ledger_that_stays_away_ends_the_run_early(
    tmp_path: Path, server_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settler, "LAST_PATIENCE", 0.3)
    async with (
        serving() as api,
        with_ledger_behind_a_proxy(
            tmp_path, api, sqlite_url, server_url, idempotent=True, delivery="give_up_after: 500ms"
        ) as (job, proxy),
    ):
        noticed = asyncio.Event()
        api.script = cut_in_the_middle(proxy, noticed)
        running = asyncio.create_task(job.run())
        await proxy.until_turned_away(4)
        noticed.set()
        with pytest.raises(LedgerUnreachable):
            await running
        assert len(api.orders) < len(ROWS)
        proxy.heal()
        assert await job.keys(RowState.FAILED) == await job.keys(RowState.IN_DOUBT) == set()
