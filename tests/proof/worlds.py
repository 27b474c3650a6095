"""A small migration that went well, as evidence; and every way to spoil it that a checker must see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.proof.evidence import Evidence, Ledger, Record, Transition
from tests.proof.modes import Mode
from tests.proof.record import Line


def line(seq: int, row: str, mode: Mode = Mode.ACCEPT, **changed: Any) -> Line:
    """An arrival as the oracle notes it."""
    applied = mode in (Mode.ACCEPT, Mode.LOSE, Mode.CUT, Mode.FAIL_AFTER)
    arrived = Line(
        seq,
        1.0 * seq,
        1,
        "arrived",
        request=seq,
        row=row,
        key=f"key of {row}",
        body=f"body of {row}",
        mode=mode,
        applied=applied,
        receipt=f"R-{row}-{seq}" if applied else None,
    )
    return replace(arrived, **changed)


def stored(key: str, state: str, receipt: str | None = None, range_no: int = 1) -> Record:
    return {"row_key": key, "state": state, "receipt": receipt, "range_no": range_no}


def event(kind: str, key: str | None = None, range_no: int | None = None) -> Record:
    return {"kind": kind, "row_key": key, "range_no": range_no, "detail": ""}


def well(*, idempotent: bool) -> Evidence:
    """Row 1 accepted; 2 refused; 3 lost its answer: sent again, or in doubt; 4 accepted after its worker was killed."""
    log = [line(1, "1"), line(2, "2", Mode.REFUSE), line(3, "3", Mode.LOSE), line(4, "4", Mode.THROTTLE), line(5, "4")]
    rows = [stored("1", "imported", "R-1-1"), stored("2", "failed"), stored("4", "imported", "R-4-5")]
    events = [event("further_attempt", "4", 1)]
    if idempotent:
        log.append(line(6, "3", applied=False, replayed=True, receipt="R-3-3"))
        rows.append(stored("3", "imported", "R-3-3"))
        events.append(event("take_over", range_no=1))
    else:
        rows.append(stored("3", "in_doubt"))
    states = {str(row["row_key"]): str(row["state"]) for row in rows}
    counts = {state: list(states.values()).count(state) for state in ("imported", "failed", "in_doubt", "skipped")}
    source = {key: [f"item {key}", "2020-02-20 20:20:20"] for key in ("1", "2", "3", "4", "9")}
    return Evidence(
        idempotent=idempotent,
        honours_keys=idempotent,
        in_scope=frozenset({"1", "2", "3", "4"}),
        log=log,
        ledger=Ledger(
            rows=rows,
            ranges=[{"range_no": 1, "kind": "span", "state": "done", "row_count": 4, **counts}],
            events=events,
            jobs=[{f"done_{state}": count for state, count in counts.items()}],
        ),
        transitions=[Transition("4", None, "pending", 1), *(_moved(key, state) for key, state in states.items())],
        flags={key: int(states.get(key) == "imported") for key in source},
        before=source,
        after=source,
        texts={"stdout": "4 rows"},
        canaries={"the token": "canary"},
    )


def _moved(key: str, state: str) -> Transition:
    return Transition(key, "pending" if key == "4" else None, state, 1)


Spoil = Callable[[Evidence], Evidence]


def with_log(*lines: Line) -> Spoil:
    return lambda evidence: replace(evidence, log=[*evidence.log, *lines])


def without_lines(*seqs: int) -> Spoil:
    return lambda evidence: replace(evidence, log=[line for line in evidence.log if line.seq not in seqs])


def with_line(seq: int, **changed: Any) -> Spoil:
    return lambda evidence: replace(
        evidence, log=[replace(line, **changed) if line.seq == seq else line for line in evidence.log]
    )


def with_row(key: str, **changed: object) -> Spoil:
    """The row as it stands, not its audit."""
    return _in_ledger("rows", lambda row: {**row, **changed} if row["row_key"] == key else row)


def without_row(key: str) -> Spoil:
    return lambda evidence: replace(
        evidence,
        ledger=replace(evidence.ledger, rows=[row for row in evidence.ledger.rows if row["row_key"] != key]),
    )


def with_range(**changed: object) -> Spoil:
    return _in_ledger("ranges", lambda range_: {**range_, **changed})


def with_job(**changed: object) -> Spoil:
    return _in_ledger("jobs", lambda job: {**job, **changed})


def with_ledger(**tables: Sequence[Record]) -> Spoil:
    return lambda evidence: replace(evidence, ledger=replace(evidence.ledger, **tables))


def with_moves(*moves: Transition) -> Spoil:
    return lambda evidence: replace(evidence, transitions=[*evidence.transitions, *moves])


def with_flag(key: str, flag: int) -> Spoil:
    return lambda evidence: replace(evidence, flags={**evidence.flags, key: flag})


def with_source(key: str, values: Sequence[object] | None) -> Spoil:
    def spoil(evidence: Evidence) -> Evidence:
        after: Mapping[str, Sequence[object]] = {name: row for name, row in evidence.after.items() if name != key}
        return replace(evidence, after=after if values is None else {**after, key: values})

    return spoil


def with_text(place: str, text: str) -> Spoil:
    return lambda evidence: replace(evidence, texts={**evidence.texts, place: text})


def with_end(**changed: Any) -> Spoil:
    return lambda evidence: replace(evidence, **changed)


def _in_ledger(table: str, change: Callable[[Record], Record]) -> Spoil:
    return lambda evidence: replace(
        evidence, ledger=replace(evidence.ledger, **{table: [change(row) for row in getattr(evidence.ledger, table)]})
    )
