"""What a report says of its job: where from, where to, by which file; without secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from penstock.database.urls import address_of, parse_url
from penstock.insights.report import Subject
from penstock.spec.models import Job
from penstock.target.secrets import secrets_in, without_secrets

_ARGUMENT = re.compile(r"=(?P<value>(?:\{\{.*?\}\}|[^&])*)", re.DOTALL)  # of a query string
_EXPRESSION = re.compile(r"(\{\{.*?\}\})", re.DOTALL)
_SHORTEST_SECRET = 4


def report_subject(job: Job, file: str) -> Subject:
    """file: the job file as the person wrote it."""
    secrets = secrets_in(job.target.headers, job.secrets)
    flag = job.source.flag
    return Subject(
        job=job.name,
        file=Path(file).name,
        file_hash=job.file_hash,
        source=_place(job.source.url),
        query=without_secrets(job.source.query.strip(), secrets),
        key=tuple(job.source.key),
        flag=f"{flag.table}.{flag.column}" if flag else "",
        target=f"{job.target.method} {_address(job.target.url.get_secret_value(), secrets)}",
        ledger=_place(job.ledger.url),
        is_idempotent=job.target.idempotent,
    )


def _place(url: SecretStr) -> str:
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        return f"sqlite {Path(parsed.database or '').name}"
    return f"{parsed.drivername} {address_of(parsed)}"


def _address(url: str, secrets: Sequence[str]) -> str:
    path, mark, query = url.partition("?")
    return without_secrets(path + mark + _ARGUMENT.sub(lambda found: "=" + _argument(found["value"]), query), secrets)


def _argument(value: str) -> str:
    """What is no expression may be a token."""
    parts = _EXPRESSION.split(value)
    return "".join([part if part.startswith("{{") or len(part) < _SHORTEST_SECRET else "***" for part in parts])
