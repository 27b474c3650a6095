"""Several worker processes, seen as one."""

import pytest

from penstock.cli.delivering import worker_arguments
from penstock.cli.messages import Broken, Finished, Underway, decode, encode
from penstock.cli.team import team_progress, team_report
from penstock.engine.report import Progress, RunOptions, Summary, Tally
from penstock.engine.stop import Ended
from penstock.ledger.rows import Cause, Counts
from penstock.ledger.states import RowState
from penstock.spec.units import parse_duration

CAUSE = Cause(RowState.IN_DOUBT, 500, 'answered 500: "no\n"', 3, '["north",17]')


def counts(imported: int, *, pending: int = 0, exact: bool = True) -> Counts:
    return Counts(
        imported=imported, failed=0, in_doubt=0, skipped=0, pending=pending, claimed=0, pending_exact=exact, ahead=None
    )


def progress(imported: int, *, hold: str = "", elapsed: float = 1.0) -> Progress:
    return Progress(
        counts=counts(imported),
        tally=Tally(sent=10, attempts=12, imported=9),
        rows_per_second=5.0,
        elapsed=elapsed,
        in_flight=4,
        concurrency=8,
        limited_by="" if hold else "rate",
        hold=hold,
    )


def report(ended: Ended, imported: int = 5, *, pending: int = 0, detail: str = "") -> Summary:
    return Summary(
        "orders",
        ended,
        detail,
        counts(imported, pending=pending),
        (CAUSE,),
        Tally(sent=10, attempts=12, imported=9),
        2.5,
    )


@pytest.mark.parametrize(
    "message",
    [Underway(progress(3, hold="401")), Finished(report(Ended.STOP_AT, detail="51 of 1000")), Broken("no\n", 2)],
)
def test_a_message_is_one_line_and_comes_back_the_same(message: Underway | Finished | Broken) -> None:
    line = encode(message)
    assert line.count("\n") == 1
    assert decode(line.encode()) == message


def test_a_line_that_is_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        decode(b'{"kind": "rumour"}')


def test_each_worker_has_its_part_of_the_rate_and_all_of_the_time() -> None:
    assert worker_arguments("a b.yaml", RunOptions(rate=10.0, seconds=90.5), processes=4) == [
        *["run", "a b.yaml"],
        *["--rate", "9000.000/h"],
        *["--for", "90.500s"],
    ]
    assert worker_arguments("orders.yaml", RunOptions(), processes=4) == ["run", "orders.yaml"]


def test_workers_whose_time_is_over_are_told_a_time_that_they_take() -> None:
    [*_, told] = worker_arguments("orders.yaml", RunOptions(seconds=0.0), processes=4)

    assert parse_duration(told) > 0


def test_progress_adds_up_what_is_each_workers_own() -> None:
    team = team_progress([progress(3, elapsed=7.0), progress(4, hold="answered 401")], counts(6))
    assert team == Progress(
        counts=counts(6),
        tally=Tally(sent=20, attempts=24, imported=18),
        rows_per_second=10.0,
        elapsed=7.0,
        in_flight=8,
        concurrency=16,
        limited_by="rate",
        hold="answered 401",
    )


def test_the_last_report_has_the_jobs_counts_and_all_reports_the_work() -> None:
    team = team_report([report(Ended.DONE, 5), report(Ended.DONE, 8)], [], seconds=4.0)
    assert (team.counts, team.tally, team.seconds) == (counts(8), Tally(sent=20, attempts=24, imported=18), 4.0)


def test_the_end_that_a_person_must_hear_of_counts() -> None:
    ends = [report(Ended.DONE), report(Ended.STOP_AT, detail="51 of 1000"), report(Ended.STOPPED, detail="drained")]
    assert (team_report(ends, [], 1.0).ended, team_report(ends, [], 1.0).detail) == (Ended.STOP_AT, "51 of 1000")


def test_a_lost_worker_does_not_matter_once_the_others_have_done_its_rows() -> None:
    assert team_report([report(Ended.DONE)], ["worker 2 was killed"], 1.0).ended is Ended.DONE


def test_a_lost_worker_whose_rows_nobody_took_has_stopped_the_run_early() -> None:
    team = team_report([report(Ended.DONE, pending=7)], ["worker 2 was killed"], 1.0)
    assert (team.ended, team.detail) == (Ended.STOPPED, "worker 2 was killed")
