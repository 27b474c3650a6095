"""`verify` where nobody lets us into the new store's database: the API itself is asked about each row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine.api import Got, Reply, Show
from tests.verify.shelf import ASKED, JSON_500, always, asked_about, by_turns, changed, enveloped
from tests.verify.stage import Stage, staged

from penstock.cli.main import main
from penstock.clock import SystemClock
from penstock.errors import JobError, RowError, StoreUnreachable
from penstock.insights.check import Grade
from penstock.rows import Row
from penstock.verify.findings import FindingKind
from penstock.wiring import check_job, open_verification
from penstock.wiring.asking import expectation_of, open_api

COLUMNS = ("id", "total", "weight", "placed", "day", "note")
TOKEN = "tok-51c29f-never-shown"


@asynccontextmanager
async def delivered(folder: Path, url: str, *, rows: int = 20, verify: str = ASKED) -> AsyncIterator[Stage]:
    """All orders delivered, and the API shows them."""
    async with staged(folder, url, rows) as stage:
        stage.write(verify)
        stage.api.show = asked_about(stage)
        await stage.run()
        yield stage


async def refused(stage: Stage, show: Show) -> str:
    """Why verify cannot go on with an API that answers so."""
    stage.api.show = show
    with pytest.raises(JobError) as caught:
        await stage.verify()
    return str(caught.value)


async def call(stage: Stage, *words: str) -> int:
    """The command, past the loop of this test."""
    return await asyncio.to_thread(main, ["verify", str(stage.folder / "job.yaml"), *words])


async def test_nothing_is_wrong_where_nothing_is(tmp_path: Path, database_url: str) -> None:
    async with delivered(tmp_path, database_url) as stage:
        assert await stage.verify() == []
        assert len(stage.api.got) == 20


async def test_a_record_that_the_api_does_not_know_is_missing(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        await stage.change("DELETE FROM new_orders WHERE external_id = '7'")
        assert [(one.kind, one.key, one.state) for one in await stage.verify()] == [
            (FindingKind.MISSING, "7", "imported")
        ]


async def test_a_value_that_differs_by_a_cent_is_told(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        await stage.change("UPDATE new_orders SET total = 0.36 WHERE external_id = '5'")
        [found] = await stage.verify()
        assert (found.kind, found.key, found.field) == (FindingKind.DIFFERING, "5", "total")
        assert [str(found.expected), str(found.found)] == ["0.35", "0.36"]


async def test_numbers_keep_all_their_digits(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        exact = b'{"code":0,"data":{"externalNo":"1","total":0.0700000000000000000000001,"times":{}}}'
        stage.api.show = always(Reply(200, exact))
        assert str((await stage.verify())[0].found) == "0.0700000000000000000000001"


async def test_records_that_are_there_twice_are_doubled(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        await stage.change("INSERT INTO new_orders SELECT * FROM new_orders WHERE external_id = '9'")
        assert [(one.kind, one.key, one.copies) for one in await stage.verify()] == [(FindingKind.DOUBLED, "9", 2)]


async def test_what_a_search_shows_of_other_rows_is_not_counted(tmp_path: Path, sqlite_url: str) -> None:
    """Each answer shows the records of its neighbours as well, as a search by the beginning of a number does."""
    async with delivered(tmp_path, sqlite_url, verify=ASKED.replace("body.data", "body.data.found")) as stage:
        others = [{"externalNo": str(number)} for number in range(1, 21)]

        def with_others(data: Mapping[str, object]) -> object:
            return {"found": [data, *(one for one in others if one["externalNo"] != data["externalNo"])]}

        stage.api.show = changed(asked_about(stage), with_others)
        assert await stage.verify() == []


async def test_an_empty_list_says_that_there_is_none(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=2) as stage:
        stage.api.show = always(enveloped([]))
        assert [one.kind for one in await stage.verify()] == [FindingKind.MISSING] * 2


async def test_an_envelope_says_that_there_is_none_only_by_absent(tmp_path: Path, sqlite_url: str) -> None:
    absent = '  found: "{{{{ body.code == 0 }}}}"\n  absent: "{{{{ body.code == 40400 }}}}"\n'
    async with delivered(tmp_path, sqlite_url, rows=2, verify=ASKED + absent) as stage:
        stage.api.show = always(Reply(200, b'{"code":40400}'))
        assert [one.kind for one in await stage.verify()] == [FindingKind.MISSING] * 2
        said = await refused(stage, always(Reply(404, b'{"code":99}')))
        assert "neither verify.found nor absent holds" in said


async def test_null_in_the_documents_place_does_not_mean_that_there_is_none(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=2) as stage:
        said = await refused(stage, always(enveloped(None)))
        assert "verify.record yields neither an object nor a list" in said
        assert "absent: " in said


async def test_500s_are_asked_again(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        stage.api.show = by_turns([JSON_500, None, JSON_500], asked_about(stage))
        assert await stage.verify() == []
        assert len(stage.api.got) == 23


async def test_an_api_that_stays_away_is_unreachable_and_no_row_is_missing(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        assert stage.job.verify is not None
        store = open_api(stage.job, stage.job.verify, (), SystemClock(), pauses=(0.0, 0.0))
        try:
            stage.api.show = always(JSON_500)
            with pytest.raises(StoreUnreachable, match=r"asked 3 times for the record of 1: answered 500: code 50000"):
                await store.look_up([(1,)])
            stage.api.show = always(None)
            with pytest.raises(StoreUnreachable, match=r"the connection broke|closed without an answer"):
                await store.look_up([(1,)])
            await stage.api.close()
            with pytest.raises(StoreUnreachable, match="connection refused"):
                await store.look_up([(1,)])
        finally:
            await store.aclose()


async def test_retry_after_holds_all_that_would_ask(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        about = asked_about(stage)
        slow_down = Reply(429, b"{}", {"Retry-After": "1"})

        async def show(got: Got) -> Reply | None:
            return slow_down if got.number == 10 else await about(got)

        stage.api.show = show
        assert await stage.verify() == []
        throttled_at = stage.api.got[9].at
        after = [got.at for got in stage.api.got[10:]]
        # Those that were on the wire with it may still come; nobody else does before the second is over.
        assert len([at for at in after if at < throttled_at + 0.99]) <= 8
        assert any(at >= throttled_at + 0.99 for at in after)


async def test_an_api_that_throttles_for_too_long_is_unreachable(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        stage.api.show = always(Reply(503, b"{}", {"Retry-After": "3600"}))
        began = time.monotonic()
        with pytest.raises(StoreUnreachable, match=r"throttles: answered 503, and asks to wait for 3,600 s"):
            await stage.verify()
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(401, b'{"message":"bad token"}'), "answered 401: bad token; look at verify.headers"),
        (Reply(403, b"{}"), "answered 403; look at verify.headers"),
        (Reply(200, b"<html>Log in</html>", kind="text/html"), "text/html; look at verify.url and verify.headers"),
        (Reply(404, b"<html>not here</html>", kind="text/html"), "answered 404 with text/html"),
        (Reply(302, b"", {"Location": "https://login.example.com/in"}), "a redirect to https://login.example.com"),
        (
            Reply(422, b'{"code":40012,"message":"bad id"}'),
            "answered 422: code 40012: bad id, and neither verify.found",
        ),
        (Reply(200, b"soon", kind="text/plain"), "what is no JSON"),
        (Reply(200, b'{"code":0}'), "of which verify.record: object has no 'data'"),
        (Reply(200, b'{"data":{"id":7,"no":"1"}}'), "has no field 'externalNo', so that nothing tells whose it is"),
    ],
)
async def test_an_answer_that_tells_of_no_row_ends_it(tmp_path: Path, sqlite_url: str, reply: Reply, told: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=3) as stage:
        assert told in await refused(stage, always(reply))


async def test_it_is_asked_so_many_at_once(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, verify=ASKED + "  concurrency: 3\n") as stage:
        stage.api.most_in_flight = 0
        await stage.verify()
        assert stage.api.most_in_flight == 3


async def test_its_headers_are_the_targets_without_the_key(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        job = (tmp_path / "job.yaml").read_text()
        headers = f'  headers: {{Authorization: "Bearer {TOKEN}", X-Order: "{{{{ id }}}}", Idempotency-Key: "{{{{ id }}}}"}}\n'
        (tmp_path / "job.yaml").write_text(job.replace("  idempotent: true\n", "  idempotent: true\n" + headers))
        assert await stage.verify() == []
        [got] = stage.api.got
        assert got.headers["authorization"] == f"Bearer {TOKEN}"
        assert got.headers["cache-control"] == "no-cache"
        assert not {"x-order", "idempotency-key"} & set(got.headers)


async def test_its_own_headers_may_name_the_key(tmp_path: Path, sqlite_url: str) -> None:
    headers = '  headers: {{X-Order: "no {{{{ key }}}}"}}\n'
    async with delivered(tmp_path, sqlite_url, rows=1, verify=ASKED + headers) as stage:
        assert await stage.verify() == []
        assert stage.api.got[0].headers["x-order"] == "no 1"


async def test_a_secret_is_never_told(tmp_path: Path, sqlite_url: str) -> None:
    """Not even where the API sends it back."""
    url = f"http://127.0.0.1:{{port}}/v2/{TOKEN}/{{{{{{{{ key }}}}}}}}?token={TOKEN}"
    verify = ASKED.replace("http://127.0.0.1:{port}/v2/orders/{{{{ key }}}}", url)
    headers = f'  headers: {{{{Authorization: "Bearer {TOKEN}"}}}}\n'
    async with delivered(tmp_path, sqlite_url, rows=1, verify=verify + headers) as stage:
        told = [await refused(stage, always(Reply(401, f'{{"message":"no such token: {TOKEN}"}}'.encode())))]
        told.append(await refused(stage, always(Reply(302, b"", {"Location": f"/login?was={TOKEN}"}))))
        told.append(await refused(stage, always(Reply(400, f'{{"message":"{TOKEN}"}}'.encode()))))
        assert [text.count("***") for text in told] == [2, 1, 2], told
        assert not [text for text in told if TOKEN in text]


async def test_a_key_is_percent_encoded_and_cannot_leave_its_place(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        verify = stage.job.verify
        assert verify is not None
        store = open_api(stage.job, verify, (), SystemClock())
        stage.api.show = always(Reply(404))
        try:
            assert await store.look_up([("a/b ü?x=1",), ("..",)]) == []
        finally:
            await store.aclose()
        assert [got.target for got in stage.api.got] == ["/v2/orders/a%2Fb%20%C3%BC%3Fx%3D1"]
        with pytest.raises(RowError, match=r"may not make a piece of the path"):
            expectation_of(stage.job, verify, COLUMNS).key(Row('".."', ()), None)


async def test_composite_keys_stand_in_the_address_piece_by_piece(tmp_path: Path, sqlite_url: str) -> None:
    verify = ASKED.replace("orders/{{{{ key }}}}", "{{{{ key[0] }}}}/orders?sku={{{{ key[1] }}}}").replace(
        "key: externalNo", "key: [at.house, sku]"
    )
    async with delivered(tmp_path, sqlite_url, rows=1) as stage:
        stage.write(verify)
        assert stage.job.verify is not None
        store = open_api(stage.job, stage.job.verify, ("n",), SystemClock())
        stage.api.show = always(Reply(200, b'{"data":{"at":{"house":"north"},"sku":17,"n":1.50}}'))
        try:
            [record] = await store.look_up([("north", 17)])
        finally:
            await store.aclose()
        assert (record.key, str(record.values[0])) == (("north", 17), "1.50")
        assert stage.api.got[0].target == "/v2/north/orders?sku=17"


async def test_the_new_id_may_be_what_it_is_asked_for(tmp_path: Path, sqlite_url: str) -> None:
    verify = ASKED.replace("key: externalNo", 'key: id\n  source_key: "{{{{ receipt }}}}"')
    async with delivered(tmp_path, sqlite_url, rows=3, verify=verify) as stage:
        about = asked_about(stage)

        async def show(got: Got) -> Reply | None:
            return await about(Got(got.number, got.target.replace("N-", ""), got.at, got.in_flight, got.headers))

        stage.api.show = show
        assert await stage.verify() == []
        assert sorted(got.target for got in stage.api.got) == [f"/v2/orders/N-{number}" for number in (1, 2, 3)]


async def test_an_api_that_does_not_repeat_the_key_can_be_vouched_for(tmp_path: Path, sqlite_url: str) -> None:
    record = "{{{{ {{'externalNo': key, 'total': body.data.total, 'note': body.data.note} }}}}"
    verify = ASKED.replace("{{{{ body.data }}}}", record.replace("note} }}", "note}} }}"))
    verify = verify[: verify.index("    weight")] + '    note: "{{{{ note }}}}"\n'
    async with delivered(tmp_path, sqlite_url, rows=3, verify=verify) as stage:
        about = asked_about(stage)
        stage.api.show = changed(about, lambda data: {"total": data["total"], "note": data["note"]})
        assert await stage.verify() == []


async def test_a_row_that_arrives_between_the_looks_is_not_missing(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        stage.api.show = by_turns([Reply(404)] * 20, asked_about(stage))
        assert await stage.verify() == []
        assert len(stage.api.got) == 40


async def test_what_is_extra_is_not_looked_for_and_that_is_said(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url, rows=2) as stage:
        await stage.change("UPDATE new_orders SET external_id = '77' WHERE external_id = '2'")
        assert [one.kind for one in await stage.verify()] == [FindingKind.MISSING]
        async with open_verification(stage.job) as verification:
            assert not verification.finds_extra
            assert "extra records are not looked for" in " ".join(verification.warnings)


async def test_the_command_says_what_it_could_not_look_for(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        assert await call(stage) == 0
        told = capfd.readouterr().err
        assert "/v2/orders/{{ key }} is asked about each row, and so nothing shows what it has beyond them" in told
        assert "the new store was asked about each row; what it has beyond them was not looked for" in told
        assert "orders: nothing is wrong" in told


async def test_the_command_tells_a_wrong_token_from_an_api_that_is_away(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with delivered(tmp_path, sqlite_url, verify=ASKED + f"  headers: {{{{Authorization: {TOKEN}}}}}\n") as stage:
        stage.api.show = always(Reply(401, f'{{"message":"who is {TOKEN}?"}}'.encode()))
        assert await call(stage, "--json") == 2
        await stage.api.close()
        assert await call(stage, "--json") == 3
        told = capfd.readouterr()
        assert told.out == ""
        assert "answered 401: who is ***?; look at verify.headers" in told.err
        assert "connection refused" in told.err
        assert TOKEN not in told.err


async def test_check_reaches_the_api_and_asks_nothing(tmp_path: Path, sqlite_url: str) -> None:
    async with delivered(tmp_path, sqlite_url) as stage:
        report = await check_job(stage.job, file="job.yaml", deep=False)
        [finding] = [one for one in report.findings if one.subject == "verify"]
        assert (finding.grade, stage.api.got) == (Grade.OK, [])


async def test_what_the_api_has_already_is_adopted(tmp_path: Path, sqlite_url: str) -> None:
    verify = ASKED + "  receipt: id\n"
    async with staged(tmp_path, sqlite_url, 5) as stage:
        stage.write(verify)
        stage.api.show = asked_about(stage)
        await stage.change(
            "INSERT INTO new_orders SELECT id, total, weight, placed, day, note FROM orders WHERE id IN (2, 4)"
        )
        assert await call(stage, "--adopt") == 1  # three are not there
        assert {key: row.receipt for key, row in (await stage.rows()).items()} == {"2": "N-2", "4": "N-4"}
