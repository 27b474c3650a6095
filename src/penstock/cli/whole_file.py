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
    place = Path(os.path.realpath(path))  # a link stays one
    if place.exists() and not place.is_file():
        # As root a rename would put a file in the place of /dev/null.
        raise JobError(f"{path} is no file; name one, or leave --out out to print")
    if not replace and place.exists():
        raise _is_there(path)
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with open(beside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not _put(beside, place, replace=replace):
            raise _is_there(path)
    except OSError as error:
        raise JobError(
            f"{path} cannot be written ({error.strerror}); make room, or name another place: --out"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def _put(beside: Path, place: Path, *, replace: bool) -> bool:
    """False: a file has come there meanwhile, which stays."""
    if not replace:
        try:
            os.link(beside, place)  # where a rename would replace
            return True
        except FileExistsError:
            return False
        except OSError:
            pass  # no links on this kind of disk
    os.replace(beside, place)
    return True


def _is_there(path: Path) -> JobError:
    return JobError(f"{path} is there already; --force replaces it, --out names another place")
