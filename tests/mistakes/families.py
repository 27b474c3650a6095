"""All tables of mistakes, in the order in which a tired person meets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.mistakes import answers, command_line, database, job_file, ledger, query_and_key, verify
from tests.mistakes.mistake import Mistake


class Family(NamedTuple):
    """name: of its module, and in the names of its tests. about: the module's own words."""

    name: str
    title: str
    about: str
    mistakes: Sequence[Mistake]


FAMILIES = tuple(
    Family(module.__name__.rpartition(".")[2], module.TITLE, (module.__doc__ or "").strip(), module.MISTAKES)
    for module in (job_file, query_and_key, database, answers, ledger, verify, command_line)
)
