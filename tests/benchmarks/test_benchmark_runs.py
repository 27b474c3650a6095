"""The benchmarks on a few rows: their own parts work, and a peer that does less than it should is found out."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from benchmarks.cases import PENSTOCK, SENDER, Case
from benchmarks.database import Server
from benchmarks.documents import COLLECTION, STAND_IN, Documents, answered_by_a_stand_in, documents_of, kept_on
from benchmarks.figures import CommandFailed, Sample, watch
from benchmarks.missing import Missing
from benchmarks.rounds import installed, measure, run_once
from benchmarks.shop import Shop, copied, multiplied, template_shop
from benchmarks.task import Task
from pymongo import MongoClient
from sqlalchemy import make_url
from tests.benchmarks.answering import TestApi, answering

from benchmarks import adaptive, verifying

ROWS = 300


@pytest.fixture
def api() -> Iterator[TestApi]:
    with answering() as server:
        yield server


@pytest.fixture
def template(mariadb_url: str) -> Iterator[Shop]:
    with template_shop(Server(make_url(mariadb_url)), ROWS) as shop:
        yield shop


@dataclass(frozen=True)
class Idle:
    """A peer that ends at once, having done nothing but what `program` says."""

    program: str = ""
    reads: bool = True
    flags: bool = True

    def install(self) -> None: ...

    def get_ready(self, task: Task) -> None: ...

    def command(self, task: Task) -> Sequence[str]:
        return [sys.executable, "-c", self.program.format(api=task.api)]


def run(program: str, folder: Path, api: TestApi) -> list[Sample]:
    return watch([sys.executable, "-c", program], folder=folder, api=api, database_process=None)


def test_penstock_posts_and_flags_every_row(template: Shop, api: TestApi) -> None:
    end = run_once(PENSTOCK, template, ROWS, api)
    assert end.posts == ROWS
    assert end.client_cpu > 0
    assert end.megabytes > 10
    assert end.database_cpu is not None


def test_the_bare_sender_posts_as_many_times_as_there_would_be_rows(template: Shop, api: TestApi) -> None:
    assert run_once(SENDER, template, ROWS, api).posts == ROWS


def test_a_peer_that_posts_too_little_is_left_out(template: Shop, api: TestApi) -> None:
    with pytest.raises(CommandFailed, match="posted 0 times for 300 rows"):
        run_once(Case("idle", "idle", Idle(), 1), template, ROWS, api)


def test_a_peer_that_flags_too_little_is_left_out(template: Shop, api: TestApi) -> None:
    program = "import urllib.request; urllib.request.urlopen('{api}', b'order').read()"
    with pytest.raises(CommandFailed, match="flagged 0 of 1 rows"):
        run_once(Case("idle", "idle", Idle(program), 1), template, 1, api)


@dataclass(frozen=True)
class NotInstalled(Idle):
    def install(self) -> None:
        raise Missing("no such tool: install it")


def test_a_peer_that_cannot_be_installed_is_left_out_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    there, absent = Case("idle", "idle", Idle(), 1), Case("absent", "absent", NotInstalled(), 1)
    assert installed([there, absent, absent.delayed(20, 1)]) == [there]
    assert capsys.readouterr().err == "absent is left out: no such tool: install it\n"


def test_what_fails_is_left_out_and_the_rest_goes_on(template: Shop, api: TestApi) -> None:
    failing = Case("idle", "idle", Idle("raise SystemExit('no')"), 1)
    assert list(measure([failing, SENDER], template=template, api=api, rounds=1)) == [SENDER]


def test_a_copy_of_the_shop_shows_exactly_as_many_orders_as_asked_for(template: Shop) -> None:
    with copied(template, 70) as shop:
        shown = "SELECT COUNT(*) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.deleted = 0"
        assert shop.server.ask(shown, database=shop.database) == "70"
        assert shop.flagged() == 0


def test_a_large_shop_is_the_template_again_and_again_with_keys_of_its_own(template: Shop) -> None:
    with multiplied(template, 3) as shop:
        shown = "SELECT COUNT(DISTINCT order_no) FROM orders WHERE deleted = 0"
        assert int(shop.server.ask(shown, database=shop.database)) == shop.rows == 3 * ROWS


def test_a_command_that_fails_is_told_by_its_last_words(tmp_path: Path, api: TestApi) -> None:
    with pytest.raises(CommandFailed, match="ended with 1: no such shop"):
        run("import sys; print('well', flush=True); sys.exit('no such shop')", tmp_path, api)


def test_the_time_of_children_counts_as_that_of_the_command(tmp_path: Path, api: TestApi) -> None:
    work = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    assert run(parent, tmp_path, api)[-1].client_cpu >= 0.3


def test_memory_is_that_of_the_command_and_its_children_together(tmp_path: Path, api: TestApi) -> None:
    # The child holds its 60 MB until its parent, which holds 60 MB too, has been looked at for a while.
    hold = "import time; held = b'x' * 60_000_000; time.sleep(0.3)"
    parent = f"import subprocess, sys; held = b'x' * 60_000_000; subprocess.run([sys.executable, '-c', {hold!r}])"
    assert run(parent, tmp_path, api)[-1].megabytes > 120


def test_an_api_that_bears_a_few_requests_is_found_out_and_its_drop_is_seen(template: Shop) -> None:
    [found] = adaptive.measure(template, servers=(10,), times=adaptive.Times(known=0.5, drop=1.0, end=1.5))
    assert 0.0 < found.reached <= 1.01
    assert found.queued >= 1.0
    assert found.further == 0


def test_verify_is_measured_against_a_table_and_a_stand_in_for_mongodb(template: Shop) -> None:
    def stores(shop: Shop) -> Generator[Documents]:
        with answered_by_a_stand_in(shop) as documents:
            yield documents

    found = verifying.measure(template, times=1, filled=stores)
    assert [one.what for one in found] == [verifying.ADOPTION, verifying.TABLE, STAND_IN]
    assert all(one.rows == ROWS and one.client_cpu > 0 and one.megabytes > 10 for one in found)


def test_a_verification_that_finds_something_is_no_measurement(template: Shop, mongodb_url: str) -> None:
    def lacking_one(shop: Shop) -> Generator[Documents]:
        with kept_on(make_url(mongodb_url), shop) as documents:
            [first, *_] = next(documents_of(shop))
            client: MongoClient[dict[str, object]] = MongoClient(documents.url)
            with client:
                client.get_default_database()[COLLECTION].delete_one({"number": first["number"]})
            yield documents

    with pytest.raises(CommandFailed, match=r"ended with 1: +1  missing"):
        verifying.measure(template, times=1, filled=lacking_one)
