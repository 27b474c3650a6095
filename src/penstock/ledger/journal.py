"""The journal: answers on this machine's disk before the ledger has them, so that a killed worker's next start knows them.

One file a worker, JSON lines: what rows' last answers were, or that they hold no more. A line is in the file when the loop turns,
not when the disk has it: it is to outlive the process, not the machine. Its writer holds a lock on it as long as it lives.
A journal that cannot be written is emptied: half of what is known could be what was true once.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.ledger.text import fit_or_none
from penstock.rows import KeyText

# A larger file is written anew with what the ledger does not have yet.
LARGE = 4 * 1024 * 1024
# Rows whose texts make them longer are written down shortened.
_LONG = 4096
# A dead worker's file, long after its ranges were taken over.
_OLD_SECONDS = 30 * 24 * 3600.0
_SUFFIX = ".journal"

# Range, fence, what is known; without a fence: the keys of which nothing holds any more.
_Entry: TypeAlias = tuple[int, int, Sequence[Settlement]] | tuple[int, None, Sequence[KeyText]]
_RANGE_AND_FENCE = itemgetter(0, 1)


class Journal:
    """folder: beside an SQLite ledger, else a folder of state; made if missing. job, owner: whose answers these are.

    trouble: why answers are not being written down, "" if they are. The run goes on: a crash leaves more rows in doubt, no more.
    """

    def __init__(self, folder: Path, job: str, owner: str) -> None:
        self.trouble = ""
        self._folder = folder
        self._job = job
        self._path = folder / _file_name(job, owner)
        self._unwritten: list[_Entry] = []
        # By range and key, with the fence: what the ledger does not have yet. None: nothing but that the row is not on the wire.
        self._outstanding: defaultdict[int, dict[KeyText, tuple[int, Settlement | None]]] = defaultdict(dict)
        self._size = 0
        self._is_scheduled = False
        self._file = -1
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_old(folder)
            self._file = _create(self._path)
        except OSError as error:
            self._give_up(error)

    def append(self, range_no: int, fence: int, settlements: Sequence[Settlement]) -> None:
        """In the file when the loop has turned once."""
        of_range = self._outstanding[range_no]
        for settlement in settlements:
            of_range[settlement.key] = fence, settlement
        self._unwritten.append((range_no, fence, settlements))
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_as_scheduled)

    def hold_back(self, range_no: int, fence: int, keys: Sequence[KeyText]) -> None:
        """The same for rows of which nothing is known but that they are not on the wire. This and all that was appended before is
        in the file when this returns."""
        self._outstanding[range_no].update(dict.fromkeys(keys, (fence, None)))
        self.flush()
        self._write(b'{"range":%d,"fence":%d,"held_back":%b}\n' % (range_no, fence, orjson.dumps(keys)))

    def withdraw(self, range_no: int, keys: Sequence[KeyText]) -> None:
        """What was written of these keys holds no more: they go out. Before a byte of them does, `flush`."""
        of_range = self._outstanding[range_no]
        written = [key for key in keys if of_range.pop(key, None) is not None]
        if written:
            self._unwritten.append((range_no, None, written))

    def known(self, range_no: int, fence: int) -> Sequence[Settlement]:
        """What holds of the range's rows and is not in the ledger: of those that are not on the wire."""
        return [
            settlement or _held_back(key)
            for key, (under, settlement) in self._outstanding.get(range_no, {}).items()
            if under == fence
        ]

    def flush(self) -> None:
        """Write what is buffered."""
        if self._unwritten:
            entries, self._unwritten = self._unwritten, []
            self._write(_lines(entries))

    def _write(self, lines: bytes) -> None:
        if self._file < 0:
            return
        try:
            self._size += _write(self._file, lines)
        except OSError as error:
            self._empty(error)
        else:
            self.trouble = ""

    def _flush_as_scheduled(self) -> None:
        self._is_scheduled = False
        self.flush()

    def forget(self, range_no: int, fence: int, keys: Sequence[KeyText]) -> None:
        """What was written of these keys under this fence is in the ledger now."""
        of_range = self._outstanding[range_no]
        for key in keys:
            known = of_range.pop(key, None)
            if known is not None and known[0] != fence:
                of_range[key] = known
        if not of_range:
            del self._outstanding[range_no]
        if self._file < 0:
            return
        try:
            if not self._holds_any:
                self._unwritten.clear()
                os.ftruncate(self._file, 0)
                self._size = 0
            elif self._size > LARGE:
                self._write_anew()
        except OSError as error:
            self._empty(error)

    @property
    def _holds_any(self) -> bool:
        return any(self._outstanding.values())

    def close(self) -> None:
        """What the ledger has is gone from the disk; what it has not stays for the next start."""
        self.flush()
        if self._file >= 0:
            if not self._holds_any:
                self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def recall(self, owner: str, range_no: int, fence: int) -> Sequence[Settlement]:
        """What a dead worker of this machine knew of a range when it died. A live one speaks for itself: nothing then."""
        try:
            file = os.open(self._folder / _file_name(self._job, owner), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return ()
        with open(file, "rb") as lines:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return _recalled(lines, range_no, fence)
            except OSError:
                return ()

    def _write_anew(self) -> None:
        """The new file is locked before it takes the old one's name: at no moment does this worker look dead."""
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        file = _create(draft)
        try:
            entries: list[_Entry] = [
                (no, fence, (settlement or _held_back(key),))
                for no, of_range in self._outstanding.items()
                for key, (fence, settlement) in of_range.items()
            ]
            size = _write(file, _lines(entries))
            draft.rename(self._path)
        except OSError:
            os.close(file)
            raise
        os.close(self._file)
        self._unwritten.clear()
        self._file, self._size = file, size

    def _empty(self, error: OSError) -> None:
        self.trouble = f"answers are not written down in {self._path} ({error.strerror})"
        self._size = 0
        try:
            os.ftruncate(self._file, 0)
        except OSError as worse:
            self._give_up(worse)

    def _give_up(self, error: OSError) -> None:
        self.trouble = f"answers are not written down in {self._path} ({error.strerror})"
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _file_name(job: str, owner: str) -> str:
    """Neither name need be fit for a file system."""
    return hashlib.blake2b(f"{job}\x00{owner}".encode(), digest_size=16).hexdigest() + _SUFFIX


def _create(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise
    return file


def _write(file: int, content: bytes) -> int:
    """All of it. Returns how many bytes."""
    written = os.write(file, content)
    while written < len(content):
        written += os.write(file, memoryview(content)[written:])
    return written


def _remove_old(folder: Path) -> None:
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _OLD_SECONDS:
                path.unlink()


def _held_back(key: KeyText) -> Settlement:
    return Settlement(key, RowState.PENDING)


def _lines(entries: Iterable[_Entry]) -> bytes:
    """One for each run of entries of the same kind: whoever is killed while it is written has written none of them."""
    lines = []
    for (range_no, fence), run in groupby(entries, _RANGE_AND_FENCE):
        known = [each for _, _, together in run for each in together]
        if fence is None:
            lines.append(b'{"range":%d,"withdrawn":%b}\n' % (range_no, orjson.dumps(known)))
        else:
            settlements = [each for each in known if isinstance(each, Settlement)]
            lines.append(b'{"range":%d,"fence":%d,"rows":%b}\n' % (range_no, fence, _rows(settlements)))
    return b"".join(lines)


def _rows(settlements: Sequence[Settlement]) -> bytes:
    """As they are, nearly always: looking at each text takes as long as all the rest."""
    try:
        rows = orjson.dumps([tuple(settlement) for settlement in settlements])
    except TypeError:  # halves of surrogate pairs, which an answer may hold, are no UTF-8
        rows = b""
    if rows and len(rows) <= _LONG * len(settlements):
        return rows
    return orjson.dumps([_fitting(settlement) for settlement in settlements])


def _fitting(settlement: Settlement) -> tuple[object, ...]:
    key, state, attempts, status, reason, receipt, answer, fingerprint, first_sent = settlement
    return (
        key,
        state,
        attempts,
        status,
        fit_or_none(reason, 1000),
        fit_or_none(receipt, 1000),
        fit_or_none(answer, 1000),
        fingerprint,
        first_sent,
    )


def _recalled(lines: Iterable[bytes], range_no: int, fence: int) -> Sequence[Settlement]:
    answers: dict[KeyText, Settlement] = {}
    is_torn = False
    for line in lines:
        if is_torn:
            # It was not the last line: another penstock's, or not written by one. That a row has gone out again may stand there.
            return [settlement for settlement in answers.values() if settlement.state.is_final]
        try:
            _take_up(answers, orjson.loads(line), range_no, fence)
        except (ValueError, KeyError, TypeError, AttributeError):
            is_torn = True
    return list(answers.values())


def _take_up(answers: dict[KeyText, Settlement], content: dict[str, Any], range_no: int, fence: int) -> None:
    if content["range"] != range_no:
        return
    for key in content.get("withdrawn", ()):
        answers.pop(key, None)
    if content.get("fence") == fence:
        if "held_back" in content:
            answers.update((key, _held_back(key)) for key in content["held_back"])
        else:
            for key, state, *rest in content["rows"]:
                answers[key] = Settlement(key, RowState(state), *rest)
