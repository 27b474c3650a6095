"""The page in a real browser: what it shows on screen, in the dark, and on paper; and that it asks for nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.pages.browser import chromium, colours, served
from tests.pages.parsed import Page
from tests.pages.reports import STARTED, SUBJECT, event, report_of, row

from penstock.events import EventKind
from penstock.insights.report import Report
from penstock.ledger.states import RowState
from penstock.pages.report import render_report
from penstock.rows import encode_key

# What a page would fetch, or run, if it were not text, or if no policy held.
LEAKS = [
    "<img src=http://ADDRESS/leak>",
    "<script src=http://ADDRESS/leak></script>",
    "<script>fetch('http://ADDRESS/leak'); document.title = 'taken over'</script>",
    "<link rel=stylesheet href=http://ADDRESS/leak>",
    "<link rel=preload as=image href=http://ADDRESS/leak>",
    "<iframe src=http://ADDRESS/leak></iframe>",
    "<style>main { background: url(http://ADDRESS/leak) }</style>",
    "<p style='background: url(http://ADDRESS/leak)'>",
    "<svg><image href=http://ADDRESS/leak /><use href=http://ADDRESS/leak#a /></svg>",
    "<video src=http://ADDRESS/leak autoplay></video>",
    "<img src=x onerror=\"document.title = 'taken over'\">",
    "<object data=http://ADDRESS/leak></object><embed src=http://ADDRESS/leak>",
]


def a_migration() -> Report:
    """Of three minutes, with all that a page can show."""
    rows = [row(str(key), second=key // 10) for key in range(1800)]
    rows += [row(f"9{key}", RowState.FAILED, reason="no stock", second=key * 7) for key in range(20)]
    rows += [row(f"8{key}", RowState.IN_DOUBT, reason="timed out", second=key * 9) for key in range(20)]
    return report_of(rows, [STARTED, event(EventKind.FURTHER_ATTEMPT, "throttled with 429", "7")])


def written(report: Report, folder: Path) -> str:
    (folder / "report.html").write_text(render_report(report), encoding="utf-8")
    return f"file://{folder / 'report.html'}"


def shot(address: str, folder: Path, *arguments: str) -> bytes:
    chromium(folder, "--window-size=1000,2400", *arguments, f"--screenshot={folder / 'shot.png'}", address)
    return (folder / "shot.png").read_bytes()


def test_on_screen_everything_is_there_in_its_colour(tmp_path: Path) -> None:
    seen = colours(shot(written(a_migration(), tmp_path), tmp_path))

    points = sum(seen.values())
    assert points == 1000 * 2400
    assert seen["#ffffff"] > points / 2, "the sheet"
    assert seen["#eef0f2"] > points / 50, "what lies around it: its style is in force"
    assert seen["#2b6ca3"] > 10_000, "bars of imported rows"
    for colour, what in {"#c2401f": "failed", "#b5800f": "in doubt", "#7b68b0": "further attempts"}.items():
        assert seen[colour] > 50, what
    assert seen["#1b222c"] > 1000, "text"


def test_in_the_dark_it_is_dark(tmp_path: Path) -> None:
    seen = colours(shot(written(a_migration(), tmp_path), tmp_path, "--blink-settings=preferredColorScheme=0"))

    assert seen["#171b21"] > sum(seen.values()) / 2
    assert seen["#5c9fd6"] > 10_000
    assert seen["#ffffff"] < 100


def test_on_paper_the_first_page_is_the_summary_and_few_more_follow(tmp_path: Path) -> None:
    chromium(
        tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}", written(a_migration(), tmp_path)
    )

    pdf = (tmp_path / "page.pdf").read_bytes()
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 5
    boxes = {tuple(map(round, map(float, box.split()))) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)}
    assert boxes in ({(0, 0, 595, 842)}, {(0, 0, 596, 842)}), "A4"


def test_the_browser_finds_the_same_text_as_we_wrote(tmp_path: Path) -> None:
    report = a_migration()

    dom = chromium(tmp_path, "--dump-dom", written(report, tmp_path)).decode()

    assert Page(dom).text == Page(render_report(report)).text
    assert "1,800 of 1,840 rows were imported. 20 failed and 20 in doubt." in Page(dom).text


def test_whatever_stands_in_rows_nothing_is_fetched_or_run(tmp_path: Path) -> None:
    rows = [row(encode_key([leak]), RowState.FAILED, reason=leak) for leak in LEAKS]
    told = [STARTED, *[event(EventKind.PROBED, leak, encode_key([leak])) for leak in LEAKS]]
    report = report_of(rows, told, subject=replace(SUBJECT, query="\n".join(LEAKS)))

    with served(render_report(report)) as (address, asked):
        dom = chromium(tmp_path, "--virtual-time-budget=3000", "--dump-dom", address).decode()

    assert asked == ["/report.html"]
    assert "<title>Migration report: orders</title>" in dom


@pytest.mark.parametrize("is_forbidden", [True, False])
def test_even_what_was_not_escaped_could_neither_fetch_nor_run(tmp_path: Path, is_forbidden: bool) -> None:
    html = render_report(report_of([row("1")])).replace("</header>", f"{''.join(LEAKS)}</header>")
    if not is_forbidden:  # then they do: what is shown above is shown by something
        html = html.replace("Content-Security-Policy", "nothing")

    with served(html) as (address, asked):
        dom = chromium(tmp_path, "--virtual-time-budget=3000", "--dump-dom", address).decode()

    assert (set(asked) == {"/report.html"}) is is_forbidden
    assert ("<title>Migration report: orders</title>" in dom) is is_forbidden
