"""Job files on disk, for the tests of the loader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Protocol

import pytest

from penstock.errors import JobFileError, Problem
from penstock.spec.loader import load
from penstock.spec.models import Job


class LoadText(Protocol):
    def __call__(self, text: str, environment: Mapping[str, str] | None = None) -> Job:
        """Write the text as orders.yaml, and load it."""
        ...


class ProblemsOf(Protocol):
    def __call__(self, text: str, environment: Mapping[str, str] | None = None) -> Mapping[str, Problem]:
        """Write the text as orders.yaml, see it refused, and tell why: key path → problem."""
        ...


def job_file(*, source: str = "", target: str = "", rest: str = "") -> str:
    """A small and correct job file, with further lines in its parts."""
    head = "name: orders\nsource:\n  url: sqlite:///old.db\n  table: orders\n  key: id\n"
    return (
        head
        + indent(source, "  ")
        + "\ntarget:\n  url: https://api.example.com/orders\n"
        + indent(target, "  ")
        + "\n"
        + rest
    )


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    def load_it(text: str, environment: Mapping[str, str] | None = None) -> Job:
        path = tmp_path / "orders.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, environment=environment or {})

    return load_it


@pytest.fixture
def problems_of(load_text: LoadText) -> ProblemsOf:
    def problems(text: str, environment: Mapping[str, str] | None = None) -> Mapping[str, Problem]:
        with pytest.raises(JobFileError) as caught:
            load_text(text, environment)
        return {problem.path: problem for problem in caught.value.problems}

    return problems
