"""What a row may end as besides imported: skipped by the mapping, failed in it, flagged before; and what flags show then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.engine.api import Reply, for_orders, serving
from tests.engine.shop import open_shop

from penstock.engine.stop import Ended
from penstock.errors import JobError, RowError
from penstock.ledger.rows import Cause
from penstock.ledger.states import RowState
from penstock.spec.models import Job, Transform

FLAG = "flag: {table: orders}"


def built_in_python(job: Job, transform: Transform) -> Job:
    """The same job with a function as its mapping."""
    return Job(
        name=job.name,
        source=job.source,
        target=job.target,
        delivery=job.delivery,
        ledger=job.ledger,
        transform=transform,
        folder=job.folder,
    )


async def test_a_function_maps_skips_and_fails_rows_one_by_one(tmp_path: Path) -> None:
    def to_payload(row: Mapping[str, object]) -> object:
        match row["id"]:
            case 2:
                return None
            case 3:
                raise RowError("is negative", column="amount")
            case 4:
                raise KeyError("colour")
            case _:
                return {"id": row["id"], "title": f"<{row['name']}>"}

    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=10)
        shop.job = built_in_python(shop.job, to_payload)
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.skipped, report.counts.failed) == (Ended.DONE, 7, 1, 2)
    assert sorted(api.orders) == [1, 5, 6, 7, 8, 9, 10]
    assert api.of(5)[0].content.endswith(b'{"id":5,"title":"<order 5>"}')
    assert report.causes == (
        Cause(RowState.FAILED, None, "transform: KeyError: 'colour'", 1, "4"),
        Cause(RowState.FAILED, None, 'transform: column "amount": is negative', 1, "3"),
        Cause(RowState.SKIPPED, None, "skipped by the mapping", 1, "2"),
    )


async def test_a_row_that_does_not_map_fails_with_its_column_and_stops_no_other(tmp_path: Path) -> None:
    body = 'body: {id: "{{ id }}", text: "costs {{ amount }}"}'
    async with serving() as api:
        shop = await open_shop(tmp_path, api, rows=10, target=body)
        await shop.change("UPDATE orders SET amount = NULL WHERE id IN (2, 3)")
        report = await shop.run()
    assert (report.ended, report.counts.imported, report.counts.failed) == (Ended.DONE, 8, 2)
    assert await shop.keys(RowState.FAILED) == {2, 3}
    row = await shop.row("2")
    assert "amount" in (row.reason or "")
    assert (row.attempts, row.status) == (0, None)


async def test_the_flag_follows_what_was_imported_and_nothing_else(tmp_path: Path) -> None:
    replies = {2: Reply(422), 3: Reply(500)}
    async with serving(for_orders(replies)) as api:
        shop = await open_shop(tmp_path, api, source=FLAG)
        report = await shop.run()
    assert (report.counts.imported, report.counts.failed, report.counts.in_doubt) == (8, 1, 1)
    assert shop.flags() == {number: int(number not in replies) for number in range(1, 11)}


@pytest.mark.parametrize(("existing", "sent"), [("skip", False), ("ignore", True)])
async def test_a_row_flagged_before_is_skipped_or_sent_as_the_job_says(
    tmp_path: Path, existing: str, sent: bool
) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, source=f"flag: {{table: orders, existing: {existing}}}")
        await shop.change("UPDATE orders SET is_import = 1 WHERE id IN (2, 3)")
        report = await shop.run()
    assert (report.ended, report.counts.imported) == (Ended.DONE, 10 if sent else 8)
    assert ({2, 3} <= set(api.orders)) is sent
    assert await shop.keys(RowState.SKIPPED) == (set() if sent else {2, 3})
    assert {cause.reason for cause in report.causes} == (set() if sent else {"flag set before"})
    assert set(shop.flags().values()) == {1}


async def test_a_row_flagged_before_keeps_the_run_from_starting_where_the_job_says_so(tmp_path: Path) -> None:
    async with serving() as api:
        shop = await open_shop(tmp_path, api, source="flag: {table: orders, existing: refuse}")
        await shop.change("UPDATE orders SET is_import = 1 WHERE id = 2")
        with pytest.raises(JobError, match="row 2 has its flag set"):
            await shop.run()
        assert api.asked == []
        await shop.change("UPDATE orders SET is_import = 0 WHERE id = 2")
        report = await shop.run()
    assert (report.ended, report.counts.imported) == (Ended.DONE, 10)


async def test_further_columns_are_set_with_the_flag(tmp_path: Path) -> None:
    flag = """flag: {table: orders, set: {note: "{{ receipt }}", name: "sent {{ now }}"}}"""
    async with serving(for_orders({2: Reply(422)})) as api:
        shop = await open_shop(tmp_path, api, source=flag, rows=3)
        await shop.run()
    rows = {row[0]: row[1:] for row in shop.ask("SELECT id, note, name, is_import FROM orders")}
    assert rows[2] == (None, "order 2", 0)
    assert (rows[1][0], rows[1][2], rows[3][0]) == ("N-1", 1, "N-3")
    sent_at = datetime.fromisoformat(str(rows[1][1]).removeprefix("sent "))
    assert abs(datetime.now(UTC) - sent_at.replace(tzinfo=sent_at.tzinfo or UTC)) < timedelta(minutes=1)
