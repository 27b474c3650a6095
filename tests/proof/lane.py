"""One job on one database, run, hit and looked at again and again: what the kill and errno sweeps and the chaos run stand on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import TypeVar

from tests.proof.checker import check
from tests.proof.database import PASSWORD, ProofDatabase, Source
from tests.proof.evidence import Evidence, Finding
from tests.proof.points import Point
from tests.proof.processes import Nursery, Oracle, Place
from tests.proof.record import read_log
from tests.proof.strace import Strace

TOKEN, TENANT = "canaryOfTheToken9Xw4", "canaryOfTheTenant3Lp8"
CANARIES = {"the database's password": PASSWORD, "the API's token": TOKEN, "a value of .env": TENANT}
PATIENCE = 30.0  # seconds that a run of a few rows may take, whatever has been done to it
ROWS = 8
CONCURRENCY = 3

T = TypeVar("T")

_JOB = """\
name: proof
source:
  url: {source}
  query: SELECT id, name, price, note, born FROM items WHERE deleted = 0
  key: id
  flag: {{table: items}}
  timezone: UTC
target:
  url: http://127.0.0.1:{port}/rows/{{{{ id }}}}
  headers: {{Authorization: "Bearer ${{PROOF_TOKEN}}", X-Tenant: "${{PROOF_TENANT}}"}}
  body: {{id: "{{{{ id }}}}", price: "{{{{ price }}}}", note: "{{{{ name }}}}: {{{{ note }}}}", born: "{{{{ born }}}}"}}
  receipt: "{{{{ body.id }}}}"
  idempotent: {idempotent}
delivery: {{concurrency: {concurrency}, timeout: {{connect: 2s, total: 5s}}, backoff: {{first: 1ms, max: 5ms}}, stop_at: never}}
"""


@dataclass(frozen=True)
class Ran:
    """code: its exit code, or minus the signal that ended it. was_stuck: it was killed because it went on for too long.
    trace: its system calls, if somebody looked."""

    code: int
    seconds: float
    was_stuck: bool
    trace: Sequence[str] = ()


class Lane:
    """url: of a new and empty database. Use it in `with`; every run is made by hand in between."""

    def __init__(self, nursery: Nursery, url: str, folder: Path, *, idempotent: bool, seed: int) -> None:
        self._folder = folder
        self._idempotent = idempotent
        self._log = folder / "oracle.jsonl"
        self._job = folder / "job"
        self._job.mkdir()
        self._offset = 0
        self._texts: dict[str, str] = {}
        keys = ["--honours-keys"] if idempotent else []
        self.oracle = Oracle(self._log, "--seed", str(seed), "--token", TOKEN, *keys)
        self._nursery = nursery
        self._place = Place.of_its_own(self._job)
        self._loop = asyncio.Runner()
        self._database = self._run_async(self._opened(url))
        self._before: Source = self._run_async(self._database.source())

    def __enter__(self) -> Lane:
        self._nursery.warm_up(self._place, ["run", "job.yaml", "--json"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run_async(self._database.aclose())
        self._loop.close()
        self.oracle.close()

    def reset(self, mix: str, seed: int) -> None:
        """As if nothing had ever run. mix, seed: what the oracle does from now on."""
        self._run_async(self._database.reset())
        for leftover in (self._job / "state", self._job / ".penstock"):
            shutil.rmtree(leftover, ignore_errors=True)
        self._texts.clear()
        self.oracle.tell(quiet=True, forget=True, mix=mix, seed=seed)
        self._offset = self._log.stat().st_size

    def run(self, name: str, *, point: Point | None = None, traced: bool = False) -> Ran:
        """`penstock run`, hit at `point`. traced: its calls are looked at."""
        began = time.monotonic()
        child = self._nursery.start(self._place, ["run", "job.yaml", "--json"], name, held=point is not None or traced)
        too_late = Timer(PATIENCE, os.kill, (child, signal.SIGKILL))
        too_late.start()
        trace: Sequence[str] = ()
        if point is not None or traced:
            with Strace(child, self._folder / f"{name}.strace", point) as strace:
                self._nursery.go(child)
                code = self._nursery.wait(child)
            trace = strace.trace()
        else:
            code = self._nursery.wait(child)
        too_late.cancel()
        seconds = time.monotonic() - began
        for end in ("out", "err"):
            self._texts[f"std{end} of the {name} run"] = (self._job / f"{name}.{end}").read_text(errors="replace")
        for journal in (*self._job.glob("state/**/*.journal"), *self._job.glob(".penstock/*")):
            self._texts[f"{journal.name} after the {name} run"] = journal.read_text(errors="replace")
        return Ran(code, seconds, seconds >= PATIENCE, trace)

    def evidence(self, ended: Ran | None, may_be_in_doubt: int | None) -> Evidence:
        """All there is to be seen once no penstock lives. ended: the run that nothing was in the way of; None: it is to come."""
        self.oracle.tell(quiet=True)
        ledger, transitions, source = self._run_async(self._database.look())
        return Evidence(
            idempotent=self._idempotent,
            honours_keys=self._idempotent,
            in_scope=frozenset(key for key, row in self._before.items() if not row["deleted"]),
            log=read_log(self._log, self._offset),
            ledger=ledger,
            transitions=transitions,
            flags={key: int(str(row["flag_set"])) for key, row in source.items()},
            before=_without_flag(self._before),
            after=_without_flag(source),
            texts={**self._texts, "the ledger": repr(ledger)},
            canaries=CANARIES,
            is_over=ended is not None,
            ended=None if ended is None else ended.code,
            seconds=0.0 if ended is None else ended.seconds,
            patience=PATIENCE / 3,
            may_be_in_doubt=may_be_in_doubt,
        )

    def findings(self, ended: Ran | None = None, *, may_be_in_doubt: int | None = None) -> list[Finding]:
        return check(self.evidence(ended, may_be_in_doubt))

    def said(self) -> str:
        """What the runs since the reset printed."""
        return "\n".join(f"{place}:\n{text}" for place, text in self._texts.items() if text)

    async def _opened(self, url: str) -> ProofDatabase:
        database = ProofDatabase(url, self._folder)
        await database.fill(ROWS)
        (self._job / ".env").write_text(f"PROOF_PASSWORD={PASSWORD}\nPROOF_TOKEN={TOKEN}\nPROOF_TENANT={TENANT}\n")
        text = _JOB.format(
            source=database.job_url,
            port=self.oracle.port,
            concurrency=CONCURRENCY,
            idempotent=str(self._idempotent).lower(),
        )
        (self._job / "job.yaml").write_text(text)
        prepared = self._nursery.wait(self._nursery.start(self._place, ["prepare", "job.yaml"], "prepare"))
        assert prepared == 0, (self._job / "prepare.err").read_text()
        await database.prepare()
        return database

    def _run_async(self, coroutine: Coroutine[None, None, T]) -> T:
        return self._loop.run(coroutine)


def _without_flag(source: Source) -> Mapping[str, Sequence[object]]:
    return {
        key: [value for name, value in row.items() if name not in ("is_import", "flag_set")]
        for key, row in source.items()
    }
