"""What a run came to, for people and for programs."""

from dataclasses import replace
from io import StringIO

from rich.console import Console

from penstock.cli.summary import print_summary, run_line
from penstock.engine.report import Summary, Tally
from penstock.engine.stop import Ended
from penstock.ledger.rows import Cause, Counts, DoubtsAhead
from penstock.ledger.states import RowState

CAUSES = (
    Cause(RowState.FAILED, 422, "refused with 422", 12, "7"),
    Cause(RowState.IN_DOUBT, 500, "answered 500", 1204, '"A-17"'),
    Cause(RowState.SKIPPED, None, "flagged before", 3, "9"),
)


def report(*, exact: bool = True, causes: tuple[Cause, ...] = CAUSES, seconds: float = 20.0) -> Summary:
    counts = Counts(
        imported=4000, failed=12, in_doubt=1204, skipped=3, pending=5, claimed=0, pending_exact=exact, ahead=95
    )
    return Summary("orders", Ended.DONE, "", counts, causes, Tally(sent=4100, attempts=4300, imported=4000), seconds)


def printed(what: Summary) -> str:
    console = Console(file=StringIO(), width=120, soft_wrap=True)
    print_summary(what, "orders.yaml", console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_json_line_has_the_shape_that_the_contract_promises() -> None:
    assert run_line(report()) == {
        "job": "orders",
        "imported": 4000,
        "failed": 12,
        "in_doubt": 1204,
        "skipped": 3,
        "pending": 5,
        "pending_exact": True,
        "run": {"sent": 4100, "imported": 4000, "attempts": 4300, "seconds": 20.0, "rows_per_second": 200.0},
    }


def test_probes_are_told_and_what_the_next_run_does_about_rows_in_doubt() -> None:
    asked = replace(report(), tally=Tally(41, 43, 40, probes=1204), doubts=DoubtsAhead(1204, 1200, 605.0))
    text = printed(asked)
    assert "41 rows sent in 43 requests and 1,204 probes, " in text
    assert "- 1,204 rows in doubt, about which each run asks the API (target.probe). For 1,200 of them" in text
    assert "in 10 min 5 s: penstock run orders.yaml" in text
    assert "not_applied" not in text


def test_while_the_rest_is_an_estimate_pending_holds_what_lies_ahead() -> None:
    line = run_line(report(exact=False))
    assert (line["pending"], line["pending_exact"]) == (100, False)


def test_a_run_of_no_time_has_no_speed() -> None:
    assert run_line(report(seconds=0.0))["run"] == {
        "sent": 4100,
        "imported": 4000,
        "attempts": 4300,
        "seconds": 0.0,
        "rows_per_second": 0.0,
    }


def test_people_see_outcomes_and_reasons_the_most_frequent_first() -> None:
    text = printed(report())
    assert text.startswith("orders: done. This run: 4,000 imported, 4,100 rows sent in 4,300 requests, 20 s, 200/s\n")
    assert text.index("answered 500") < text.index("refused with 422") < text.index("flagged before")
    assert "A-17" in text


def test_each_reason_that_needs_a_person_has_its_line_to_type() -> None:
    advice = [line for line in printed(report()).splitlines() if line.startswith("- ")]
    assert len(advice) == 2
    assert "penstock resolve orders.yaml --status 500 --as pending --note ..." in advice[0]
    assert "penstock retry orders.yaml --status 422" in advice[1]


def test_a_run_that_stopped_early_says_why_once() -> None:
    ended = replace(
        report(), ended=Ended.STOP_AT, detail="50 of the last 54 rows failed or are in doubt: delivery.stop_at"
    )
    first = printed(ended).splitlines()[0]
    assert first.startswith(
        "orders: stopped early (50 of the last 54 rows failed or are in doubt: delivery.stop_at). This"
    )


def test_a_thousand_reasons_do_not_flood_the_screen() -> None:
    many = tuple(Cause(RowState.FAILED, 422, f"reason {n}", 1, "1") for n in range(1000))
    assert "and 980 further reasons: penstock rows orders.yaml" in printed(report(causes=many))


def test_a_run_without_reasons_prints_none() -> None:
    assert "reason" not in printed(report(causes=()))
