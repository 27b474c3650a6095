"""The two streams: stdout is data for programs, stderr is text for people."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import orjson
from rich.console import Console

_PLAIN_WIDTH = 120  # of tables where stderr is no terminal


class People(Console):
    """A console that goes quiet when nobody reads stderr any more: a run must not end because its reader did."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        _to_nowhere(sys.stderr)


def people() -> Console:
    """stderr, for people. Foreign text must not be taken for markup, nor numbers be coloured."""
    width = None if sys.stderr.isatty() else _PLAIN_WIDTH
    return People(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def emit(document: object) -> bool:
    """Print one JSON document as one line on stdout. False: nobody reads any more (`| head`), so stop printing.

    document: what orjson takes; times are written in UTC.
    """
    line = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z)
    return emit_text(line.decode())


def emit_text(text: str) -> bool:
    """Print text that is data (SQL, JSON) on stdout. False: nobody reads any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)
        return False
    return True


def _to_nowhere(stream: TextIO) -> None:
    """What is still buffered must not raise once more when the interpreter exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
