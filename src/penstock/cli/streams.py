"""The two streams: stdout is data for programs, stderr is text for people."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, TextIO, cast

import orjson

from penstock.errors import JobError

if TYPE_CHECKING:
    from rich.console import Console

_PLAIN_WIDTH = 120  # of tables where stderr is no terminal


class _Unfailing:
    """A stream that drops what cannot be written (no reader, no space): a run must not end because of a text about it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except OSError:
            _to_nowhere(self._stream)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            _to_nowhere(self._stream)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


def people() -> Console:
    """stderr, for people. Foreign text must not be taken for markup, nor numbers be coloured."""
    from rich.console import Console  # noqa: PLC0415  # whoever prints only data does not wait for it

    width = None if sys.stderr.isatty() else _PLAIN_WIDTH
    stream = cast(IO[str], _Unfailing(sys.stderr))  # all of it that a console uses
    return Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def open_closed_streams() -> None:
    """Give each standard stream that was closed (`2>&-`) /dev/null: else the next file or socket would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
    # Python has none for a stream that was closed when it began.
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def emit(document: object) -> bool:
    """Print one JSON document as one line on stdout. False: nobody reads any more (`| head`), so stop printing.

    document: what orjson takes; times are written in UTC.
    """
    line = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z)
    return emit_text(line.decode())


def emit_text(text: str) -> bool:
    """Print text that is data (SQL, JSON) on stdout, in UTF-8 whatever the terminal's charset. False: nobody reads any more.
    Raises JobError if it cannot be written."""
    return emit_bytes(text.encode())


def emit_bytes(data: bytes) -> bool:
    """The same of what is bytes already."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)
        return False
    except OSError as error:
        _to_nowhere(sys.stdout)
        raise JobError(f"stdout cannot be written: {error.strerror}; make room, or send it elsewhere") from None
    return True


def _to_nowhere(stream: TextIO) -> None:
    """What is still buffered must not raise once more when the interpreter exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
