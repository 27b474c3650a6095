"""Jobs and rows for the tests of the mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

import pytest

from penstock.mapping.mapper import Mapped, Mapper
from penstock.rows import Row
from penstock.spec.models import Job, Source, Target, Transform

KEY = "0123456789abcdef0123456789abcdef"


def job_with(*, transform: str | Transform | None = None, folder: str = ".", **target: Any) -> Job:
    source = {"url": "mysql://reader:secret@127.0.0.1/shop", "query": "SELECT * FROM orders", "key": "id"}
    return Job(
        name="orders",
        source=Source.model_validate(source),
        target=Target.model_validate({"url": "https://api.example.com/v2/orders", **target}),
        transform=transform,
        folder=folder,
    )


def map_row(job: Job, row: Mapping[str, object]) -> Mapped:
    mapped = Mapper(job, tuple(row)).map(Row("1", tuple(row.values())), KEY)
    assert mapped is not None
    return mapped


class Evaluate(Protocol):
    def __call__(self, template: str, /, **row: object) -> object:
        """What stands in the JSON body of this row for this template; numbers with a point as Decimal."""
        ...


@pytest.fixture
def evaluate() -> Evaluate:
    def in_a_body(template: str, /, **row: object) -> object:
        body = map_row(job_with(body={"field": template}), row or {"id": 1}).body
        return json.loads(body, parse_float=Decimal)["field"]

    return in_a_body
