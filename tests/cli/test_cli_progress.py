"""What a live run looks like."""

from io import StringIO

from rich.console import Console

from penstock.cli.progress import bar, display
from penstock.cli.standing import Follower, one_line
from penstock.engine.report import Progress, Tally
from penstock.ledger.rows import Counts


def progress(
    elapsed: float, imported: int, *, left: int | None = 900, exact: bool = False, hold: str = "", failed: int = 0
) -> Progress:
    counts = Counts(
        imported=imported,
        failed=failed,
        in_doubt=0,
        skipped=0,
        pending=0 if left is None else left,
        claimed=0,
        pending_exact=exact,
        ahead=None if left is None else 0,
    )
    return Progress(
        counts=counts,
        tally=Tally(),
        rows_per_second=1.0,
        elapsed=elapsed,
        in_flight=3,
        concurrency=8,
        limited_by="rate",
        hold=hold,
    )


def lines_for(*looks: Progress) -> list[str]:
    console = Console(file=StringIO(), width=200)
    with display("orders", console) as show:
        for look in looks:
            show(look)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_a_plain_line_tells_everything() -> None:
    follower = Follower("orders")
    follower.look(progress(0.0, 100, failed=2))
    assert one_line(follower.look(progress(10.0, 1100, failed=2))) == (
        "orders: 1,102 of ~2,002 (55%), 100/s, 100/s overall, 9.0 s left, 3 of 8 in flight, 2 failed, limited by rate"
    )


def test_an_unknown_total_is_not_made_up() -> None:
    assert one_line(Follower("orders").look(progress(0.0, 100, left=None))) == (
        "orders: 100 done, 3 of 8 in flight, limited by rate"
    )


def test_an_exact_total_has_no_tilde() -> None:
    assert "100 of 1,000 (10%)" in one_line(Follower("orders").look(progress(0.0, 100, exact=True)))


def test_a_hold_says_why_and_writes_nothing_to_the_terminal_but_text() -> None:
    line = one_line(Follower("orders").look(progress(0.0, 1, hold="answered 401: \x1b[2Jno")))
    assert "holding: answered 401: \\u001b[2Jno" in line


def test_where_stderr_is_no_terminal_a_line_comes_every_few_seconds() -> None:
    assert len(lines_for(*(progress(second / 2, second) for second in range(24)))) == 3


def test_a_run_that_is_over_at_once_needs_no_line() -> None:
    assert lines_for(progress(0.0, 1), progress(0.5, 2)) == []


def test_a_hold_and_its_end_are_told_at_once() -> None:
    lines = lines_for(progress(1.0, 1), progress(2.0, 1, hold="answered 401"), progress(3.0, 1))
    assert ["holding" in line for line in lines] == [False, True, False]


def test_on_a_terminal_it_is_a_bar_that_gives_way_to_the_summary() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=120)
    with display("orders", console) as show:
        show(progress(0.0, 100))
    assert isinstance(console.file, StringIO)
    assert "100 of ~1,000 (10%)" in console.file.getvalue()


def test_the_bar_names_the_hold_on_a_line_of_its_own() -> None:
    console = Console(file=StringIO(), width=120)
    console.print(bar(Follower("orders").look(progress(0.0, 100, hold="answered 401"))))
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().splitlines()[-1].strip() == "holding: answered 401"
