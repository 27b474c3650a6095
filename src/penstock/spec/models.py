"""The job file as values: its keys, each with its meaning, default and limits, said once: the JSON Schema and the
reference page are made of the descriptions here.

Durations are seconds (float) once parsed, rates are requests per second. Secrets are SecretStr from the first moment on.
A job may be built in Python as well; the same checks hold, and pydantic's ValidationError tells what is wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from penstock.spec.delivery_part import Backoff, Delivery, Ledger, Notices, Timeout
from penstock.spec.kinds import Function, JobName
from penstock.spec.part import OnlyInPython, Part
from penstock.spec.source_part import Flag, Source
from penstock.spec.target_part import DEFAULT_NOT_APPLIED, Probe, Target, Tls
from penstock.spec.urls import origin_of
from penstock.spec.values import Transform
from penstock.spec.verify_part import Verify
from penstock.spec.wrong import Wrong, all_wrong

__all__ = [
    "DEFAULT_NOT_APPLIED",
    "Backoff",
    "Delivery",
    "Flag",
    "Job",
    "Ledger",
    "Notices",
    "Probe",
    "Source",
    "Target",
    "Timeout",
    "Tls",
    "Transform",
    "Verify",
]


class Job(Part):
    """One source query delivered to one API endpoint."""

    name: JobName = Field(
        description="The job's name: in the ledger, in messages, and in every Idempotency-Key. "
        "1 to 64 letters a-z, A-Z, digits, and . _ -"
    )
    source: Source = Field(description="The old database: what is read.")
    target: Target = Field(description="The API: what is sent, and what its answers mean.")
    delivery: Delivery = Field(default_factory=Delivery, description="How fast, how often, how long.")
    ledger: Ledger = Field(
        default_factory=Ledger,
        description="Where the durable record is kept: one row per source row. Left out: beside the source.",
    )
    verify: Verify | None = Field(
        default=None, description="Where the rows should be in the end: what `penstock verify` compares with."
    )
    transform: Function | None = Field(
        default=None,
        description="A Python function `module:function`: row → payload, or None to skip the row; instead of `target.body`.",
    )
    # The folder where relative paths start, and a hex digest that changes with the job: of the file's text as written (no
    # secret is in it), or of the values, without secrets, if built in Python. The loader knows both; no file says them.
    folder: Annotated[str, OnlyInPython()] = "."
    file_hash: Annotated[str, OnlyInPython()] = ""
    # What `${NAME}` stood for, by name: whoever shows a request to people puts $NAME in its place.
    secrets: Annotated[Mapping[str, SecretStr], OnlyInPython()] = Field(default_factory=dict)

    @field_validator("ledger")
    @classmethod
    def _ledger_beside_the_source(cls, ledger: Ledger, info: ValidationInfo) -> Ledger:
        source, delivery = info.data.get("source"), info.data.get("delivery")
        if not isinstance(source, Source) or not isinstance(delivery, Delivery):
            return ledger  # one of them is wrong, and told already
        total = delivery.timeout.total
        if ledger.lease and ledger.lease < 2 * total + 1:
            wrong = Wrong(
                f"is below 2 x timeout.total + 1 s, {2 * total + 1:g}s", "make it longer, or timeout.total shorter"
            )
            raise all_wrong([(("lease",), wrong)])
        return Ledger(
            url=ledger.url if ledger.url.get_secret_value() else source.url,
            lease=ledger.lease or max(60.0, 2 * total + 15),
        )

    @field_validator("verify")
    @classmethod
    def _headers_for_their_own_address(cls, verify: Verify | None, info: ValidationInfo) -> Verify | None:
        target = info.data.get("target")
        if verify is None or not verify.is_of_api or verify.headers is not None or not isinstance(target, Target):
            return verify
        if target.headers and origin_of(verify.url) != origin_of(target.url):
            wrong = Wrong(
                "is missing: verify.url is another address than target.url, and the headers of that are sent nowhere else",
                "write the headers that it needs, or headers: {}",
            )
            raise all_wrong([(("headers",), wrong)])
        return verify

    @field_validator("transform")
    @classmethod
    def _one_mapping(cls, transform: str | Transform | None, info: ValidationInfo) -> str | Transform | None:
        target = info.data.get("target")
        if transform is not None and isinstance(target, Target):
            if target.body is not None:
                raise Wrong("stands beside target.body", "keep one of the two")
            if target.method == "GET":
                raise Wrong("stands beside target.method: GET, which sends no body", "use POST, or leave transform out")
        return transform

    @field_validator("file_hash")
    @classmethod
    def _hash_of_the_values(cls, file_hash: str, info: ValidationInfo) -> str:
        return file_hash or _hash_of(info.data)


def _hash_of(values: dict[str, object]) -> str:
    """Secrets count as the stars they are printed as; a function counts as its name."""

    def plain(value: object) -> object:
        if isinstance(value, BaseModel):
            return {name: getattr(value, name) for name in type(value).model_fields}
        if isinstance(value, frozenset):
            return sorted(value)
        return (
            f"{value.__module__}:{value.__qualname__}"
            if callable(value) and hasattr(value, "__qualname__")
            else str(value)
        )

    text = json.dumps(values, default=plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
