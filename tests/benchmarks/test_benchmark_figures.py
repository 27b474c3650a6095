"""From samples to figures, tables, goals and pages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.adaptive import Adapted, Times, adapted
from benchmarks.cases import AFTERNOON, CASES, NODE, PENSTOCK, PENSTOCK_ONCE, SENDER, THREADS
from benchmarks.figures import Figures, Sample, figures
from benchmarks.goals import Goal, at_least, at_most, of_adapting, of_scale, of_speed, of_verifying
from benchmarks.pages import replaced
from benchmarks.rounds import medians
from benchmarks.scale import Scale, scale
from benchmarks.tables import beside_us, measured, verifying
from benchmarks.verifying import Verified, verified

NOTHING = Sample(seconds=0, posts=0, client_cpu=0, api_cpu=0, database_cpu=0, megabytes=0)
ONE_ROW = Sample(seconds=1, posts=1, client_cpu=0.5, api_cpu=0, database_cpu=0.1, megabytes=50)
END = Sample(seconds=5, posts=20_001, client_cpu=4.5, api_cpu=0.4, database_cpu=2.1, megabytes=90)
FIGURES = Figures(
    rows_per_second=5_000, client_cpu=2, api_cpu=0.2, database_cpu=1, megabytes=90, one_row=1, api_busy=0.1
)


def speed(rows_per_second: float, client_cpu: float = 1.0) -> Figures:
    return replace(FIGURES, rows_per_second=rows_per_second, client_cpu=client_cpu)


def test_a_run_with_one_row_is_taken_off() -> None:
    assert figures(ONE_ROW, END, 20_001) == pytest.approx(FIGURES)


def test_a_run_too_short_to_tell_pays_for_its_start() -> None:
    short = replace(ONE_ROW, seconds=1.1, posts=300)
    assert figures(ONE_ROW, short, 300).rows_per_second == pytest.approx(300 / 1.1)


def test_a_database_that_cannot_be_seen_has_no_figure() -> None:
    assert figures(ONE_ROW, replace(END, database_cpu=None), 20_001).database_cpu is None


def test_medians_are_taken_figure_by_figure() -> None:
    middle = medians([speed(1, 9), speed(2, 8), speed(3, 7)])
    assert (middle.rows_per_second, middle.client_cpu) == (2, 8)


def test_slow_peers_get_fewer_rows_but_never_more_than_there_are() -> None:
    assert THREADS.rows(100_000) == 2_000
    assert THREADS.rows(5_000) == 200
    assert THREADS.rows(100) == 100


def test_every_case_stands_once_in_the_table() -> None:
    page = measured(dict.fromkeys(CASES, FIGURES), 100_000)
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line and "rows/s" not in line]
    assert len(rows) == len(CASES)


def test_the_table_names_those_for_whom_the_api_was_the_bottleneck() -> None:
    page = measured({PENSTOCK: FIGURES, SENDER: replace(FIGURES, api_busy=0.99)}, 100_000)
    assert "The API was the bottleneck" in page
    assert page.rstrip().endswith("of: its sender alone, no database.")


def test_the_comparison_says_how_much_faster_penstock_is() -> None:
    page = beside_us({PENSTOCK: speed(20_000), NODE: speed(10_000), NODE.delayed(20, 2): speed(2_500)})
    assert "| Node: undici, mysql2, marks in batches | 10,000 | 1.00 | 2.0 × faster | 2,500 |" in page


def test_the_comparison_says_how_much_slower_penstock_is() -> None:
    page = beside_us({PENSTOCK: speed(10_000), NODE: speed(25_000)})
    assert "| Node: undici, mysql2, marks in batches | 25,000 | 1.00 | 2.5 × slower | – |" in page


def test_a_goal_says_whether_it_is_met() -> None:
    assert at_most("cpu", 0.28, 0.28, "{:.2f}").met
    assert not at_most("cpu", 0.28, 0.29, "{:.2f}").met
    assert at_least("rows/s", 10, 10, "{}").met
    assert not at_least("rows/s", 10, 9, "{}").met
    assert at_least("rows/s", 10, None, "{}").cells() == ["rows/s", "≥ 10", "not measured", "–"]


def test_goals_compare_what_was_run_side_by_side() -> None:
    found = {PENSTOCK: speed(20_000, 0.2), PENSTOCK_ONCE: speed(1, 0.22), AFTERNOON: speed(4_000)}
    goals = {goal.what: goal for goal in of_speed(found)}
    assert goals["`idempotent: false` costs further CPU"] == Goal(
        "`idempotent: false` costs further CPU", "≤ 15%", "10%", met=True
    )
    assert goals["times the rows/s of the afternoon's script, 0 ms"].measured == "5.0 ×"
    assert goals["times the rows/s of Node, 0 ms"].measured is None


def test_the_cost_of_a_row_is_told_for_each_tenth_of_a_large_table() -> None:
    first = [replace(NOTHING, posts=done * 10, client_cpu=done**2 * 1.0, megabytes=60.0 + done) for done in range(101)]
    found = scale(first, [NOTHING, replace(NOTHING, seconds=1.5, posts=3)], most=1_000, rows=1_010)
    assert len(found.cpu) == len(found.megabytes) == 10
    assert found.cpu[-1] == pytest.approx((100**2 - 90**2) / 100 * 10_000)
    assert found.megabytes[-1] == 160
    assert found.seconds_to_first_post == 1.5


def test_a_large_table_meets_its_goals_only_if_its_cost_and_memory_are_flat() -> None:
    flat = Scale(rows=1_000, cpu=(0.3, 0.2, *[0.2] * 8), megabytes=(90.0,) * 10, seconds_to_first_post=1.0)
    assert all(goal.met for goal in of_scale(flat))
    rising = replace(
        flat, cpu=(*flat.cpu[:-1], 0.22), megabytes=(*flat.megabytes[:-1], 101.0), seconds_to_first_post=2.1
    )
    assert not any(goal.met for goal in of_scale(rising))


def test_a_page_keeps_what_stands_around_the_figures() -> None:
    page = "before\n<!-- measured: all -->\nold\n<!-- end -->\nafter\n<!-- measured: other -->\nkept\n<!-- end -->\n"
    assert replaced(page, "all", "new \\1").startswith(
        "before\n<!-- measured: all -->\n\nnew \\1\n\n<!-- end -->\nafter"
    )
    assert "kept" in replaced(page, "all", "new")


def test_a_page_without_a_place_for_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for what is measured as 'all'"):
        replaced("nothing here", "all", "new")


def test_how_auto_fares_is_told_from_when_each_request_came_and_went() -> None:
    times = Times(known=1.0, drop=2.0, end=8.0)
    # Ten at once for 0.1 s each, all but a tenth of them after 0.1 s in the queue; and three that are there 5 s after the drop.
    busy = [
        [1.0 + n / 100 - queued, 1.0 + n / 100, 1.1 + n / 100] for n in range(90) for queued in [0.1 * (n % 10 > 0)]
    ]
    found = adapted(
        10, [*busy, [6.9, 6.95, 7.05], [6.95, 0.0, 0.0], [6.96, 0.0, 0.0], [7.1, 0.0, 0.0]], times, further=2
    )
    assert (found.reached, found.queued) == pytest.approx((0.9, 2.0))
    assert (found.waiting, found.further) == (3.0, 2)


def test_auto_meets_its_goals_only_if_every_api_is_kept_busy_without_a_queue() -> None:
    good = Adapted(servers=64, reached=0.97, queued=1.3, waiting=1.5, further=0)
    assert all(goal.met for goal in of_adapting([good, replace(good, servers=4, waiting=9.0)]))
    bad = Adapted(servers=20, reached=0.94, queued=2.1, waiting=2.1, further=1)
    assert not any(goal.met for goal in of_adapting([good, bad]))


VERIFIED = Verified(
    what="a MariaDB table",
    rows=20_000,
    rows_per_second=4_000,
    client_cpu=2.25,
    database_cpu=1.05,
    megabytes=90,
    megabytes_of_a_tenth=86,
)


def test_what_verify_costs_is_told_of_the_whole_run_beside_the_memory_of_a_tenth() -> None:
    assert verified("a MariaDB table", rows=20_000, end=END, tenth=replace(END, megabytes=86)) == VERIFIED
    assert "| a MariaDB table | 4,000 | 2.250 | 1.050 | 90 | 86 |" in verifying([VERIFIED])
    assert "| a MariaDB table | 4,000 | 2.250 | – | 90 | 86 |" in verifying([replace(VERIFIED, database_cpu=None)])


def test_verify_meets_its_goals_only_if_its_memory_is_small_and_flat_for_every_store() -> None:
    assert all(goal.met for goal in of_verifying([VERIFIED, VERIFIED]))
    assert not any(goal.met for goal in of_verifying([VERIFIED, replace(VERIFIED, megabytes=151)]))
    assert not any(goal.measured for goal in of_verifying([]))
