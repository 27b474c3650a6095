"""What a report's figures are made of: rows, events, lines of verify, and what they come to. Tables of values; the walk itself is
tested where the command is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from penstock.errors import JobError
from penstock.events import EventKind
from penstock.insights import tally as tally_module
from penstock.insights.chronicle import Chronicle, EventsSum
from penstock.insights.receipts import receipt_line
from penstock.insights.tally import RowsSum, Tally
from penstock.insights.timeline import TimelineSum
from penstock.insights.verification import read_verification
from penstock.ledger.events import StoredEvent
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERIES = ("imported", "failed", "in_doubt", "further_attempts")


def row(key: str, state: RowState = RowState.IMPORTED, **values: object) -> LedgerRow:
    told: dict[str, object] = {
        "status": 201,
        "reason": None,
        "receipt": f"r{key}",
        "updated_at": AT,
        "attempts": 1,
    } | values
    return LedgerRow(key=key, range_no=1, fence=1, state=state, answer=None, fingerprint=None, first_sent=None, **told)  # type: ignore[arg-type]


def tally_of(*rows: LedgerRow) -> Tally:
    total = RowsSum(TimelineSum(SERIES))
    for one in rows:
        total.add(one)
    return total.tally


def chronicle_of(*events: StoredEvent) -> Chronicle:
    total = EventsSum(TimelineSum(SERIES))
    for one in events:
        total.add(one)
    return total.chronicle


def event(kind: EventKind, detail: str = "", *, owner: str | None = "alice", key: str | None = None) -> StoredEvent:
    return StoredEvent(AT, kind, detail, key, None, owner)


def test_rows_are_counted_by_state_and_answer() -> None:
    found = tally_of(
        row("1", attempts=3), row("2", status=200), row("3", RowState.FAILED, status=422), row("4", RowState.PENDING)
    )

    assert {state: count for state, count in found.rows.items() if count} == {
        RowState.IMPORTED: 2, RowState.FAILED: 1, RowState.PENDING: 1,
    }  # fmt: skip
    assert found.answers[RowState.IMPORTED, 200] == 1
    assert found.attempts == 6
    assert found.last_change == AT


def test_causes_come_the_most_frequent_first_with_a_few_keys_each() -> None:
    found = tally_of(
        row("1", RowState.IN_DOUBT, status=None, reason="timed out"),
        *[row(str(key), RowState.FAILED, status=422, reason="no stock") for key in range(2, 9)],
    )

    assert [(cause.reason, cause.rows, cause.examples) for cause in found.causes] == [
        ("no stock", 7, ("2", "3", "4")),
        ("timed out", 1, ("1",)),
    ]


def test_reasons_beyond_counting_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_module, "MOST_CAUSES", 2)

    found = tally_of(*[row(str(key), RowState.FAILED, reason=f"total {key}") for key in range(1, 6)])

    assert len(found.causes) == 2
    assert found.further_causes == {RowState.FAILED: 3}


def test_the_checksum_is_over_the_imported_rows_alone() -> None:
    found = tally_of(row("1"), row('"A\\u0000é"', receipt=None), row("3", RowState.FAILED, reason="no"))

    lines = '1 "r1"\n"A\\u0000é" null\n'
    assert (found.receipts.rows, found.receipts.sha256) == (2, hashlib.sha256(lines.encode()).hexdigest())


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("1042", b"1042"),
        ("-5", b"-5"),
        ("18446744073709551615", b"18446744073709551615"),
        ("12.50", b"12.50"),
        ('["north",17]', b'["north",17]'),
        ('{"date":"2024-02-29"}', b'"2024-02-29"'),
        ('{"bytes":"00ff"}', b'"00ff"'),
    ],
)
def test_a_line_of_jsonl_begins_with_key_and_receipt(key: str, written: bytes) -> None:
    line = receipt_line(row(key, receipt='7" \\'))

    assert line.startswith(b'{"key":' + written + b',"receipt":"7\\" \\\\","state":"imported","status":201,')
    assert line.endswith(b'"updated_at":"2026-03-01T12:00:00Z","attempts":1,"reason":null}\n')


def test_runs_have_a_start_and_mostly_an_end() -> None:
    found = chronicle_of(
        event(EventKind.RUN_STARTED, "here, pid 12, job file abc"),
        event(EventKind.RUN_STARTED, "there, pid 7, job file def", owner="bob"),
        event(EventKind.RUN_ENDED, "done", owner="bob"),
    )

    assert [(run.host, run.pid, run.ended, run.end) for run in found.runs] == [
        ("here", "12", None, ""),
        ("there", "7", AT, "done"),
    ]
    assert [(used.file_hash, used.runs) for used in found.files] == [("abc", 1), ("def", 1)]
    assert (found.run_count, found.hosts) == (2, 2)


def test_a_reset_makes_what_was_before_another_story() -> None:
    timeline = TimelineSum(SERIES)
    total = EventsSum(timeline)
    for one in (
        event(EventKind.RUN_STARTED, "here, pid 12, job file abc"),
        event(EventKind.FURTHER_ATTEMPT, "throttled", key="1"),
        event(EventKind.LEDGER_RESET, "40 rows forgotten", owner=None),
    ):
        total.add(one)

    found = total.chronicle
    assert (found.reset, found.run_count, found.happenings, found.files) == (AT, 0, (), ())
    assert timeline.timeline() is None


def test_events_are_told_by_kind_with_their_first_and_last_and_some_examples() -> None:
    later = event(EventKind.SENT_TWICE, "again", key="9")._replace(at=AT + timedelta(hours=1))
    found = chronicle_of(*[event(EventKind.FURTHER_ATTEMPT, f"try {at}", key="1") for at in range(5)], later)

    [further, twice] = found.happenings
    assert (further.kind, further.events, [one.detail for one in further.examples]) == (
        EventKind.FURTHER_ATTEMPT, 5, ["try 0", "try 1", "try 2"],
    )  # fmt: skip
    assert (twice.first, twice.last) == (later.at, later.at)
    assert found.sent_twice == 1


def test_findings_of_verify_are_counted_by_kind() -> None:
    lines = [b'{"kind":"missing","key":1}\n', b"\n", *[b'{"kind":"differing","key":"<b>","field":"x"}\n'] * 9]

    found = read_verification(lines, "found.jsonl")

    assert found.counts == {"differing": 9, "missing": 1}
    assert found.findings == 10
    assert len(found.examples["differing"]) == 5
    assert found.sha256 == hashlib.sha256(b"".join(lines)).hexdigest()


@pytest.mark.parametrize(
    "line", [b"no json", b"[1]", b'{"kind":"missing"}', b'{"key":1}', b'{"kind":3,"key":1}', b"\xff"]
)
def test_a_line_that_verify_does_not_print_is_refused_by_its_number(line: bytes) -> None:
    with pytest.raises(JobError, match=r"found\.jsonl:2 is no finding of `penstock verify FILE --json`"):
        read_verification([b'{"kind":"missing","key":1}\n', line], "found.jsonl")
