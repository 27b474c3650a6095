"""What a person can do about rows that did not arrive: from a cause to a sentence and the line to type. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from penstock.insights.keys import plain_key, typed_key
from penstock.insights.words import counted, duration, printable
from penstock.ledger.rows import Cause, DoubtsAhead
from penstock.ledger.states import RowState

_STATE_WORDS = {RowState.IN_DOUBT: "in doubt", RowState.FAILED: "failed", RowState.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True)
class Advice:
    """what: how many rows and why. then: what to do about it, "" if nothing needs doing. commands: lines to type, in order."""

    what: str
    then: str = ""
    commands: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.then:
            return self.what + "."
        return f"{self.what}. {self.then}"


def advise(cause: Cause, file: str, *, has_probe: bool = False) -> Advice:
    """file: the job file as the person wrote it on the command line. has_probe: runs ask the API about rows in doubt."""
    what = f"{rows_in_state(cause.rows, cause.state)}: {printable(cause.reason) or 'no reason recorded'}"
    look = f"penstock show {shlex.quote(file)} {typed_key(cause.example)}"
    match cause.state:
        case RowState.IN_DOUBT if has_probe:
            return _about_probed_doubt(cause, what, look, file)
        case RowState.IN_DOUBT:
            return _about_doubt(cause, what, look, file)
        case RowState.FAILED:
            return _about_failure(cause, what, look, file)
        case _:
            return Advice(what)


def advise_asking(doubts: DoubtsAhead, unasked: str, file: str) -> Advice | None:
    """What the next run does about rows in doubt by itself. unasked: why they could not be asked about."""
    if not doubts.rows:
        return None
    run = f"penstock run {shlex.quote(file)}"
    what = f"{rows_in_state(doubts.rows, RowState.IN_DOUBT)}, about which each run asks the API (target.probe)"
    if unasked:
        then = f"It could not be asked ({printable(unasked)}). When that is mended: {run}"
    elif doubts.young:
        in_time = f"in {duration(doubts.seconds)}"
        then = f"For {doubts.young:,} of them it is too early to believe that they have not arrived; {in_time}: {run}"
    else:
        then = f"What it says of those that stay is below; it is asked again by {run}"
    return Advice(what, then, (run,))


def rows_in_state(rows: int, state: RowState) -> str:
    """ "1,204 rows in doubt", "1 row failed"."""
    return f"{counted(rows, 'row')} {_STATE_WORDS.get(state, state.value)}"


def _about_doubt(cause: Cause, what: str, look: str, file: str) -> Advice:
    resolve = f"penstock resolve {shlex.quote(file)} {_selector(cause)}"
    if cause.status is None:
        return Advice(
            what,
            f"Ask the API whether they arrived (for one: {look}), then: {resolve} --as imported|pending --note ...",
            (look, f"{resolve} --as imported --note ...", f"{resolve} --as pending --note ..."),
        )
    if 200 <= cause.status < 300:
        return Advice(
            what,
            f"If this answer ({look}) means that the row was stored, widen target.accept, "
            f"then {resolve} --as imported --note ...",
            (look, f"{resolve} --as imported --note ..."),
        )
    return Advice(
        what,
        f"If a {cause.status} of this API means that nothing was stored: not_applied: {{add: [{cause.status}]}}, "
        f"then {resolve} --as pending --note ...",
        (look, f"{resolve} --as pending --note ..."),
    )


def _about_probed_doubt(cause: Cause, what: str, look: str, file: str) -> Advice:
    resolve = f"penstock resolve {shlex.quote(file)} {_selector(cause)}"
    return Advice(
        what,
        f"What the API says of one when asked: {look}. "
        f"If you know more than that: {resolve} --as imported|pending --note ...",
        (look, f"{resolve} --as imported --note ...", f"{resolve} --as pending --note ..."),
    )


def _about_failure(cause: Cause, what: str, look: str, file: str) -> Advice:
    retry = f"penstock retry {shlex.quote(file)} {_selector(cause)}"
    if cause.reason.endswith("attempts used up"):
        then = f"When the API is well again: {retry}"
    elif cause.status is None:
        then = f"Correct the data or the mapping (row {printable(plain_key(cause.example))}: {look}), then: {retry}"
    else:
        then = f"What the API says of one: {look}. When the data or the mapping is corrected: {retry}"
    return Advice(what, then, (look, retry))


def _selector(cause: Cause) -> str:
    """The option that selects these rows. A 200 tells business errors apart by their reason alone."""
    if cause.status is not None and not (200 <= cause.status < 300 and cause.reason):
        return f"--status {cause.status}"
    return f"--reason {shlex.quote(cause.reason)}"
