"""`delivery:` how fast, how often, how long; and `ledger:` where the record is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from penstock.spec.kinds import (
    Concurrency,
    Duration,
    DurationOrNever,
    ExchangeName,
    Limit,
    Rate,
    SqlUrl,
    Whole,
    YesOrNo,
)
from penstock.spec.part import Part, as_in_a_file
from penstock.spec.values import MOST_AT_ONCE
from penstock.spec.wrong import Wrong, all_wrong


class Timeout(Part):
    connect: Duration = Field(default=as_in_a_file("5s"), description="For the connection, TLS included.")
    total: Duration = Field(
        default=as_in_a_file("30s"), description="For the whole attempt: connecting, sending and the answer."
    )

    @model_validator(mode="after")
    def _connect_within_total(self) -> Timeout:
        # A default that is longer than a given total does no harm: total ends every attempt.
        if {"connect"} <= self.model_fields_set and self.connect > self.total:
            raise all_wrong([(("connect",), Wrong("is longer than timeout.total", "total bounds the whole attempt"))])
        return self


class Backoff(Part):
    first: Duration = Field(
        default=as_in_a_file("200ms"),
        description="The longest wait after the first try; it doubles with each further one.",
    )
    max: Duration = Field(default=as_in_a_file("30s"), description="The longest wait of all.")

    @model_validator(mode="after")
    def _first_within_max(self) -> Backoff:
        if {"first"} <= self.model_fields_set and self.first > self.max:
            raise all_wrong([(("first",), Wrong("is longer than backoff.max", "max bounds every wait"))])
        return self


class Notices(Part):
    exchange: ExchangeName = Field(
        description="An exchange of the broker given by `--broker`. It has to be there. "
        "The routing key is `NAME.failed` or `NAME.in_doubt`, with the job's name."
    )
    payload: YesOrNo = Field(
        default=False,
        description="Put the request's body into each message too, made anew from the row as it is in the source by then.",
    )


class Delivery(Part):
    """The pace of a job and its patience."""

    concurrency: Concurrency = Field(
        default="auto",
        description="Requests on the wire at once, of all workers of the job together: a number, or `auto`, "
        "which starts at one, finds what the API bears, and backs off when it slows down.",
    )
    max_concurrency: Annotated[Whole, Field(ge=1, le=MOST_AT_ONCE)] = Field(
        default=256, description="How far `concurrency: auto` may go."
    )
    rate: Rate | None = Field(
        default=None,
        description="Requests per time, of all workers of the job together, like `500/s` or `30/m`; no bound if left out.",
    )
    timeout: Timeout = Field(default_factory=Timeout, description="How long an attempt may take.")
    attempts: Annotated[Whole, Field(ge=1)] = Field(
        default=8,
        description="Tries of one row after unknown answers (idempotent jobs) or answers for which `retry` holds; "
        "throttled and not-sent ones never count. Used up: failed.",
    )
    backoff: Backoff = Field(
        default_factory=Backoff, description="How long a row waits before its next try: a random part of these."
    )
    give_up_after: DurationOrNever = Field(
        default=as_in_a_file("4h"),
        description="How long the run holds when API or database are out of reach or refuse everything; "
        "then it ends with exit code 3 and may go on later. Or `never`.",
    )
    stop_at: Limit = Field(
        default=as_in_a_file("5%"),
        description="Stop, with exit code 3, when so many of the last 1,000 finished rows are failed or in doubt: "
        "a share, a number, or `never`.",
    )
    notices: Notices | None = Field(
        default=None,
        description="Tell others of each row that ends failed or in doubt, by a message. Runs then need `--broker`.",
    )
    max_in_doubt: Annotated[Whole, Field(ge=3)] = Field(
        default=1000, description="Rows of one worker that a crash may leave in doubt, at the most."
    )


class Ledger(Part):
    """Where the record is kept. What is left out is filled in by the job: see Job."""

    url: SqlUrl = Field(
        default_factory=lambda: SecretStr(""),
        validate_default=False,
        description="The ledger's database, of any kind that a source may be. Left out: the source database. "
        "Write it when the source is read-only. A SQLite ledger serves one machine.",
    )
    lease: Duration = Field(
        default_factory=float,
        validate_default=False,
        description="How long a worker owns its range without a sign of life. "
        "Left out: the larger of 60 s and 2 x timeout.total + 15 s; not below 2 x timeout.total + 1 s.",
    )
