"""Job files of a command line: all of them are loaded, and every problem told, before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from penstock.errors import JobError, JobFileError, Problem
from penstock.spec.loader import load
from penstock.spec.models import Job


class NamedJob(NamedTuple):
    """file: as the person wrote it; it stands in the lines that are suggested to them."""

    file: str
    job: Job


def load_jobs(files: Sequence[Path]) -> list[NamedJob]:
    """Raises JobFileError with the problems of all files, JobError if two files declare the same job."""
    jobs: list[NamedJob] = []
    problems: list[Problem] = []
    for file in dict.fromkeys(files):
        try:
            jobs.append(NamedJob(str(file), load(file)))
        except JobFileError as error:
            problems += error.problems
    if problems:
        raise JobFileError(problems)
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise JobError(f"{twice} is named twice; once is enough: a run delivers until nothing is pending")
    first: dict[str, str] = {}
    for named in jobs:
        other = first.setdefault(named.job.name, named.file)
        if other != named.file:
            raise JobError(f"{named.file} and {other} both declare the job {named.job.name!r}; give each its own name")
    return jobs
