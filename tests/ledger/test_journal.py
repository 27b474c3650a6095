"""The journal: what a worker knew when it died, and nothing that held no more."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from penstock.ledger.journal import LARGE, Journal
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState

JOB = "orders"
DEAD = "boot:ns:1:2:a"


def imported(key: str, receipt: str = "r") -> Settlement:
    return Settlement(key, RowState.IMPORTED, 1, 201, None, receipt, None, 77, 1763945000.5)


def recalled(folder: Path, range_no: int = 1, fence: int = 1, owner: str = DEAD) -> list[Settlement]:
    """What a worker started after it finds."""
    survivor = Journal(folder, JOB, "boot:ns:3:4:b")
    try:
        return list(survivor.recall(owner, range_no, fence))
    finally:
        survivor.close()


def dead_file(folder: Path) -> Path:
    [path] = folder.glob("*.journal")
    return path


async def test_answers_that_had_come_are_recalled_by_range_and_fence(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    failed = Settlement('"ü"', RowState.FAILED, 2, 422, "no", None, '{"code": 7}\ud800')
    journal.append(1, 1, [imported("1", "id-1")])
    journal.append(1, 1, [failed])
    journal.append(1, 2, [imported("2")])
    journal.append(2, 1, [imported("3")])
    journal.close()

    assert recalled(tmp_path) == [imported("1", "id-1"), failed._replace(answer='{"code": 7} ')]
    assert recalled(tmp_path, range_no=2) == [imported("3")]
    assert recalled(tmp_path, range_no=3) == []


async def test_an_answer_is_in_the_file_when_the_loop_has_turned(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.append(1, 1, [imported("2")])
    assert dead_file(tmp_path).stat().st_size == 0, "one write for all that came together"

    await asyncio.sleep(0)

    assert dead_file(tmp_path).stat().st_size > 0
    journal.close()


async def test_of_what_was_written_in_one_turn_the_last_holds_of_each_row_and_range(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    waits = Settlement("2", RowState.PENDING, 1, 503, "busy")
    for range_no, fence in ((1, 1), (2, 1), (1, 1)):
        journal.append(range_no, fence, [imported("1")])
        journal.append(range_no, fence, [waits])
        journal.withdraw(range_no, ["1"])
    journal.append(1, 2, [imported("1")])
    journal.append(1, 1, [imported("3")])
    journal.withdraw(2, ["2"])
    journal.close()

    assert recalled(tmp_path) == [waits, imported("3")]
    assert recalled(tmp_path, fence=2) == [imported("1")]
    assert recalled(tmp_path, range_no=2) == []


async def test_of_several_answers_for_a_row_the_last_one_holds(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [Settlement("1", RowState.PENDING, 1, 503, "busy")])
    journal.append(1, 1, [imported("1")])
    journal.close()

    assert recalled(tmp_path) == [imported("1")]


async def test_a_row_that_goes_out_again_is_not_recalled_by_its_older_answer(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [Settlement("1", RowState.PENDING, 1, 503, "busy")])
    journal.append(1, 1, [imported("2")])

    journal.withdraw(1, ["1"])
    journal.withdraw(1, ["never answered"])

    journal.flush()
    assert dead_file(tmp_path).read_bytes().count(b"withdrawn") == 1
    journal.close()
    assert recalled(tmp_path) == [imported("2")]


async def test_rows_held_back_are_known_to_wait_until_they_go_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [Settlement("5", RowState.PENDING, 1, 503, "busy")])
    journal.hold_back(1, 1, ["1", "2", "3"])
    # At once: the window that names them may be written before the loop turns.
    assert dead_file(tmp_path).read_bytes().count(b"\n") == 2
    journal.hold_back(1, 2, ["4"])
    journal.withdraw(1, ["5"])
    journal.withdraw(1, ["1"])
    journal.withdraw(1, ["3"])
    journal.append(1, 1, [imported("3")])
    assert journal.known(1, 1) == [Settlement("2", RowState.PENDING), imported("3")]
    journal.close()

    assert recalled(tmp_path) == [Settlement("2", RowState.PENDING), imported("3")]


async def test_what_the_ledger_has_of_an_older_lease_takes_nothing_from_a_newer_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.hold_back(1, 2, ["1"])
    journal.forget(1, 1, ["1"])
    journal.withdraw(1, ["1"])
    journal.close()

    assert recalled(tmp_path, fence=2) == []


async def test_an_answer_after_a_withdrawal_holds_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [Settlement("1", RowState.PENDING, 1, 503, "busy")])
    journal.withdraw(1, ["1"])
    journal.append(1, 1, [imported("1")])
    journal.close()

    assert recalled(tmp_path) == [imported("1")]


async def test_what_the_ledger_has_takes_no_room(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.append(2, 1, [imported("1")])
    journal.flush()

    journal.forget(1, 1, ["1"])
    assert dead_file(tmp_path).stat().st_size > 0, "range 2 is not in the ledger yet"
    journal.forget(2, 1, ["1"])

    assert dead_file(tmp_path).stat().st_size == 0
    journal.close()
    assert os.listdir(tmp_path) == []


async def test_what_is_forgotten_before_it_was_written_is_not_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.forget(1, 1, ["1"])
    await asyncio.sleep(0)

    assert dead_file(tmp_path).stat().st_size == 0
    journal.close()


async def test_a_large_file_is_written_anew_with_what_is_outstanding(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.hold_back(1, 1, ["held back"])
    journal.append(1, 1, [imported("kept")])
    big = "r" * 900
    for number in range(LARGE // 900):
        journal.append(1, 1, [imported(str(number), big)])
    journal.flush()
    assert dead_file(tmp_path).stat().st_size > LARGE

    journal.forget(1, 1, [str(number) for number in range(LARGE // 900)])

    assert dead_file(tmp_path).stat().st_size < 1000
    journal.append(1, 1, [imported("later")])
    journal.flush()
    assert recalled(tmp_path) == [], "it lives, under the new file too"
    journal.close()
    assert recalled(tmp_path) == [Settlement("held back", RowState.PENDING), imported("kept"), imported("later")]


async def test_a_live_worker_speaks_for_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.flush()

    assert recalled(tmp_path) == []
    journal.close()
    assert recalled(tmp_path) == [imported("1")]


async def test_a_line_torn_by_the_crash_is_ignored(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.flush()
    journal.append(1, 1, [imported("2")])
    journal.append(1, 1, [imported("3")])
    journal.close()
    path = dead_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])

    assert recalled(tmp_path) == [imported("1")]


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\x00\x00\n",
        b"7\n",
        b"{}\n",
        b'{"range":1,"fence":1,"rows":[["2","settled"]]}\n',
        b'{"range":1,"fence":1,"rows":[["2","pending",1,2,3,4,5,6,7,8]]}\n',
    ],
)
async def test_of_a_file_that_cannot_be_read_whole_only_what_has_ended_holds(tmp_path: Path, line: bytes) -> None:
    """A later penstock may have written it; that a waiting row has gone out again may be among what is not understood."""
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.append(1, 1, [Settlement("2", RowState.PENDING)])
    journal.close()
    path = dead_file(tmp_path)
    path.write_bytes(path.read_bytes() + line + b'{"range":1,"withdrawn":["2"]}\n')

    assert recalled(tmp_path) == [imported("1")]


async def test_another_owner_or_job_knows_nothing_of_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.close()

    assert recalled(tmp_path, owner="boot:ns:1:2:other") == []
    assert Journal(tmp_path, "customers", "x").recall(DEAD, 1, 1) == ()


async def test_a_killed_process_leaves_what_it_knew(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from penstock.ledger.base import Settlement\n"
        "from penstock.ledger.journal import Journal\n"
        "from penstock.ledger.states import RowState\n"
        "async def main():\n"
        f"    journal = Journal(Path(sys.argv[1]), {JOB!r}, {DEAD!r})\n"
        "    journal.append(1, 1, [Settlement('1', RowState.IMPORTED, 1, 201, None, 'r', None, 77, 1763945000.5)])\n"
        "    await asyncio.sleep(0)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(tmp_path))

    assert await process.wait() == -signal.SIGKILL
    assert recalled(tmp_path) == [imported("1")]


async def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "orders"
    journal = Journal(folder, JOB, DEAD)

    assert stat.S_IMODE(dead_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    journal.close()


async def test_p11_a_journal_that_cannot_be_written_is_emptied_and_the_run_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.flush()
    with full_disk(dead_file(tmp_path).stat().st_size + 10):
        journal.append(1, 1, [imported("2")])
        journal.flush()

    assert "answers are not written down" in journal.trouble
    assert dead_file(tmp_path).stat().st_size == 0

    journal.append(1, 1, [imported("3")])
    journal.flush()
    assert journal.trouble == ""
    journal.close()
    assert recalled(tmp_path) == [imported("3")]


async def test_a_withdrawal_that_cannot_be_written_takes_the_older_answers_with_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.append(1, 1, [imported("2")])
    journal.flush()
    with full_disk(dead_file(tmp_path).stat().st_size + 10):
        journal.withdraw(1, ["1"])
        journal.flush()

    journal.close()
    assert recalled(tmp_path) == []


async def test_a_folder_that_cannot_be_made_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    journal = Journal(tmp_path / "file" / "state", JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.flush()
    journal.forget(1, 1, ["1"])
    journal.close()

    assert "answers are not written down" in journal.trouble


async def test_files_of_workers_dead_for_a_month_are_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, JOB, DEAD)
    journal.append(1, 1, [imported("1")])
    journal.close()
    os.utime(dead_file(tmp_path), (0, 0))

    assert recalled(tmp_path) == []


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
