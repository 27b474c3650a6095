"""The page as text: it says what the figures say, and whatever stands in a row stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from tests.pages.parsed import Page
from tests.pages.reports import AT, SUBJECT, event, miscounted, report_of, row

from penstock.events import EventKind
from penstock.insights.report import Report
from penstock.insights.verification import Verification
from penstock.ledger.states import RowState
from penstock.pages.report import MOST_CAUSES, render_report
from penstock.pages.words import HAPPENINGS, STATES, headline, share, verdict, width
from penstock.rows import encode_key

VERDICTS: list[tuple[Report, str, str]] = [
    (report_of([], (), pending_exact=False), "Not complete", "Nothing has been moved yet."),
    (report_of([]), "Complete", "There was no row to move."),
    (report_of([row("1"), row("2")]), "Complete", "All 2 rows were imported."),
    (report_of([row("1"), row("2", RowState.SKIPPED)]), "Complete", "1 of 2 rows were imported. 1 skipped."),
    (
        report_of([row("1"), row("2", RowState.FAILED)]),
        "Complete, with findings",
        "1 of 2 rows were imported. 1 failed.",
    ),
    (report_of([row("1")], pending=4), "Not complete", "1 of 5 rows were imported. 4 pending."),
    (report_of([row("1")], pending=4, is_live=True), "Under way", "1 of 5 rows were imported. 4 pending."),
    (
        report_of([row("1"), row("2", RowState.IN_DOUBT)], pending=4, pending_exact=False),
        "Not complete",
        "1 of about 6 rows were imported. 1 in doubt and 4 pending.",
    ),
    (report_of([row("1")], [event(EventKind.SENT_TWICE)]), "Complete, with findings", "The one row was imported."),
    (miscounted(report_of([row("1")])), "Complete, with findings", "All 2 rows were imported."),
    (
        report_of([row("1")], verification=Verification({"missing": 1}, {"missing": [{"key": 1}]}, "found.jsonl")),
        "Complete, with findings",
        "The one row was imported.",
    ),
]


@pytest.mark.parametrize(("report", "head", "sentence"), VERDICTS)
def test_the_page_begins_with_what_it_comes_to(report: Report, head: str, sentence: str) -> None:
    assert (headline(report), verdict(report)) == (head, sentence)
    text = Page(render_report(report)).text
    assert f"orders {head} {sentence} Made 2026-03-01 12:00:00" in text


def test_the_sum_comes_out() -> None:
    rows = [row("1"), row("2"), row("3", RowState.FAILED), row("4", RowState.IN_DOUBT), row("5", RowState.SKIPPED)]
    text = Page(render_report(report_of(rows, pending=5))).text

    assert "Imported accepted by the new system, which is on record 2 20.0 %" in text
    assert "+ Failed refused or not to be mapped; nothing of them was stored 1 10.0 %" in text
    assert "+ Pending not delivered yet 5 50.0 % = Rows known 10 100 %" in text
    assert "the rows agree with the ledger’s own totals" in text


def test_an_estimate_says_that_it_is_one() -> None:
    text = Page(render_report(report_of([row("1")], pending=5, pending_exact=False))).text

    assert "an estimate, as not all of the source has been read ≈ 5" in text
    assert "Rows known ≈ 6" in text


def test_a_ledger_that_does_not_add_up_is_told() -> None:
    text = Page(render_report(miscounted(report_of([row("1")])))).text

    assert "The ledger does not add up. Counted again row by row: 1 imported, not 2." in text


def test_reasons_beyond_a_page_are_counted_together() -> None:
    rows = [row(str(key), RowState.FAILED, reason=f"total {key}") for key in range(MOST_CAUSES + 7)]
    text = Page(render_report(report_of(rows))).text

    assert "for further reasons 7 penstock rows orders.yaml --state failed" in text


def test_what_is_to_be_typed_can_be_typed() -> None:
    report = report_of([row("1")], subject=replace(SUBJECT, file="my orders.yaml"))

    assert "penstock export 'my orders.yaml' --format jsonl" in Page(render_report(report)).text


def test_what_the_job_file_was_is_told_and_that_it_is_another_now() -> None:
    report = report_of([row("1")], subject=replace(SUBJECT, file_hash="cd" * 32))
    text = Page(render_report(report)).text

    assert f"{'ab' * 32} 1 2026-03-01 12:00:00" in text
    assert f"{'cd' * 32} orders.yaml as it is now 0 not run" in text


def test_names_that_only_penstock_reads_are_short() -> None:
    owner = "d25d5f6c-0a81-49ba-997c-ffc8f9bcc94b:4026531836:16397:2546653:74475be8d95ba5de"
    told = [
        event(EventKind.TAKE_OVER, f"from {owner}: its process is gone"),
        event(EventKind.JOB_FILE_CHANGED, f"from {'ab' * 32} to {'cd' * 32}"),
    ]
    text = Page(render_report(report_of([row("1")], told))).text

    assert "from pid 16397: its process is gone" in text
    assert "from abababab… to cdcdcdcd…" in text


def test_there_are_words_for_every_state_and_every_event() -> None:
    assert set(STATES) == set(RowState)
    told_elsewhere = {EventKind.RUN_STARTED, EventKind.RUN_ENDED, EventKind.LEDGER_RESET}
    assert set(HAPPENINGS) | told_elsewhere == set(EventKind)


def test_a_finding_is_told_by_whatever_key_it_has_and_null_is_a_value() -> None:
    lines: list[dict[str, object]] = [
        {"kind": "extra", "key": None, "store_key": "A-9", "detail": "the source has no such row"},
        {"kind": "extra", "key": None, "detail": "3 records without a key"},
        {"kind": "extra", "key": [1, "x"], "field": "total", "expected": None, "found": 5, "detail": ""},
    ]
    text = Page(
        render_report(report_of([row("1")], verification=Verification({"extra": 3}, {"extra": lines}, "f")))
    ).text

    assert (
        'extra 3 A-9 detail the source has no such row detail 3 records without a key [1,"x"] field total expected null found 5'
        in text
    )


POLYGLOTS = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "javascript:/*--></title></style></textarea></script></xmp><svg/onload='+/\"/+/onmouseover=1/+/[*/[]/+alert(1)//'>",
    "{{ 7 * 7 }}{% include 'report.css' %}${7*7}<%= 7*7 %>",
    "</code></td></table></main><h1>All rows were imported</h1>",
    "<!--", "]]>", "<svg><style>*{display:none}</style>", "&lt;b&gt; &#60;b&#62;",
    "a\u202eb\u2066c\x00d\x1b[31me\u200bf",
]  # fmt: skip


@pytest.mark.parametrize("text", POLYGLOTS)
def test_html_in_whatever_comes_from_elsewhere_is_text(text: str) -> None:
    key = encode_key([text])
    subject = replace(
        SUBJECT, job=text, file=text, source=text, query=text, key=(text,), flag=text, target=text, ledger=text
    )
    finding = {"kind": text, "key": text, text: text, "found": {text: [text]}}
    report = report_of(
        [row(key), *[row(key, state, reason=text) for state in (RowState.FAILED, RowState.IN_DOUBT, RowState.SKIPPED)]],
        [
            event(EventKind.RUN_STARTED, f"{text}, pid 1, job file abc"),
            *[event(kind, text, key) for kind in HAPPENINGS],
        ],
        subject=subject,
        verification=Verification({text: 1}, {text: [finding]}, text, "00"),
    )
    harmless = replace(report, subject=SUBJECT, verification=None)

    html = render_report(report)
    page = Page(html)

    assert page.tags == Page(render_report(harmless)).tags
    assert all(not name.startswith("on") and name != "style" for _, names in page.elements for name in names)
    if text.isprintable():
        assert " ".join(text.split()) in page.text
    else:
        assert not re.search("[\u202e\u2066\u200b\x00\x1b]", html)
        assert "a\\u202eb\\u2066c\\u0000d\\u001b[31me\\u200bf" in html


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    html = render_report(report_of([row("1")]))
    page = Page(html)

    assert not page.tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "a", "audio", "video"}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not names & {"src", "href", "srcset", "style", "action", "data", "xlink:href"}
    style = re.search("<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert ("meta", {
        "http-equiv": "Content-Security-Policy",
        "content": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    }) in page.elements  # fmt: skip


def test_each_picture_has_a_name_and_a_description() -> None:
    html = render_report(report_of([row("1"), row("2", RowState.FAILED, second=3)]))

    ids = set(re.findall(r'id="([^"]+)"', html))
    labels = [name for found in re.findall(r'role="img" aria-labelledby="([^"]+)"', html) for name in found.split()]
    assert labels == ["throughput-title", "throughput-described", "errors-title", "errors-described"]
    assert set(labels) <= ids
    assert "The highest bar stands for 1." in html


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "–"),
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 3, "33.3 %"),
        (999_999, 1_000_000, "> 99.9 %"),
        (1, 10**6, "< 0.1 %"),
    ],
)
def test_a_share_never_says_all_of_what_is_not(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (30, "30 s"), (300, "5 min"), (10_800, "3 h"), (86_400, "1 day"), (604_800, "7 days")],
)
def test_widths_read_well(seconds: float, text: str) -> None:
    assert width(seconds) == text


def test_times_are_in_utc() -> None:
    assert f'<time datetime="{AT.isoformat()}">2026-03-01 12:00:00</time>' in render_report(report_of([row("1")]))
