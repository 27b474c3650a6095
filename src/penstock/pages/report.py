"""A report as one HTML file that needs nothing but itself: no script, no address that is fetched, its style sheet within it.

Whatever stands in it came from somewhere: a key, a reason, an API's answer. Jinja2 escapes all of it, characters that do
something are spelled out, and a Content-Security-Policy forbids whatever would come through both.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from penstock.insights.keys import plain_key
from penstock.insights.report import Report
from penstock.insights.timeline import Timeline
from penstock.insights.words import number, printable
from penstock.ledger.states import RowState
from penstock.pages import pictures, words
from penstock.pages.pictures import Picture, picture
from penstock.rows import KeyText

MOST_CAUSES = 50  # of each state
MOST_RUNS = 40
_TEMPLATES = "templates"


def render_report(report: Report) -> str:
    """The page, in UTF-8 once it is written."""
    style = (files("penstock.pages") / _TEMPLATES / "report.css").read_text("utf-8")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(style),  # noqa: S704  ours, from the package
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            standing=words.standing(report),
            headline=words.headline(report),
            verdict=words.verdict(report),
            states=words.STATES,
            happenings=words.HAPPENINGS,
            in_state={
                RowState.IMPORTED: report.counts.imported,
                RowState.FAILED: report.counts.failed,
                RowState.IN_DOUBT: report.counts.in_doubt,
                RowState.SKIPPED: report.counts.skipped,
                RowState.PENDING: report.pending,
            },
            causes={
                state: [cause for cause in report.tally.causes if cause.state is state]
                for state in (RowState.FAILED, RowState.IN_DOUBT, RowState.SKIPPED)
            },
            most_causes=MOST_CAUSES,
            most_runs=MOST_RUNS,
            pictures=_pictures(report.timeline) if report.timeline else {},
            frame=pictures,
        )
    )


def _pictures(timeline: Timeline) -> Mapping[str, tuple[Picture, Mapping[str, str]]]:
    """Each with its series, in words."""
    chosen: Mapping[str, Mapping[str, str]] = {
        "throughput": {"imported": "imported"},
        "errors": {"failed": "failed", "in_doubt": "in doubt", "further_attempts": "further attempts"},
    }
    return {name: (picture(timeline, series), series) for name, series in chosen.items()}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("penstock.pages", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number,
        shown=_shown,
        key=_key,
        lines=_lines,
        detail=words.detail,
        typed=shlex.quote,
        moment=words.moment,
        iso=_iso,
        share=words.share,
        width=words.width,
    )
    return environment


def _shown(value: object) -> str:
    """Foreign text: what turns the direction of writing, or is no character at all, is spelled out."""
    return printable(value if isinstance(value, str) else orjson.dumps(value).decode())


def _lines(text: str) -> str:
    return "\n".join([printable(line) for line in text.splitlines()])


def _key(key: KeyText) -> str:
    return printable(plain_key(key))


def _iso(at: datetime) -> str:
    return at.isoformat()
