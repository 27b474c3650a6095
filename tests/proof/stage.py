"""One job on one database and the API that it delivers to: made ready, run as processes, and looked at as evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypeVar

from tests.proof.checker import check
from tests.proof.database import PASSWORD, ProofDatabase, Source
from tests.proof.evidence import Evidence, Finding
from tests.proof.processes import Nursery, Oracle, Place
from tests.proof.record import Line, read_log

TOKEN, TENANT = "canaryOfTheToken9Xw4", "canaryOfTheTenant3Lp8"
CANARIES = {"the database's password": PASSWORD, "the API's token": TOKEN, "a value of .env": TENANT}
RUN = ("run", "job.yaml", "--json")

T = TypeVar("T")
Detour: TypeAlias = Callable[[int], int]  # a port of this machine → the port by which penstock reaches it

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
delivery: {{{delivery}}}
{ledger}
"""


@dataclass(frozen=True)
class Ran:
    """code: its exit code, or minus the signal that ended it. was_stuck: it was killed because it went on for too long.
    trace: its system calls, if somebody looked."""

    code: int
    seconds: float
    was_stuck: bool = False
    trace: Sequence[str] = ()


@dataclass(frozen=True)
class Terms:
    """What a job is like. rows: of its table. delivery, ledger: as its file says them. patience: seconds that the run after all
    faults may take. to_api, to_database: by which port penstock reaches them."""

    idempotent: bool
    seed: int
    rows: int
    delivery: str
    patience: float
    ledger: str = ""
    to_api: Detour = int
    to_database: Detour = int


class Stage:
    """url: of a new and empty database. Use it in `with`, outside of any event loop."""

    def __init__(self, nursery: Nursery, url: str, folder: Path, terms: Terms) -> None:
        self.job = folder / "job"
        self.job.mkdir()
        self.place = Place.of_its_own(self.job)
        self.nursery = nursery
        self.texts: dict[str, str] = {}
        self.log = folder / "oracle.jsonl"
        self.log_begins = 0
        self._folder = folder
        self._terms = terms
        keys = ["--honours-keys"] if terms.idempotent else []
        self.oracle = Oracle(self.log, "--seed", str(terms.seed), "--token", TOKEN, *keys)
        self._loop = asyncio.Runner()
        self.database = self.run_async(self._opened(url))
        self._before: Source = self.run_async(self.database.source())

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run_async(self.database.aclose())
        self._loop.close()
        self.oracle.close()

    def keep_texts(self, name: str) -> None:
        """Whatever the run of this name has printed, and the journals as they are now, is evidence."""
        for end in ("out", "err"):
            self.texts[f"std{end} of the {name} run"] = (self.job / f"{name}.{end}").read_text(errors="replace")
        for journal in (*self.job.glob("state/**/*.journal"), *self.job.glob(".penstock/*")):
            with suppress(FileNotFoundError):  # its worker ends at this moment, and leaves nothing behind
                self.texts[f"{journal.name} after the {name} run"] = journal.read_text(errors="replace")

    def evidence(self, ended: Ran | None, may_be_in_doubt: int | None = None) -> Evidence:
        """All there is to be seen once no penstock lives. ended: the run that nothing was in the way of; None: it is to come."""
        self.oracle.tell(quiet=True)
        return self._seen(read_log(self.log, self.log_begins), ended, may_be_in_doubt)

    def glance(self) -> Evidence:
        """What is to be seen in the databases at this moment, while penstock works. Raises what drivers raise."""
        return self._seen([], None, None)

    def _seen(self, log: Sequence[Line], ended: Ran | None, may_be_in_doubt: int | None) -> Evidence:
        ledger, transitions, source = self.run_async(self.database.look())
        return Evidence(
            idempotent=self._terms.idempotent,
            honours_keys=self._terms.idempotent,
            in_scope=frozenset(key for key, row in self._before.items() if not row["deleted"]),
            log=log,
            ledger=ledger,
            transitions=transitions,
            flags={key: int(str(row["flag_set"])) for key, row in source.items()},
            before=_without_flag(self._before),
            after=_without_flag(source),
            texts={**self.texts, "the ledger": repr(ledger)},
            canaries=CANARIES,
            is_over=ended is not None,
            ended=None if ended is None else ended.code,
            seconds=0.0 if ended is None else ended.seconds,
            patience=self._terms.patience,
            may_be_in_doubt=may_be_in_doubt,
        )

    def findings(self, ended: Ran | None = None, *, may_be_in_doubt: int | None = None) -> list[Finding]:
        return check(self.evidence(ended, may_be_in_doubt))

    def said(self) -> str:
        """What the runs printed."""
        return "\n".join(f"{place}:\n{text}" for place, text in self.texts.items() if text)

    def run_async(self, coroutine: Coroutine[None, None, T]) -> T:
        return self._loop.run(coroutine)

    async def _opened(self, url: str) -> ProofDatabase:
        terms = self._terms
        database = ProofDatabase(url, self._folder)
        await database.fill(terms.rows)
        (self.job / ".env").write_text(f"PROOF_PASSWORD={PASSWORD}\nPROOF_TOKEN={TOKEN}\nPROOF_TENANT={TENANT}\n")
        text = _JOB.format(
            source=database.job_url(terms.to_database),
            port=terms.to_api(self.oracle.port),
            idempotent=str(terms.idempotent).lower(),
            delivery=terms.delivery,
            ledger=terms.ledger,
        )
        (self.job / "job.yaml").write_text(text)
        prepared = self.nursery.wait(self.nursery.start(self.place, ["prepare", "job.yaml"], "prepare"))
        assert prepared == 0, (self.job / "prepare.err").read_text()
        await database.prepare()
        return database


def _without_flag(source: Source) -> Mapping[str, Sequence[object]]:
    return {
        key: [value for name, value in row.items() if name not in ("is_import", "flag_set")]
        for key, row in source.items()
    }
