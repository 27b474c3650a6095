"""`verify` where nobody lets us into the new store's database: the API's own list of all records is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine.api import Got, Reply, Show, accept
from tests.verify.shelf import JSON_500, LISTED, always, by_turns, changed, enveloped, listed
from tests.verify.stage import Stage, staged

from penstock.clock import SystemClock
from penstock.errors import JobError, StoreUnreachable
from penstock.ledger.states import RowState
from penstock.verify.findings import FindingKind
from penstock.wiring import open_verification
from penstock.wiring.asking import open_api

# The same list by a cursor: the number of the first record that comes.
CURSOR = LISTED.replace("?limit=7", "?limit=7&after={{{{ cursor or 0 }}}}")


@asynccontextmanager
async def delivered(folder: Path, url: str, *, rows: int = 20, verify: str = LISTED) -> AsyncIterator[Stage]:
    """All orders delivered, and the API lists them, seven on a page."""
    async with staged(folder, url, rows) as stage:
        stage.write(verify)
        stage.api.show = listed(stage)
        await stage.run()
        yield stage


async def refused(stage: Stage, show: Show) -> str:
    stage.api.show = show
    with pytest.raises(JobError) as caught:
        await stage.verify()
    return str(caught.value)


async def kinds(stage: Stage) -> list[tuple[FindingKind, str | None]]:
    return [(one.kind, one.key) for one in await stage.verify()]


async def test_nothing_is_wrong_where_nothing_is(tmp_path: Path, database_url: str) -> None:
    async with delivered(tmp_path, database_url) as stage:
        assert await stage.verify() == []
        assert [got.target for got in stage.api.got] == [
            "/v2/orders?limit=7",
            "/v2/orders?limit=7&after=7",
            "/v2/orders?limit=7&after=14",
        ]


async def test_what_is_wrong_is_told_by_its_name(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        await stage.change(
            "DELETE FROM new_orders WHERE external_id = '7'",
            "UPDATE new_orders SET total = total + 0.01 WHERE external_id = '8'",
            "INSERT INTO new_orders SELECT * FROM new_orders WHERE external_id = '9'",
            "INSERT INTO new_orders SELECT 'X-1', total, weight, placed, day, note FROM new_orders WHERE external_id = '10'",
        )
        found = await stage.verify()
        assert [(one.kind, one.key) for one in found] == [
            (FindingKind.MISSING, "7"),
            (FindingKind.DIFFERING, "8"),
            (FindingKind.DOUBLED, "9"),
            (FindingKind.EXTRA, None),
        ]
        assert found[-1].store_key == ("X-1",)


async def test_what_is_extra_is_found_by_a_key_that_is_computed(tmp_path: Path, sqlite_url: str) -> None:
    verify = LISTED.replace("key: externalNo", 'key: id\n  source_key: "{{{{ receipt }}}}"')
    async with delivered(tmp_path, sqlite_url, verify=verify) as stage:
        await stage.change("UPDATE new_orders SET external_id = '77' WHERE external_id = '7'")
        found = await stage.verify()
        assert [(one.kind, one.key, one.store_key) for one in found] == [
            (FindingKind.MISSING, "7", None),
            (FindingKind.EXTRA, None, ("N-77",)),
        ]


async def test_records_without_a_key_are_counted(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=5) as stage:
        await stage.change("UPDATE new_orders SET external_id = NULL WHERE external_id IN ('2', '3')")
        found = await stage.verify()
        assert [(one.kind, one.key, one.copies) for one in found] == [
            (FindingKind.MISSING, "2", None),
            (FindingKind.MISSING, "3", None),
            (FindingKind.EXTRA, None, 2),
        ]


async def test_the_next_page_may_be_told_by_a_cursor(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, verify=CURSOR) as stage:

        def by_cursor(data: object) -> object:
            assert isinstance(data, dict)
            return {**data, "next": data["next"] and int(data["next"].rpartition("=")[2])}

        stage.api.show = changed(listed(stage), by_cursor)
        assert await stage.verify() == []
        assert [got.target.rpartition("=")[2] for got in stage.api.got] == ["0", "7", "14"]


async def test_the_next_page_may_be_told_by_a_link_header(tmp_path: Path, sqlite_url: str) -> None:
    verify = LISTED.replace("body.data.next", "headers.link")
    async with delivered(tmp_path, sqlite_url, rows=10, verify=verify) as stage:
        pages = listed(stage)

        async def show(got: Got) -> Reply | None:
            reply = await pages(got)
            assert reply is not None
            url = f"http://127.0.0.1:{stage.api.port}/v2/orders?limit=7"
            last = '<https://docs.example.com>; rel="help"'
            link = f'{last}, <{url}&after=7>; rel="next"' if "after" not in got.target else last
            return Reply(200, reply.body, {"Link": link})

        stage.api.show = show
        assert await stage.verify() == []
        assert len(stage.api.got) == 2


async def test_a_record_that_comes_between_the_looks_is_not_missing(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=6) as stage:
        stage.api.show = by_turns([enveloped({"list": []})], listed(stage))
        assert await stage.verify() == []
        assert len(stage.api.got) == 2  # read once more, for all rows together


async def test_a_list_is_read_twice_at_the_most(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=6) as stage:
        await stage.change("UPDATE new_orders SET external_id = 'X' || external_id")
        assert len(await stage.verify()) == 12
        assert len(stage.api.got) == 2


async def test_a_row_added_between_the_looks_is_no_finding(tmp_path: Path, sqlite_url: str) -> None:
    """It is in the list, and was not in the source when that was walked."""
    async with delivered(tmp_path, sqlite_url, rows=6) as stage:
        pages = listed(stage)

        async def show(got: Got) -> Reply | None:
            if got.number == 1:
                await stage.add([7])
                stage.api.show = None
                await stage.run()
                stage.api.show = show
            return await pages(got)

        stage.api.show = show
        assert await stage.verify() == []


async def test_a_row_that_was_delivered_after_the_list_was_read_again_is_not_called_lost(
    tmp_path: Path, sqlite_url: str
) -> None:
    """--fix would send it once more."""
    async with staged(tmp_path, sqlite_url, 1500) as stage:
        stage.write(LISTED)

        async def show(got: Got) -> Reply | None:
            if got.number == 2:  # from here on it shows nothing new, and the first thousand doubts are judged by it
                stage.api.script = accept
                await stage.run()
            return enveloped({"list": []})

        stage.api.show = show
        found = await stage.verify()
        assert len(found) == 1500
        assert {one.state for one in found if one.kind is FindingKind.MISSING} == {RowState.PENDING}
        assert (await stage.counts()).imported == 1500


async def test_pages_that_fail_are_asked_for_again(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        slow_down = Reply(429, b"{}", {"Retry-After": "0.2"})
        stage.api.show = by_turns([JSON_500, slow_down, None], listed(stage))
        assert await stage.verify() == []
        assert len(stage.api.got) == 6


async def test_a_page_that_never_comes_makes_it_unreachable(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        pages = listed(stage)

        async def show(got: Got) -> Reply | None:
            return JSON_500 if "after=7" in got.target else await pages(got)

        stage.api.show = show
        assert stage.job.verify is not None
        store = open_api(stage.job, stage.job.verify, (), SystemClock(), pauses=(0.0, 0.0))
        try:
            with pytest.raises(StoreUnreachable, match=r"asked 3 times for page 2 of its list: answered 500"):
                await store.look_up([(1,)])
        finally:
            await store.aclose()


async def test_a_list_that_leads_back_is_not_read_for_ever(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        pages = listed(stage)
        back = changed(pages, lambda data: {**data, "next": data["next"] or "/v2/orders?limit=7"})
        assert "leads from its page 3 back to one that was read already" in await refused(stage, back)


async def test_a_list_that_ignores_the_page_is_not_read_for_ever(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        records = [{"externalNo": "1"}]

        async def show(got: Got) -> Reply:
            return enveloped({"list": records, "next": f"/v2/orders?page={got.number + 1}"})

        assert "page 2 of 127.0.0.1" in await refused(stage, show)


async def test_empty_pages_do_not_go_on_for_ever(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:

        async def show(got: Got) -> Reply:
            return enveloped({"list": [], "next": f"/v2/orders?page={got.number + 1}"})

        assert "1,000 pages in a row" in await refused(stage, show)


@pytest.mark.parametrize(
    ("following", "told"),
    [
        ("https://evil.example.com/v2/orders?page=2", "leads to another host, evil.example.com"),
        ("//evil.example.com/orders", "leads to another host, evil.example.com"),
        ("http://127.0.0.1:1/orders", "leads to another host, 127.0.0.1"),
        ("http://127.0.0.1@evil.example.com/", "leads to another host, evil.example.com"),
        (7, "yields '7', which is no URL and no path; a cursor or a page's number goes into verify.url"),
        ("http://[oops/", "is no URL"),
    ],
)
async def test_no_page_leads_to_another_host(tmp_path: Path, sqlite_url: str, following: object, told: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        show = changed(listed(stage), lambda data: {**data, "next": following})
        assert told in await refused(stage, show)
        assert len(stage.api.got) == 1


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(401, b"{}"), "answered 401; look at verify.headers"),
        (Reply(404, b"{}"), "answered 404: there is no such list; look at verify.url"),
        (Reply(200, b"<html>Log in</html>", kind="text/html; charset=utf-8"), "is it a page to log in?"),
        (Reply(301, b"", {"Location": "/v3/orders"}), "a redirect to /v3/orders; redirects are never followed"),
        (enveloped({"items": []}), "of which verify.records: object has no 'list'"),
        (enveloped({"list": {"1": {}}}), "of which verify.records yields no list of objects"),
        (enveloped({"list": ["1"]}), "of which verify.records yields no list of objects"),
    ],
)
async def test_an_answer_that_is_no_page_ends_it(tmp_path: Path, sqlite_url: str, reply: Reply, told: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=3) as stage:
        assert told in await refused(stage, always(reply))


async def test_a_business_error_is_no_empty_page(tmp_path: Path, sqlite_url: str) -> None:
    verify = LISTED + '  found: "{{{{ body.code == 0 }}}}"\n'
    async with delivered(tmp_path, sqlite_url, rows=3, verify=verify) as stage:
        busy = Reply(200, b'{"code":1001,"data":{"list":[]}}')
        stage.api.show = by_turns([busy], listed(stage))
        assert await stage.verify() == []


async def test_keys_and_values_of_any_text_are_kept(tmp_path: Path, sqlite_url: str) -> None:
    """Half of an emoji, a NUL, digits beyond any float: as JSON may have them."""
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        body = (
            rb'{"data":{"list":[{"externalNo":"1","total":0.070000000000000000000001,"note":"\ud83d","times":{}},'
            + (rb'{"externalNo":"\ud83d"},{"externalNo":"a\u0000b"},{"externalNo":[1]}]}}')
        )
        stage.api.show = always(Reply(200, body))
        found = await stage.verify()
        assert [str(one.found) for one in found if one.field == "total"] == ["0.070000000000000000000001"]
        assert [one.detail for one in found if one.field == "note"] == [
            "note: the store's value cannot be read: text with half of a surrogate pair cannot be sent as UTF-8"
        ]
        assert [one.store_key for one in found if one.kind is FindingKind.EXTRA and one.store_key] == [
            (r"\ud83d",),
            ("a\x00b",),
        ]
        assert [one.copies for one in found if one.kind is FindingKind.EXTRA and not one.store_key] == [1]


async def test_it_finds_what_is_extra(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=1) as stage, open_verification(stage.job) as verification:
        assert verification.finds_extra
        assert verification.warnings == ()
