"""From a trace to the points of a sweep."""

from __future__ import annotations

from random import Random

import pytest
from tests.proof.points import Call, Point, calls_in, errors, kills, sampled, stops

TRACE = """\
41 read(3,  <unfinished ...>)       = ?
42 write(10, "\\1\\0", 8)  = 8
41 <... read resumed>"\\1", 1024)     = 8
41 futex(0x7f, FUTEX_WAKE_PRIVATE, 1)     = 1
42 pwrite64(7, "SQLite"..., 4096, 0)      = 4096
41 +++ killed by SIGKILL +++
""".splitlines()


def test_a_trace_gives_each_call_once_where_it_began_and_none_that_nobody_sees() -> None:
    assert calls_in(TRACE) == [Call("41", "read"), Call("42", "write"), Call("42", "pwrite64")]


def test_each_call_of_one_thread_is_a_point_by_its_own_name() -> None:
    calls = [Call("1", "write"), Call("1", "read"), Call("1", "write")]
    assert [str(point) for point in kills(calls)] == ["write/1/SIGKILL", "read/1/SIGKILL", "write/2/SIGKILL"]


def test_a_call_behind_another_thread_is_aimed_at_by_a_set_in_which_its_own_is_ahead() -> None:
    # strace counts by thread: the second thread's first write would only be met after the first one's.
    calls = [Call("1", "write"), Call("2", "pwrite64"), Call("2", "write")]
    assert [str(point) for point in kills(calls)] == [
        "write/1/SIGKILL",
        "pwrite64/1/SIGKILL",
        "pwrite64+write/2/SIGKILL",
    ]


def test_a_call_that_no_set_is_ahead_in_is_left_out() -> None:
    assert [str(point) for point in kills([Call("1", "write"), Call("2", "write")])] == ["write/1/SIGKILL"]


def test_a_run_may_be_asked_to_stop_wherever_it_may_be_killed() -> None:
    assert [str(point) for point in stops([Call("1", "write")])] == ["write/1/SIGTERM"]


def test_each_call_meets_the_errors_that_the_kernel_may_answer_to_it() -> None:
    points = errors([Call("1", "socket"), Call("1", "fsync")])
    assert [str(point) for point in points] == ["socket/1/EMFILE", "fsync/1/ENOSPC", "fsync/1/EIO"]


@pytest.mark.parametrize(
    ("point", "injection"),
    [
        (Point(("write",), 7), "write:signal=SIGKILL:when=7"),
        (Point(("write",), 7, "SIGTERM"), "write:signal=SIGTERM:when=7"),
        (Point(("read", "write"), 3, "EIO"), "read,write:error=EIO:when=3"),
    ],
)
def test_a_point_is_told_to_strace_and_can_be_written_down(point: Point, injection: str) -> None:
    assert point.injection == injection
    assert Point.parse(str(point)) == point


def test_a_sample_is_the_same_for_the_same_seed_and_whole_where_there_is_room() -> None:
    points = [Point(("write",), number) for number in range(1, 100)]
    assert sampled(points, 9, Random(4)) == sampled(points, 9, Random(4)) != sampled(points, 9, Random(5))
    assert sampled(points, 99, Random(4)) == points
