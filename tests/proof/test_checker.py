"""The checker sees what it is there for: a migration that went well holds, and each way to spoil it breaks its own invariant."""

from __future__ import annotations

import pytest
from tests.proof.checker import INVARIANTS, check
from tests.proof.evidence import Transition
from tests.proof.modes import Mode
from tests.proof.worlds import (
    Spoil,
    event,
    line,
    well,
    with_end,
    with_flag,
    with_job,
    with_ledger,
    with_line,
    with_log,
    with_moves,
    with_range,
    with_row,
    with_source,
    with_text,
    without_lines,
    without_row,
)

BOTH, IDEMPOTENT, ONCE = (True, False), (True,), (False,)

SPOILED: list[tuple[str, str, tuple[bool, ...], Spoil]] = [
    ("I1", "an imported row that never went out", BOTH, without_lines(1)),
    ("I1", "an imported row that was not applied", BOTH, with_line(1, applied=False)),
    ("I1", "an imported row whose answer was cut", BOTH, with_line(1, mode=Mode.CUT)),
    ("I1", "an imported row that was answered 500", BOTH, with_line(1, mode=Mode.FAIL_AFTER)),
    ("I1", "the answer of another row", BOTH, with_row("1", receipt="R-4-5")),
    ("I1", "an answer that nobody asked for", BOTH, with_row("1", receipt="STRAY-1")),
    ("I1", "a row that the ledger does not know in the end", BOTH, without_row("2")),
    ("I1", "an applied row that is called refused", BOTH, with_row("1", state="failed")),
    ("I1", "an applied row that is called skipped", BOTH, with_row("1", state="skipped")),
    ("I2", "the flag of a row that is not imported", BOTH, with_flag("2", 1)),
    ("I2", "the flag of a row that is not in the query", BOTH, with_flag("9", 1)),
    ("I2", "no flag in the end", BOTH, with_flag("1", 0)),
    ("I3", "a range that counts one too many", BOTH, with_range(imported=3, row_count=5)),
    ("I3", "a range that counts one too few", BOTH, with_range(failed=0)),
    ("I3", "a range that is done with a row less than it has", BOTH, with_range(row_count=3)),
    ("I3", "a range that is done while a row waits", BOTH, with_row("2", state="pending")),
    ("I3", "totals that do not add up", BOTH, with_job(done_imported=7)),
    ("I3", "a row of a range that is not there", BOTH, with_row("1", range_no=8)),
    ("I3", "a row that the query does not show", BOTH, with_row("1", row_key="9")),
    ("I4", "imported, and then failed", BOTH, with_moves(Transition("1", "imported", "failed", 1))),
    ("I4", "imported, and then pending", BOTH, with_moves(Transition("1", "imported", "pending", 1))),
    ("I4", "failed, and then imported", BOTH, with_moves(Transition("2", "failed", "imported", 1))),
    ("I4", "a row that was deleted", BOTH, with_moves(Transition("1", "imported", None, 1))),
    ("I4", "a state that nobody wrote", BOTH, with_row("2", state="skipped")),
    ("I4", "a state between that the audit has not", BOTH, with_moves(Transition("2", "pending", "failed", 1))),
    ("I5", "applied twice", ONCE, with_log(line(7, "1"))),
    ("I5", "sent again after no answer", ONCE, with_log(line(7, "3", Mode.DROP))),
    ("I5", "sent again after a 500", ONCE, with_line(4, mode=Mode.FAIL_BEFORE)),
    ("I5", "sent again after half a request", ONCE, with_line(4, phase="broken", mode=None)),
    ("I5", "more in doubt than was on the wire", ONCE, with_end(may_be_in_doubt=0)),
    ("I6", "another key", BOTH, with_line(5, key="another")),
    ("I6", "no key", BOTH, with_line(1, key=None)),
    ("I6", "one key for two rows", BOTH, with_line(1, key="key of 2")),
    ("I6", "other bytes", BOTH, with_line(5, body="other")),
    ("I6", "applied twice by an honest API", IDEMPOTENT, with_line(6, applied=True, replayed=False)),
    ("I7", "a further send without an event", BOTH, with_ledger(events=[])),
    ("I7", "an event of another row", BOTH, with_ledger(events=[event("further_attempt", "1", 1)])),
    ("I7", "a take-over of another range", BOTH, with_ledger(events=[event("take_over", range_no=2)])),
    ("I7", "a row that is not in the query", BOTH, with_log(line(7, "9"))),
    ("I7", "a request without the token", BOTH, with_line(1, authorized=False)),
    ("I8", "a row that still waits", BOTH, with_row("2", state="pending")),
    ("I8", "a row in doubt of an idempotent job", IDEMPOTENT, with_row("3", state="in_doubt")),
    ("I8", "a range that is not done", BOTH, with_range(state="leased")),
    ("I8", "a window that is left", BOTH, with_ledger(windows=[{"range_no": 1}])),
    ("I8", "a run that gave up", BOTH, with_end(ended=3)),
    ("I8", "a run that was killed as nothing moved", BOTH, with_end(ended=-9)),
    ("I8", "a run that took too long", BOTH, with_end(seconds=100.0)),
    ("I9", "a column that changed", BOTH, with_source("1", ["item 1", "2026-01-01 00:00:00"])),
    ("I9", "a row that is gone", BOTH, with_source("9", None)),
    ("I9", "a row that was not there", BOTH, with_source("10", ["item 10", ""])),
    ("I10", "a secret in the output", BOTH, with_text("stderr", "Bearer canary")),
    ("I10", "a secret in the ledger", BOTH, with_text("the ledger", "'reason': 'canary'")),
]


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_a_migration_that_went_well_holds(idempotent: bool) -> None:
    assert check(well(idempotent=idempotent)) == []


@pytest.mark.parametrize(
    ("invariant", "idempotent", "spoil"),
    [
        pytest.param(name, mode, spoil, id=f"{name} {words}{', idempotent' if mode else ''}")
        for name, words, modes, spoil in SPOILED
        for mode in modes
    ],
)
def test_what_is_spoiled_is_seen(invariant: str, idempotent: bool, spoil: Spoil) -> None:
    assert invariant in {finding.invariant for finding in check(spoil(well(idempotent=idempotent)))}


def test_every_invariant_has_been_seen_broken() -> None:
    assert {name for name, *_ in SPOILED} == set(INVARIANTS)


def test_what_a_person_decides_explains_a_further_send_even_where_the_api_takes_no_repeats() -> None:
    resolved = with_ledger(events=[event("further_attempt", "4", 1), event("resolved", "3")])
    again = with_log(line(7, "3", Mode.DROP))
    assert check(again(resolved(well(idempotent=False)))) == []


def test_a_take_over_is_no_leave_to_send_again_where_the_api_takes_no_repeats() -> None:
    taken = with_ledger(events=[event("further_attempt", "4", 1), event("take_over", range_no=1)])
    again = with_log(line(7, "3", Mode.DROP))
    assert [finding.invariant for finding in check(again(taken(well(idempotent=False))))] == ["I5"]


def test_while_a_run_is_still_to_come_rows_may_wait_and_flags_be_due() -> None:
    spoils = with_end(is_over=False, ended=None), with_flag("1", 0), with_range(state="leased", row_count=None)
    evidence = well(idempotent=True)
    for spoil in (*spoils, with_job(done_imported=0, done_failed=0, done_in_doubt=0)):
        evidence = spoil(evidence)
    assert check(evidence) == []
