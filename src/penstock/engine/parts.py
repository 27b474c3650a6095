"""Everything a worker needs from the rooms below, ready made. Only penstock.wiring knows which adapters these are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from penstock.clock import Clock
from penstock.engine.notices import Notifier
from penstock.ledger.base import FlagMarker, IsDead, Ledger, Recall
from penstock.ledger.rows import Settlement
from penstock.pacing.pace import Pace
from penstock.rows import KeyText, Row
from penstock.source.base import Mark, Source
from penstock.target.base import Outcome, Sender
from penstock.target.verdicts import ProbeVerdict, Verdict
from penstock.transport.base import Bell, Broker


class AnswerLog(Protocol):
    """The local journal: what is known of rows in windows, before the ledger knows it. Pending: it is not on the wire."""

    @property
    def trouble(self) -> str:
        """Why answers are not being written down; "" if they are."""
        ...

    def append(self, range_no: int, fence: int, settlements: Sequence[Settlement]) -> None:
        """In the file soon: whoever finds it there may rely on it, whoever does not knows nothing."""
        ...

    def hold_back(self, range_no: int, fence: int, keys: Sequence[KeyText]) -> None:
        """The same for rows of which nothing is known but that they are not on the wire. This and all that was appended before is
        in the file when this returns."""
        ...

    def withdraw(self, range_no: int, keys: Sequence[KeyText]) -> None:
        """What was written of these keys holds no more: they go out. In the file before the sender writes a byte."""
        ...

    def known(self, range_no: int, fence: int) -> Sequence[Settlement]:
        """What holds of the range's rows and is not in the ledger."""
        ...

    def forget(self, range_no: int, fence: int, keys: Sequence[KeyText]) -> None:
        """What was written of these keys under this fence is in the ledger now."""
        ...


class FlagDesk(Protocol):
    """Flags of rows that the ledger already has as imported, in transactions of their own."""

    async def mark(self, marks: Sequence[Mark]) -> Sequence[KeyText]:
        """Returns the keys that are done with; the others are locked by somebody else."""
        ...


@dataclass(frozen=True, slots=True)
class Probing:
    """How to ask the API about a row in doubt. render: the whole request; raises RowError.
    after: seconds after the attempt's deadline from which on absent counts."""

    sender: Sender
    render: Callable[[Row], bytes]
    judge: Callable[[Outcome, Row], ProbeVerdict]
    after: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers of the job that the loops act on. Seconds; counts of rows."""

    idempotent: bool
    idempotent_for: float | None
    attempts: int
    first_backoff: float
    longest_backoff: float
    total_timeout: float
    lease: float
    max_in_doubt: int
    concurrency: int  # of the whole job; the upper end where it adapts
    adapts: bool  # concurrency: auto
    max_concurrency: int  # the upper end, should a person ask for auto
    rate: float  # of the whole job; math.inf: no limit
    give_up_after: float
    stop_at: float  # bad rows among the last 1,000 (math.inf: never)
    refuses_flagged: bool  # flag.existing: refuse

    @property
    def writes_windows(self) -> bool:
        """Whether what may be on the wire is written down first: wherever a repeat is not harmless for ever."""
        return not self.idempotent or self.idempotent_for is not None

    def repeat_may_harm(self, first_sent: float | None, now: float) -> bool:
        """Whether a row that may have arrived at `first_sent` must not be sent `now` (wall-clock seconds both; None: it cannot
        have arrived): the attempt could end when a repeat is not harmless any more."""
        period = self.idempotent_for
        return period is not None and first_sent is not None and now + self.total_timeout > first_sent + period


@dataclass(frozen=True, slots=True)
class Parts:
    owner: str
    file_hash: str  # of the job file this worker was started with
    generation: int  # of the idempotency keys it sends
    settings: Settings
    source: Source
    ledger: Ledger
    sender: Sender
    render: Callable[[Row], bytes | None]  # the whole request; None: the mapping skips the row; raises RowError
    classify: Callable[[Outcome, Row], Verdict]
    fingerprint: Callable[[Row], int]
    mark: FlagMarker | None  # flags in the settling transaction
    flag_desk: FlagDesk | None  # flags after it; None: the job has no flag
    journal: AnswerLog | None  # None: idempotent jobs simply send again
    recall: Recall
    is_dead: IsDead
    pace: Pace
    bell: Bell
    clock: Clock
    random: Random
    probing: Probing | None = None
    broker: Broker | None = None  # None: workers find their ranges in the ledger alone
    notifier: Notifier | None = None  # None: nobody is told of rows that end badly
