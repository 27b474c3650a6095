"""A file that is there whole or not at all: written beside its place under another name, and renamed when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from penstock.errors import JobError


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """What is written in the block becomes the file `path` at its end, and leaves nothing behind if the block is left by an
    exception. Raises JobError if it cannot be written, or is there already and may not be replaced."""
    if not replace and os.path.lexists(path):
        raise _is_there(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put(beside, path, replace=replace)
    except OSError as error:
        raise JobError(
            f"{path} cannot be written ({error.strerror}); make room, or name another place: --out"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def _put(beside: Path, path: Path, *, replace: bool) -> None:
    if not replace:
        try:
            os.link(beside, path)  # refused where a file is by now: a rename would replace it
            return
        except FileExistsError:
            raise _is_there(path) from None
        except OSError:
            pass  # no links on this kind of disk
    os.replace(beside, path)


def _is_there(path: Path) -> JobError:
    return JobError(f"{path} is there already; --force replaces it, --out names another place")
