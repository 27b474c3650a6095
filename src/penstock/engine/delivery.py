"""A row on its way, and the leased range it belongs to: the bookkeeping of one worker, all in memory, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from penstock.ledger.events import Event
from penstock.ledger.ranges import Lease, Portion
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.rows import KeyText, Row
from penstock.target.verdicts import Unknown

# Of the lease, this much is relied upon: the rest is for what lies between the database's clock and this machine's.
RELIED_UPON = 0.9
# Workers that ended before their first batch had hardly begun: what ended them is among the first rows. Should it not be, then
# these rows are progress, and the next three that end find it among fewer.
ALONE = 128


class OpenRange:
    """A leased range while this worker works on it.

    deadline: boottime before which its requests must have ended.
    alone: so many of the next rows go out one at a time, as one of them may be what ended the workers before.
    outstanding: rows read and not yet durably final. is_gone: lost, done or given back; nothing of it is this worker's any more.
    """

    __slots__ = (
        "_came_back",
        "_unsettled",
        "alone",
        "batch",
        "deadline",
        "events",
        "exposed",
        "is_gone",
        "is_read",
        "lease",
        "left_waiting",
        "next_window",
        "outstanding",
        "read_upto",
        "settlements",
        "windows",
        "windows_done",
    )

    def __init__(self, lease: Lease, deadline: float) -> None:
        self.lease = lease
        self.deadline = deadline
        self.alone = ALONE if lease.one_by_one else 0
        self.batch = lease.batch
        self.outstanding = 0
        self.is_read = False
        self.read_upto: KeyText | None = None  # reading goes on behind this key
        self.left_waiting: set[KeyText] | None = None  # rows that wait here since an earlier lease and are not read yet
        self.is_gone = False
        self.next_window = 1
        self.windows: dict[int, int] = {}  # number → how many of its keys have not come back from the wire
        self.exposed: set[KeyText] = (
            set()
        )  # keys in windows whose end is not durable: a crash now may leave them in doubt
        self.windows_done: list[int] = []  # to be dropped with the next batch; the others go with the range
        self._came_back: set[int] = set()  # windows of which a key has come back and not ended
        self.settlements: list[Settlement] = []
        self.events: list[Event] = []
        self._unsettled: Portion | None = None  # given out, and not known to be durable

    @property
    def is_complete(self) -> bool:
        """Nothing is left but to write down that the range is done."""
        return self.is_read and self.outstanding == 0

    def left_window(self, window: int, *, has_ended: bool) -> None:
        """One of the window's keys has come back. The window is dropped together with the batch that holds what became of it, if
        a row of it has not ended: a crash would leave that in doubt. Else it may stand there until its range is done."""
        if not window:
            return
        if not has_ended:
            self._came_back.add(window)
        self.windows[window] -= 1
        if self.windows[window] == 0:
            del self.windows[window]
            if window in self._came_back:
                self._came_back.discard(window)
                self.windows_done.append(window)

    def portion(self, most: int, *, release: bool = False) -> Portion:
        """The next batch of at most `most` settlements, as one value. Until it is `applied` the same one is given again, whatever
        has come since: the ledger tells by its number whether it has it already."""
        if self._unsettled is not None:
            return self._unsettled
        settlements = self.settlements[:most]
        remaining = self.outstanding - len(_final(settlements))
        finished = self.is_read and remaining == 0 and not release
        everything = len(settlements) == len(self.settlements)
        self._unsettled = Portion(
            lease=self.lease,
            batch=self.batch + 1,
            settlements=settlements,
            windows_done=tuple(self.windows_done) if everything else (),
            events=tuple(self.events),
            remaining=remaining if self.is_read else None,
            finished=finished,
            release=release and not finished,
        )
        return self._unsettled

    def applied(self, portion: Portion) -> None:
        """The portion is durable."""
        self._unsettled = None
        self.batch = portion.batch
        del self.settlements[: len(portion.settlements)]
        del self.windows_done[: len(portion.windows_done)]
        del self.events[: len(portion.events)]
        final = _final(portion.settlements)
        self.outstanding -= len(final)
        self.exposed.difference_update(final)


def _final(settlements: Iterable[Settlement]) -> list[KeyText]:
    """The keys of the rows that have ended."""
    pending = RowState.PENDING
    return [settlement.key for settlement in settlements if settlement.state is not pending]


class Delivery:
    """One row's way to the new service, over all its attempts by this worker.

    request: the bytes of the whole HTTP request; the same for every attempt of an idempotent job.
    attempts: those that count; sends: those in which bytes may have gone out.
    announced_at: wall-clock seconds. (It and first_sent are kept only where idempotency expires.)
    first_sent: wall-clock seconds of the first attempt that may have been applied, by whichever worker; None: there was none.
    doubt: what the last such attempt of this worker came to.
    window: number of the window that holds its key now; 0 if none does.
    ends_as: set when the row, read again, is not to be sent any more.
    fingerprint: of the row as it was announced; None: not announced yet, or read again since with other values.
    sent_as: the fingerprint under which it may have been applied since first_sent; None: not known, or not one alone.
    """

    __slots__ = (
        "announced_at",
        "attempts",
        "doubt",
        "ends_as",
        "fingerprint",
        "first_sent",
        "key",
        "range",
        "read_at",
        "reason",
        "request",
        "row",
        "sends",
        "sent_as",
        "status",
        "window",
    )

    def __init__(self, range_: OpenRange, row: Row, request: bytes, read_at: float) -> None:
        self.range = range_
        self.row = row
        self.key: KeyText = row.key
        self.request = request
        self.read_at = read_at
        self.attempts = 0
        self.sends = 0
        self.announced_at: float | None = None
        self.first_sent: float | None = None
        self.doubt: Unknown | None = None
        self.window = 0
        self.reason = ""
        self.status: int | None = None
        self.ends_as: Settlement | None = None
        self.fingerprint: int | None = None
        self.sent_as: int | None = None

    @property
    def exposed_as(self) -> int | None:
        """The one fingerprint under which it may have been applied once this attempt has begun; None: not known, or not one."""
        return self.fingerprint if self.first_sent is None or self.sent_as == self.fingerprint else None

    @property
    def has_a_past(self) -> bool:
        """Whether there is anything to say of it but that it waits: an attempt, or one by an earlier worker."""
        return bool(
            self.attempts or self.sends or self.reason or self.first_sent is not None or self.sent_as is not None
        )

    def leave_window(self, *, has_ended: bool = False) -> None:
        """It has come back from the wire, or will not go there: its window holds one key less that may be under way."""
        self.range.left_window(self.window, has_ended=has_ended)
        self.window = 0

    def waiting(self) -> Settlement:
        """As the ledger writes it down when it is not sent again by this worker: pending, with what is known of it."""
        return Settlement(
            self.key,
            RowState.PENDING,
            self.attempts,
            self.status,
            self.reason or None,
            fingerprint=self.sent_as,
            first_sent=self.first_sent,
        )


class OpenRanges:
    """The ranges this worker holds, by number. let_go: called with the number of each that it holds no more."""

    def __init__(self, let_go: Callable[[int], None]) -> None:
        self._ranges: dict[int, OpenRange] = {}
        self._let_go = let_go

    def __iter__(self) -> Iterator[OpenRange]:
        return iter(list(self._ranges.values()))

    def __len__(self) -> int:
        return len(self._ranges)

    @property
    def exposed(self) -> int:
        """How many keys a crash now might leave in doubt."""
        return sum(len(range_.exposed) for range_ in self._ranges.values())

    def open(self, range_: OpenRange) -> None:
        self._ranges[range_.lease.range_no] = range_

    def close(self, range_: OpenRange) -> None:
        range_.is_gone = True
        if self._ranges.pop(range_.lease.range_no, None) is not None:
            self._let_go(range_.lease.range_no)

    def lose(self, range_no: int) -> OpenRange | None:
        """Another worker owns it now: whatever holds it drops it at the next look."""
        range_ = self._ranges.pop(range_no, None)
        if range_ is not None:
            range_.is_gone = True
            self._let_go(range_no)
        return range_
