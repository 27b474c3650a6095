"""A job file → a Job, whole and checked; or every problem of it at once. Reads nothing but the file, `.env` and the TLS files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError

from penstock.spec.environment import Variables, fill
from penstock.spec.explain import add_problems
from penstock.spec.keys import refuse_unknown_keys
from penstock.spec.models import Job
from penstock.spec.problems import Problems
from penstock.spec.yaml_text import read_yaml

LARGEST = 1_000_000


def load(path: str | Path, *, environment: Mapping[str, str] | None = None) -> Job:
    """Read a job file. environment: where `${NAME}` is looked up, before `.env` beside the file; None: the process's own.

    Raises JobFileError with all problems that can be found without touching a database or the API.
    """
    problems = Problems(str(path))
    text = _read(Path(path), problems)
    folder = Path(path).resolve().parent
    root = read_yaml(text, problems)
    refuse_unknown_keys(root, problems)
    variables = Variables(os.environ if environment is None else environment, folder)
    values = fill(root, variables, problems)
    try:
        job = Job.model_validate(values, context={"folder": str(folder)})
    except ValidationError as error:
        add_problems(error, root, problems)
        raise problems.error() from None
    if problems:
        raise problems.error()
    file_hash = hashlib.sha256(text.encode()).hexdigest()
    secrets = {name: SecretStr(value) for name, value in variables.used.items()}
    return job.model_copy(update={"folder": str(folder), "file_hash": file_hash, "secrets": secrets})


def _read(path: Path, problems: Problems) -> str:
    """The text with its line ends as \\n and without a byte order mark."""
    try:
        if path.is_dir():
            problems.refuse(None, "is a folder", "name the job file in it")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        problems.refuse(None, "there is no such file", "look at its path, from the folder you are in")
    except (OSError, ValueError) as error:
        problems.refuse(
            None, f"cannot be read: {getattr(error, 'strerror', None) or 'it is no path'}", "look at its rights"
        )
    if len(content) > LARGEST:
        problems.refuse(None, f"is larger than {LARGEST:,} bytes", "a job file holds one job")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.refuse(line, "is not UTF-8 text", "save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
