"""Who tells others of rows that ended badly, of which, and how often the ledger is asked about them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

import pytest
from tests.engine.api import PATIENCE
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    PULSE,
    SECONDS,
    Bench,
    bench_at,
    close,
    failed,
    imported,
    last_portion,
    marked,
    portion,
    span,
    take,
)

from penstock.engine import notices
from penstock.engine.notices import Notifier
from penstock.ledger.rows import Notice
from penstock.ledger.workers import Control
from penstock.rows import KeyText, Row
from penstock.transport.base import Message
from penstock.wiring import notices as wired

LEADS = Control(paused=False, rate=None, concurrency=None, workers=1, leads=True)
FOLLOWS = Control(paused=False, rate=None, concurrency=None, workers=2, leads=False)


def of_key(notice: Notice, _row: Row | None) -> Message:
    return Message(notice.key, "", b"")


class Others:
    """Whoever is told. most: of the messages that come at once, so many are confirmed. told: keys, in the order in which they
    came, confirmed or not."""

    def __init__(self) -> None:
        self.told: list[KeyText] = []
        self.most = 1000
        self.answers = asyncio.Event()
        self.answers.set()
        self._changed = asyncio.Condition()

    async def publish(self, messages: Sequence[Message]) -> int:
        self.told += [message.message_id for message in messages]
        async with self._changed:
            self._changed.notify_all()
        await self.answers.wait()
        return min(self.most, len(messages))

    async def until(self, holds: Callable[[Sequence[KeyText]], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: holds(self.told))


class Heartbeat:
    """What a worker last heard."""

    def __init__(self) -> None:
        self.control = LEADS
        self._looks = 0
        self._looked = asyncio.Event()

    def heard(self) -> Control:
        self._looks += 1
        self._looked.set()
        return self.control

    async def until_looked(self, times: int) -> None:
        """Each walk over one page looks twice: after three looks one has ended that had not ended before."""
        wanted = self._looks + times
        async with asyncio.timeout(PATIENCE):
            while self._looks < wanted:
                self._looked.clear()
                await self._looked.wait()


@pytest.fixture
async def bench(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(notices, "EVERY", 0.01)
    monkeypatch.setattr(notices, "RESTS", 0)
    bench = await bench_at(sqlite_url)
    yield bench
    await close(bench)


@pytest.fixture
def others() -> Others:
    return Others()


def notifier_to(others: Others, bench: Bench, time: Callable[[], float] | None = None) -> Notifier:
    return Notifier(bench.alice, None, others.publish, of_key, time=time or asyncio.get_running_loop().time)


@asynccontextmanager
async def telling(notifier: Notifier, heard: Callable[[], Control | None] = lambda: LEADS) -> AsyncIterator[None]:
    """Its loop, until the block ends; what the loop raised is raised."""
    loop = asyncio.create_task(notifier.notify_for_ever(heard))
    try:
        yield
    finally:
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop


async def end(bench: Bench, *keys: KeyText) -> None:
    """A range that is done, and all of whose rows have failed."""
    lease = await span(bench.alice, await bench.alice.cursor(), keys[-1])
    await bench.alice.settle([last_portion(lease, 1, failed(*keys))], marked)


async def forget(bench: Bench) -> None:
    """As if nobody had been told of any row."""
    await bench.sql("DELETE FROM penstock_notices")


async def test_rows_of_ranges_that_are_done_are_not_walked_again_before_the_end(bench: Bench, others: Others) -> None:
    await end(bench, "1")
    under_way = await span(bench.alice, "1", "9")
    notifier = notifier_to(others, bench)

    async with telling(notifier):
        await others.until(lambda told: "1" in told)
        await bench.alice.settle([portion(under_way, 1, failed("5"))], marked)
        await others.until(lambda told: "5" in told)
        await forget(bench)
        await others.until(lambda told: told.count("5") > 1)
    assert others.told.count("1") == 1

    await forget(bench)
    assert await notifier.tell_the_rest(PATIENCE) == 0
    assert others.told.count("1") == 2


async def test_a_range_that_comes_into_being_late_with_a_low_number_is_walked(bench: Bench, others: Others) -> None:
    heart = Heartbeat()
    assert await bench.alice._job.reserve_range_no(bench.alice._transactions) == 1
    await end(bench, "7")

    async with telling(notifier_to(others, bench), heart.heard):
        await others.until(lambda told: "7" in told)
        await heart.until_looked(3)
        await bench.sql(
            "INSERT INTO penstock_ranges (job_id, range_no, kind, row_count, state) VALUES (1, 1, 'keys', 1, 'open')"
        )
        late = await take(bench.bob)
        assert late.range_no == 1
        await bench.bob.settle([portion(late, 1, failed("9"))], marked)
        await others.until(lambda told: "9" in told)


async def test_now_and_then_all_rows_are_walked(bench: Bench, others: Others, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "EVERYTHING", 0.05)
    await end(bench, "1")

    async with telling(notifier_to(others, bench)):
        await others.until(lambda told: "1" in told)
        await forget(bench)
        await others.until(lambda told: told.count("1") > 1)


async def test_a_worker_that_does_not_lead_tells_nothing(bench: Bench, others: Others) -> None:
    await end(bench, "1")
    asked = asyncio.Event()
    answers: list[Control | None] = [LEADS, FOLLOWS, FOLLOWS, None]

    def heard() -> Control | None:
        control = answers.pop()
        if not answers:
            answers.append(LEADS)
        if control is LEADS:
            asked.set()
        else:
            assert others.told == []
        return control

    async with telling(notifier_to(others, bench), heard):
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        await others.until(lambda told: "1" in told)


async def test_whoever_comes_to_lead_begins_at_the_first_row(bench: Bench, others: Others) -> None:
    heart = Heartbeat()
    await end(bench, "1")
    await end(bench, "2")
    async with telling(notifier_to(others, bench), heart.heard):
        await others.until(lambda told: "2" in told)
        await heart.until_looked(3)
        heart.control = FOLLOWS
        await heart.until_looked(3)
        await forget(bench)
        heart.control = LEADS
        await others.until(lambda told: told.count("1") > 1)


async def test_what_was_not_confirmed_is_told_again_and_nothing_else(bench: Bench, others: Others) -> None:
    await end(bench, "1", "2", "3")
    others.most = 1

    async with telling(notifier_to(others, bench)):
        await others.until(lambda told: len(told) >= 6)

    assert others.told[:6] == ["1", "2", "3", "2", "3", "3"]


async def test_they_are_told_page_by_page(bench: Bench, others: Others, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "PAGE", 2)
    keys = [str(key) for key in range(1, 8)]
    await end(bench, *keys)

    assert await notifier_to(others, bench).tell_the_rest(PATIENCE) == 0

    assert others.told == keys


async def test_what_is_published_is_written_down_before_the_loop_ends(bench: Bench, others: Others) -> None:
    await end(bench, "1")
    others.answers.clear()
    notifier = notifier_to(others, bench)
    loop = asyncio.create_task(notifier.notify_for_ever(lambda: LEADS))
    await others.until(lambda told: "1" in told)

    loop.cancel()
    asyncio.get_running_loop().call_soon(others.answers.set)
    with pytest.raises(asyncio.CancelledError):
        await loop

    assert await notifier.tell_the_rest(PATIENCE) == 0
    assert others.told == ["1"]


async def test_an_end_does_not_wait_for_long_and_says_how_many_are_left(
    bench: Bench, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 0.05)
    await end(bench, "1", "2", "3")
    others.most = 0

    assert await notifier_to(others, bench).tell_the_rest(PATIENCE) == 3


async def test_as_long_as_messages_are_taken_an_end_goes_on(
    bench: Bench, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PATIENCE", 2.0)
    keys = [str(key) for key in range(11, 26)]
    await end(bench, *keys)
    others.most = 1

    assert await notifier_to(others, bench).tell_the_rest(PATIENCE) == 0

    assert list(dict.fromkeys(others.told)) == keys


async def test_rows_that_were_told_of_before_use_up_no_patience(
    bench: Bench, others: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PAGE", 1)
    await end(bench, *[str(key) for key in range(100, 150)])
    assert await notifier_to(others, bench).tell_the_rest(PATIENCE) == 0
    await end(bench, "999")
    looks = count()  # a second passes with each look at the clock

    assert await notifier_to(others, bench, lambda: float(next(looks))).tell_the_rest(math.inf) == 0
    assert others.told[-1] == "999"


async def test_the_last_worker_is_the_one_beside_whom_nobody_is(bench: Bench) -> None:
    await bench.alice.leave(ALICE, "done")
    assert not await beside_a_live_one(bench)

    await bench.bob.leave(BOB, "done")
    assert await wired.is_last(bench.model)


async def test_a_worker_that_is_silent_is_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wired, "SILENCE", 0.3)
    monkeypatch.setattr(wired, "LOOK", 0.05)
    await bench.alice.leave(ALICE, "done")

    assert await wired.is_last(bench.model)


async def beside_a_live_one(bench: Bench) -> bool:
    """Whether a worker that has left is the last while bob's heart beats."""
    looking = asyncio.create_task(wired.is_last(bench.model))
    while not looking.done():
        await bench.bob.renew([], SECONDS, BOB, PULSE)
    return looking.result()


async def test_settling_asks_nothing_of_who_was_told(bench: Bench) -> None:
    await bench.sql("DROP TABLE penstock_notices")
    lease = await span(bench.alice, None, "9")

    await bench.alice.settle([last_portion(lease, 1, [*imported("1"), *failed("2")])], marked)

    assert await bench.states() == {"1": "imported", "2": "failed"}
