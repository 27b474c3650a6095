"""A report as one JSON document: the figures of the page, by names that stay."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.insights.chronicle import Chronicle, Happening, Run
from penstock.insights.keys import json_key
from penstock.insights.report import Report
from penstock.insights.tally import ExplainedCause, Tally
from penstock.insights.timeline import Timeline
from penstock.insights.verification import Verification


def report_document(report: Report) -> dict[str, object]:
    subject, counts = report.subject, report.counts
    return {
        "job": subject.job,
        "made_at": report.at,
        "penstock": report.penstock,
        "complete": report.is_complete,
        "clean": report.is_clean,
        "live": report.is_live,
        "source": subject.source,
        "query": subject.query,
        "key": subject.key,
        "flag": subject.flag or None,
        "target": subject.target,
        "ledger": subject.ledger,
        "idempotent": subject.is_idempotent,
        "generation": report.generation,
        "file": {"name": subject.file, "sha256": subject.file_hash},
        "rows": {
            "known": report.rows_known,
            "imported": counts.imported,
            "failed": counts.failed,
            "in_doubt": counts.in_doubt,
            "skipped": counts.skipped,
            "pending": report.pending,
            "pending_exact": counts.pending_exact,
        },
        "counted_again": {state.value: rows for state, rows in report.tally.rows.items() if state.is_final},
        "adds_up": not report.miscounted,
        **_of_tally(report.tally),
        **_of_chronicle(report.chronicle),
        "timeline": report.timeline and _timeline(report.timeline),
        "receipts": {"rows": report.tally.receipts.rows, "sha256": report.tally.receipts.sha256},
        "verification": report.verification and _verification(report.verification),
    }


def _of_tally(tally: Tally) -> Mapping[str, object]:
    return {
        "attempts": tally.attempts,
        "last_change": tally.last_change,
        "answers": [
            {"state": state, "status": status, "rows": rows} for (state, status), rows in tally.answers.items()
        ],
        "causes": [_cause(cause) for cause in tally.causes],
        "further_causes": {state.value: rows for state, rows in tally.further_causes.items()},
    }


def _cause(cause: ExplainedCause) -> Mapping[str, object]:
    return {
        "state": cause.state,
        "status": cause.status,
        "reason": cause.reason,
        "rows": cause.rows,
        "examples": [json_key(key) for key in cause.examples],
    }


def _of_chronicle(chronicle: Chronicle) -> Mapping[str, object]:
    return {
        "reset_at": chronicle.reset,
        "workers": chronicle.run_count,
        "hosts": chronicle.hosts,
        "runs": [_run(run) for run in chronicle.runs],
        "files": [
            {"sha256": used.file_hash, "workers": used.runs, "first": used.first, "last": used.last}
            for used in chronicle.files
        ],
        "events": [_happening(one) for one in chronicle.happenings],
    }


def _run(run: Run) -> Mapping[str, object]:
    return {
        "host": run.host,
        "pid": int(run.pid) if run.pid else None,
        "file": run.file_hash,
        "started_at": run.started,
        "ended_at": run.ended,
        "end": run.end or None,
    }


def _happening(one: Happening) -> Mapping[str, object]:
    return {
        "kind": one.kind,
        "events": one.events,
        "first": one.first,
        "last": one.last,
        "examples": [
            {"at": event.at, "key": None if event.key is None else json_key(event.key), "detail": event.detail}
            for event in one.examples
        ],
    }


def _timeline(timeline: Timeline) -> Mapping[str, object]:
    return {"start": timeline.start, "seconds": timeline.seconds, **timeline.series}


def _verification(verification: Verification) -> Mapping[str, object]:
    return {
        "origin": verification.origin,
        "sha256": verification.sha256 or None,
        "rows": verification.extent and verification.extent.rows,
        "records": verification.extent and verification.extent.records,
        "store": (verification.extent and verification.extent.store) or None,
        "findings": verification.findings,
        "kinds": verification.counts,
        "examples": verification.examples,
    }
