"""A COMMIT whose outcome nobody hears of: whatever it was for, it is done once, and the counts add up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.engine.api import serving
from tests.engine.migration import migration
from tests.engine.proxy import Loss, proxy_to

from penstock.engine.stop import Ended
from penstock.events import EventKind
from penstock.ledger.states import RowState

_WRITES = re.compile(r"\s*(?:SET STATEMENT .*? FOR )?(INSERT INTO|UPDATE|DELETE FROM)\s+`?(\w+)", re.IGNORECASE)


class EachKindOnce:
    """Loses the COMMIT of the first transaction of each kind: which tables it writes, and how. Never two COMMITs in a row: before
    a run has begun, that is a ledger which is not there."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self._lost_last = False
        self._lost: set[tuple[str, ...]] = set()

    def __call__(self, statements: Sequence[str]) -> Loss | None:
        writes = [found.expand(r"\1 \2").upper() for one in statements if (found := _WRITES.match(one))]
        kind = tuple(dict.fromkeys(writes))
        if not kind:
            return None
        self._lost_last = kind not in self._lost and not self._lost_last
        if not self._lost_last:
            return None
        self._lost.add(kind)
        return self._loss

    def has_lost_a_write_to(self, table: str) -> bool:
        return any(write.endswith(f" {table.upper()}") for kind in self._lost for write in kind)


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
@pytest.mark.parametrize("loss", Loss)
async def test_s3_s4_s29_each_kind_of_commit_is_gone_once_and_every_row_is_settled_once(
    tmp_path: Path, mariadb_url: str, loss: Loss, idempotent: bool
) -> None:
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(
            tmp_path,
            api,
            mariadb_url,
            rows=range(1, 41),
            source_through=proxy,
            idempotent=idempotent,
        ) as job,
    ):
        proxy.on_commit = losing = EachKindOnce(loss)
        report = await job.run()
        for table in ("penstock_workers", "penstock_ranges", "penstock_rows", "items"):
            assert losing.has_lost_a_write_to(table)
        assert losing.has_lost_a_write_to("penstock_windows") or idempotent
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 40, 0)
        assert sorted(api.orders) == list(range(1, 41))
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(range(1, 41))
        assert await job.events(EventKind.SENT_TWICE) == []
        assert len(await job.events(EventKind.RUN_STARTED)) == 1
        assert await job.ask_ledger("SELECT COUNT(*) FROM penstock_ranges WHERE state <> 'done'") == [(0,)]
        assert await job.ask_ledger("SELECT COUNT(*) FROM penstock_windows") == [(0,)]
        await job.check_counters()


async def test_s3_a_batch_whose_commit_breaks_off_four_times_in_a_row_is_settled_once(
    tmp_path: Path, mariadb_url: str
) -> None:
    """More often than one call to the ledger tries by itself."""
    times = 4
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(tmp_path, api, mariadb_url, rows=range(1, 41), source_through=proxy) as job,
    ):

        def refuse(statements: Sequence[str]) -> Loss | None:
            nonlocal times
            if times == 0 or not any("INTO penstock_rows" in statement for statement in statements):
                return None
            times -= 1
            return Loss.REQUEST

        proxy.on_commit = refuse
        report = await job.run()
        assert times == 0
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 40, 0)
        assert sorted(api.orders) == list(range(1, 41))
        assert await job.flagged() == set(range(1, 41))
        await job.check_counters()
