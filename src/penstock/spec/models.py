"""The job file as values: CONTRACT's keys, each with its meaning, default and limits. Frozen; unknown keys are refused.

Durations are seconds (float) once parsed, rates are requests per second. Secrets are SecretStr from the first moment on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from penstock.spec.units import NEVER, ShareOrCount, parse_duration, parse_rate, parse_share_or_count

Duration: TypeAlias = Annotated[float, BeforeValidator(parse_duration)]
DurationOrNever: TypeAlias = Annotated[
    float, BeforeValidator(lambda value: NEVER if value == "never" else parse_duration(value))
]
Rate: TypeAlias = Annotated[float, BeforeValidator(parse_rate)]

# A row of the source as the mapping function sees it, and what it makes of it (None: skip the row).
Transform: TypeAlias = Callable[[Mapping[str, Any]], Any]

DEFAULT_NOT_APPLIED = frozenset({400, 404, 406, 411, 413, 414, 422, 428, 431})


class Part(BaseModel):
    """Base of every part of a job file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)


class Flag(Part):
    """The column in the source table that follows the ledger."""

    table: str
    column: str = "is_import"
    existing: Literal["skip", "refuse", "ignore"] = "skip"
    set: Mapping[str, str] = Field(
        default_factory=dict
    )  # further columns of that row: name → expression over receipt, now
    key: tuple[str, ...] | None = None  # the key's columns in the flag's table, if named otherwise there


class Source(Part):
    url: SecretStr
    query: str  # `table: orders` has become SELECT * FROM orders by the time this is built
    key: tuple[str, ...]
    flag: Flag | None = None
    timezone: str | None = None  # IANA name; of naive date-times
    zero_dates: Literal["fail", "null"] = "fail"


class Tls(Part):
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


class Probe(Part):
    """How to ask whether a row in doubt has arrived. Parsed and validated here; used from issue C on."""

    url: SecretStr
    found: str
    absent: str
    after: Duration = 600.0
    receipt: str | None = None


class Target(Part):
    url: SecretStr
    method: str = "POST"
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    tls: Tls = Tls()
    body: Any = None  # None: the row itself as a JSON object
    already_exists: str | None = None
    accept: str | None = None
    retry: str | None = None
    refuse: str | None = None
    not_applied: frozenset[int] = DEFAULT_NOT_APPLIED
    receipt: str | None = None
    idempotent: bool = False
    idempotent_for: float | None = None  # seconds after the first attempt; None: for ever
    probe: Probe | None = None


class Timeout(Part):
    connect: Duration = 5.0
    total: Duration = 30.0


class Backoff(Part):
    first: Duration = 0.2
    max: Duration = 30.0


class Delivery(Part):
    concurrency: int | Literal["auto"] = "auto"
    max_concurrency: int = 256
    rate: Rate | None = None
    timeout: Timeout = Timeout()
    attempts: int = 8
    backoff: Backoff = Backoff()
    give_up_after: DurationOrNever = 4 * 3600.0
    stop_at: Annotated[ShareOrCount, BeforeValidator(parse_share_or_count)] = ShareOrCount(share=0.05)
    max_in_doubt: int = 1000


class Ledger(Part):
    url: SecretStr
    lease: Duration


class Verify(Part):
    """Where the rows should be in the end. Parsed and validated here; used from issue D on."""

    url: SecretStr
    query: str | None = None
    collection: str | None = None
    filter: Mapping[str, Any] | None = None
    projection: Mapping[str, Any] | None = None
    key: str | None = None
    source_key: str | None = None
    compare: Mapping[str, str] = Field(default_factory=dict)


class Job(Part):
    """One source query delivered to one API endpoint, whole and checked.

    file_hash: hex digest of the job file's text as written (no secret in it); of the values if built in Python.
    """

    name: str
    source: Source
    target: Target
    delivery: Delivery = Delivery()
    ledger: Ledger
    verify: Verify | None = None
    transform: str | Transform | None = None
    file_hash: str = ""
    folder: str = "."  # relative paths in the file (tls, sqlite) start here
