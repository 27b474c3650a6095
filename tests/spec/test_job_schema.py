"""The JSON Schema that editors use: it takes what the loader takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastjsonschema  # type: ignore[import-untyped, unused-ignore]
import pytest
from ruamel.yaml import YAML
from tests.spec.conftest import job_file

from penstock.spec.schema import json_schema

ORDERS = Path(__file__).parent / "orders.yaml"


def accepts(text: str) -> bool:
    validate = fastjsonschema.compile(json_schema())
    try:
        validate(YAML(typ="safe", pure=True).load(text))
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


def test_the_file_with_every_key_is_accepted() -> None:
    assert accepts(ORDERS.read_text())


@pytest.mark.parametrize(
    "text",
    [
        job_file(),
        job_file(source="key: [warehouse, sku]").replace("  key: id\n", ""),
        job_file(source="zero_dates: null\nflag: {table: orders, key: [a, b]}"),
        job_file(target="idempotent: {for: 24h}\nnot_applied: {add: [500]}\nbody: [1, {a: null}]"),
        job_file(
            rest="delivery: {rate: '${RATE}', stop_at: 50, concurrency: 7, give_up_after: never}\nledger: {lease: 2m}"
        ),
        job_file(
            rest="transform: mymodule:to_payload\nverify: {url: 'mongodb://h', key: a, collection: b, filter: {x: 1}}"
        ),
        job_file(
            rest="verify: {url: 'https://h/{{ key }}', key: a.b, record: '{{ body }}', headers: {X: y}, concurrency: 4}"
        ),
        job_file(rest="verify: {url: 'https://h/l', key: [a, b], records: '{{ body }}', next: '{{ headers.link }}'}"),
    ],
)
def test_what_the_loader_takes_is_accepted(text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        job_file(source="query: SELECT 1"),
        job_file().replace("  table: orders\n", ""),
        job_file().replace("name: orders\n", ""),
        job_file().replace("name: orders", "name: my job"),
        job_file(target="methd: POST"),
        job_file(target="method: post"),
        job_file(target="idempotent: {fro: 24h}"),
        job_file(target="idempotent_for: 24h"),
        job_file(target="not_applied: [9999]"),
        job_file(rest="delivery: {timeout: {total: 30}}"),
        job_file(rest="delivery: {rate: 500}"),
        job_file(rest="delivery: {attempts: '8'}"),
        job_file(rest="verify: {url: 'https://h/l', key: a, records: body}"),
        job_file(rest="verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', concurrency: 0}"),
        job_file(rest="folder: elsewhere"),
    ],
)
def test_what_the_loader_refuses_is_refused(text: str) -> None:
    assert not accepts(text)


def test_every_key_is_described() -> None:
    undescribed = [path for path, key in keys_of(json_schema()) if not key.get("description")]

    assert undescribed == []


def test_defaults_are_written_as_a_file_would_write_them() -> None:
    defaults = {path: key.get("default") for path, key in keys_of(json_schema())}

    assert defaults["Timeout.total"] == "30s"
    assert defaults["Backoff.first"] == "200ms"
    assert defaults["Delivery.stop_at"] == "5%"
    assert defaults["Delivery.give_up_after"] == "4h"
    assert defaults["Probe.after"] == "10m"
    assert defaults["Target.not_applied"] == [400, 404, 406, 411, 413, 414, 422, 428, 431]
    assert defaults["Ledger.url"] is None


def test_the_schema_is_the_same_each_time() -> None:
    assert json_schema() == json_schema()
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def keys_of(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in [("Job", schema), *schema["$defs"].items()]:
        for key, described in part["properties"].items():
            yield f"{name}.{key}", described
