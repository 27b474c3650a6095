"""`transform: module:function`, the mapping as a Python function of the row."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path

from penstock.errors import JobError, RowError
from penstock.mapping.scope import unreadable
from penstock.rows import Unreadable
from penstock.spec.models import Transform

# The user's own words, which may quote the row: enough to know the fault by.
LONGEST_REASON = 200


class Transformed:
    """A row through the user's function. An exception of it fails the row; None skips the row."""

    def __init__(self, transform: str | Transform, folder: str, columns: Sequence[str]) -> None:
        """Raises JobError if the function cannot be found or is no plain function."""
        self._function = load_transform(transform, folder) if isinstance(transform, str) else transform
        _refuse_async(self._function)
        self._columns = columns

    def evaluate(self, values: Sequence[object], _idempotency_key: str, /) -> object:
        row = dict(zip(self._columns, values, strict=True))
        try:
            with _prints_for_people():
                if any(type(value) is Unreadable for value in values):
                    return self._function(_PartlyReadable(row))
                return self._function(row)
        except SystemExit as error:  # no Exception: it would end the whole run
            raise RowError(f"transform: SystemExit: {error}"[:LONGEST_REASON]) from error

    def blame(self, error: Exception, values: Sequence[object], _idempotency_key: str, /) -> RowError:
        if isinstance(error, RowError):
            is_named = error.column in str(error)
            return error if is_named else RowError(f'transform: column "{error.column}": {error}', column=error.column)
        return RowError(f"transform: {type(error).__name__}: {error}"[:LONGEST_REASON])


class _PartlyReadable(Mapping[str, object]):
    """A row with values that could not be read: the function fails only if it touches one of them."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self._row = row

    def __getitem__(self, column: str) -> object:
        value = self._row[column]
        if isinstance(value, Unreadable):
            raise unreadable(value, column)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self._row)


def load_transform(name: str, folder: str) -> Transform:
    """ "module:function" → the function. The job file's folder is searched first. Raises JobError."""
    module_name, _, function_name = name.partition(":")
    home = str(Path(folder).resolve())
    if home not in sys.path:
        sys.path.insert(0, home)
    try:
        with _prints_for_people():
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise JobError(
            f"transform: no module {error.name!r}; put {error.name}.py beside the job file ({home})"
        ) from error
    except (Exception, SystemExit) as error:
        raise JobError(f"transform: {module_name} cannot be imported: {type(error).__name__}: {error}") from error
    _refuse_namesake(module_name, home, module.__file__)
    try:
        function: Transform = getattr(module, function_name)
    except AttributeError:
        raise JobError(f"transform: {module_name} has no function {function_name!r}; write module:function") from None
    return function


def _prints_for_people() -> AbstractContextManager[object]:
    """stdout is for data: what the user's code prints goes to stderr."""
    return redirect_stdout(sys.stderr)


def _refuse_namesake(module_name: str, home: str, loaded_from: str | None) -> None:
    """Two jobs in one run, two folders, one name: the second would silently get the first one's function."""
    own = Path(home, *module_name.split(".")).with_suffix(".py")
    if own.exists() and (loaded_from is None or Path(loaded_from).resolve() != own.resolve()):
        raise JobError(f"transform: {module_name} is already loaded from {loaded_from}; give {own} another name")


def _refuse_async(function: Transform) -> None:
    if not callable(function):
        raise JobError(f"transform: {function!r} is no function")
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        raise JobError("transform: an async function cannot be used; mapping does no I/O, so write a plain one")
    if inspect.isgeneratorfunction(function):
        raise JobError("transform: a generator cannot be used; return one payload for one row")
