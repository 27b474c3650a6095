"""`penstock verify`: is it all there, and right? Source, ledger, flags and the new store against one another."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from penstock import wiring
from penstock.cli.arguments import JobFile, Json, NewKeys, parsed_by
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, people
from penstock.insights.words import counted, duration, number, per_second, printable
from penstock.spec.units import parse_duration
from penstock.verify.findings import Finding, FindingKind, Progress
from penstock.verify.reconcile import Scope
from penstock.verify.repair import Repaired
from penstock.verify.telling import advice, finding_document, one_line

if TYPE_CHECKING:
    from penstock.wiring.verifying import Verification

SHOWN_OF_A_KIND = 10
SECONDS_BETWEEN_LINES = 10.0
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)


def _share(value: object) -> float:
    """5% → 0.05. Raises ValueError."""
    match = _SHARE.fullmatch(str(value).strip())
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share <= 1:
        raise ValueError(f"{value!r} is no share of the rows; write one like 5%")
    return share


def _since(value: object) -> datetime:
    """A duration back from now, or a moment in ISO 8601. Raises ValueError."""
    text = str(value)
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no duration like 2h and no moment like 2026-11-30T22:00") from None


@about_its_file
def verify(
    file: JobFile,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Repair flags; put imported rows that did not arrive back to pending."),
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="First: rows that the ledger does not know and the new store has are imported."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: even if most of the rows are missing.")] = False,
    new_keys: NewKeys = False,
    share: Annotated[
        float | None,
        typer.Option(
            "--sample",
            metavar="P%",
            parser=parsed_by(_share),
            help="Only so many of the rows, drawn at random.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="TIME",
            parser=parsed_by(_since),
            help="Only rows that were settled since then: 2h, or 2026-11-30T22:00.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Prove that every row arrived: compare source, ledger, flags and new store.

    Names every missing, extra, doubled and differing row. What looks wrong is
    looked at twice, so a store in use does not matter. Writes nothing without
    --fix, and never to the new store. With --json: one line per finding.
    With --sample or --since, rows that the store has beyond those of the
    source are not looked for. Where the job file has no `verify:`, source,
    ledger and flags alone are compared.

    Example:
      penstock verify orders.yaml
      penstock verify orders.yaml --sample 5% --json > findings.jsonl
      penstock verify orders.yaml --fix
      penstock verify orders.yaml --adopt

    Exit codes:
      0  everything is there, and right
      1  there are findings
      2  a person must change something first
      3  source, ledger or store is unreachable
    """
    if (yes or new_keys) and not fix:
        name = "--yes" if yes else "--new-keys"
        raise typer.BadParameter(f"{name} says how --fix goes about its work; it does nothing by itself")
    [named] = load_jobs([file])
    if adopt:
        _adopt(named)
    scope = Scope(1.0 if share is None else share, since)
    return run_async(_Verifying(named, scope, _Mending(yes, new_keys) if fix else None, as_json).run())


def _adopt(named: NamedJob) -> None:
    adopted = run_async(wiring.adopt_job(named.job))
    rest = adopted.rows - adopted.adopted
    people().print(
        f"{named.job.name}: {counted(adopted.adopted, 'row')} adopted, {number(rest)} not in the new store: "
        f"penstock run {named.file} delivers them"
        if adopted.rows
        else f"{named.job.name}: nothing to adopt: the ledger has looked at every row already"
    )


class _Mending(NamedTuple):
    """How --fix goes about its work."""

    is_sure: bool
    renew_keys: bool


class _Verifying:
    def __init__(self, named: NamedJob, scope: Scope, mending: _Mending | None, as_json: bool) -> None:
        self._named = named
        self._scope = scope
        self._mending = mending
        self._as_json = as_json
        self._console = people()
        self._counts: Counter[tuple[FindingKind, str]] = Counter()

    async def run(self) -> ExitCode:
        began = time.monotonic()
        async with wiring.open_verification(self._named.job) as verification:
            for warning in verification.warnings:
                self._console.print(f"warning: {printable(warning)}")
            telling = asyncio.create_task(self._tell_progress(verification))
            try:
                async with aclosing(verification.findings(self._scope)) as found:
                    async for finding in found:
                        if not self._tell(finding):
                            return ExitCode.FINDINGS  # nobody reads any more
            finally:
                telling.cancel()
            seconds = time.monotonic() - began
            self._sum_up(verification.progress, seconds, finds_extra=verification.finds_extra)
            if self._mending is not None:
                is_sure, renew_keys = self._mending
                self._tell_repaired(await verification.fix(is_sure=is_sure, renew_keys=renew_keys))
        return ExitCode.FINDINGS if self._counts else ExitCode.WELL

    def _tell(self, finding: Finding) -> bool:
        kind = (finding.kind, finding.state or "")
        self._counts[kind] += 1
        if self._as_json:
            return emit(finding_document(finding))
        if self._counts[kind] <= SHOWN_OF_A_KIND:
            self._console.print(printable(one_line(finding)))
        elif self._counts[kind] == SHOWN_OF_A_KIND + 1:
            self._console.print(f"{finding.kind}: and more of these; --json tells all of them")
        return True

    async def _tell_progress(self, verification: Verification) -> None:
        """A line every few seconds, also of a verification that finds nothing for hours."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LINES)
            progress = verification.progress
            self._console.print(
                f"{self._named.job.name}: {counted(progress.rows, 'row')} and {counted(progress.records, 'record')} looked at, "
                f"{counted(progress.findings, 'finding')}"
            )

    def _sum_up(self, progress: Progress, seconds: float, *, finds_extra: bool) -> None:
        name = self._named.job.name
        walked = f", {counted(progress.records, 'record')} of the new store" if progress.records else ""
        speed = per_second(progress.rows / seconds) if seconds else ""
        self._console.print(
            f"{name}: {counted(progress.rows, 'row')} of the source{walked} in {duration(seconds)} ({speed})"
        )
        if not self._scope.is_whole:
            self._console.print("part of the rows alone; what the new store has beyond them was not looked for")
        elif not finds_extra and self._named.job.verify is not None:
            self._console.print("the new store was asked about each row; what it has beyond them was not looked for")
        if not self._counts:
            against = (
                "source, ledger and flags" if self._named.job.verify is None else "source, ledger, flags and new store"
            )
            self._console.print(f"{name}: nothing is wrong: {against} agree")
            return
        for (kind, state), rows in sorted(self._counts.items()):
            told = f" ({state.replace('_', ' ')})" if state and kind is FindingKind.MISSING else ""
            line = advice(kind, state, self._named.file)
            self._console.print(f"  {number(rows):>9}  {kind}{told}" + (f": {line}" if line else ""))

    def _tell_repaired(self, repaired: Repaired) -> None:
        name, file = self._named.job.name, self._named.file
        if repaired.reopened:
            self._console.print(
                f"{name}: {counted(repaired.reopened, 'row')} back to pending; penstock run {file} delivers them"
            )
        if repaired.flagged:
            self._console.print(f"{name}: {counted(repaired.flagged, 'flag')} set")
        if repaired.locked:
            self._console.print(f"{name}: {counted(repaired.locked, 'flag')} locked by others: run it again")
        if not any(repaired):
            self._console.print(f"{name}: there was nothing that --fix could mend")
