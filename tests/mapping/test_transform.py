"""`transform:`, the mapping as a function of the user's."""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.mapping.conftest import KEY, job_with, map_row

from penstock.errors import JobError, RowError
from penstock.mapping.mapper import Mapper
from penstock.rows import Row, Unreadable


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A job file's folder; what is imported from it is forgotten after the test."""
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_a_function_beside_the_job_file_makes_the_payload(folder: Path) -> None:
    (folder / "beside_prices.py").write_text("FACTOR = 2\n")
    (folder / "beside_orders.py").write_text(
        "from beside_prices import FACTOR\n\ndef to_payload(row):\n    return {'total': row['total'] * FACTOR}\n"
    )
    job = job_with(transform="beside_orders:to_payload", folder=str(folder))
    assert map_row(job, {"id": 1, "total": Decimal("10.10")}).body == b'{"total":20.20}'


def test_a_job_built_in_python_brings_its_function_along() -> None:
    assert map_row(job_with(transform=lambda row: [row["id"], dict(row)]), {"id": 7}).body == b'[7,{"id":7}]'


def test_none_skips_the_row() -> None:
    job = job_with(transform=lambda row: None if row["test"] else row)
    mapper = Mapper(job, ("id", "test"))
    assert mapper.map(Row("1", (1, True)), KEY) is None
    assert mapper.map(Row("2", (2, False)), KEY) is not None


def test_a_body_that_is_null_is_sent_and_not_skipped() -> None:
    assert map_row(job_with(body="{{ nothing }}"), {"nothing": None}).body == b"null"


def test_an_exception_of_the_function_fails_the_row() -> None:
    def broken(row: Mapping[str, Any]) -> object:
        return row["totl"]

    with pytest.raises(RowError, match="transform: KeyError: 'totl'"):
        map_row(job_with(transform=broken), {"total": 1})


def test_the_function_may_refuse_a_row_in_its_own_words() -> None:
    def picky(row: Mapping[str, Any]) -> object:
        raise RowError("no price", column="total")

    with pytest.raises(RowError, match='transform: column "total": no price') as error:
        map_row(job_with(transform=picky), {"total": 1})
    assert error.value.column == "total"


def test_a_payload_that_is_no_json_is_told_with_its_path() -> None:
    with pytest.raises(RowError, match=r"body\.a\[1\]: a value of type object has no JSON form"):
        map_row(job_with(transform=lambda row: {"a": [1, object()]}), {"id": 1})


class Celsius(float):
    """As numpy's float64 is one."""


class Moment(datetime):
    """As pandas' Timestamp is one."""


def test_a_payload_may_hold_kinds_of_numbers_and_collections_of_other_libraries() -> None:
    payload = {"a": Celsius(1.5), "b": MappingProxyType({"c": (1, None)}), "d": OrderedDict(e=None)}
    assert (
        map_row(job_with(transform=lambda row: payload), {"id": 1}).body
        == b'{"a":1.5,"b":{"c":[1,null]},"d":{"e":null}}'
    )


@pytest.mark.parametrize(
    "value",
    [Celsius("nan"), math.inf, [1, (None, math.nan)], OrderedDict(a=math.nan), MappingProxyType({"a": math.nan})],
)
def test_not_a_number_is_found_wherever_it_stands(value: object) -> None:
    with pytest.raises(RowError, match=r"body\.a.*: (nan|inf) is not a number"):
        map_row(job_with(transform=lambda row: {"a": value, "b": None}), {"id": 1})


def test_a_date_of_another_library_fails_the_row_and_not_the_run() -> None:
    with pytest.raises(RowError, match=r"body: a DATETIME has no JSON form"):
        map_row(job_with(transform=lambda row: Moment(2024, 1, 31, tzinfo=UTC)), {"id": 1})


def test_a_value_that_could_not_be_read_fails_the_row_only_if_the_function_touches_it() -> None:
    row = {"id": 1, "born": Unreadable("'0000-00-00' is no date")}
    assert map_row(job_with(transform=lambda row: {"id": row["id"], "n": len(row)}), row).body == b'{"id":1,"n":2}'
    for touch in (lambda row: row["born"], lambda row: row.get("born"), dict, lambda row: list(row.values())):
        with pytest.raises(RowError, match="column \"born\": '0000-00-00' is no date"):
            map_row(job_with(transform=touch), row)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("not_there:to_payload", "no module 'not_there'; put not_there.py beside the job file"),
        ("half:other", "half has no function 'other'"),
        ("half:NUMBER", "7 is no function"),
        ("half:later", "an async function cannot be used"),
        ("half:several", "a generator cannot be used"),
        ("broken:to_payload", "broken cannot be imported: ZeroDivisionError"),
        ("misspelt:to_payload", "cannot be imported: SyntaxError"),
        ("lacking:to_payload", "no module 'surely_not_installed'"),
    ],
)
def test_a_function_that_cannot_be_used_is_told_before_any_row_is_read(folder: Path, name: str, said: str) -> None:
    (folder / "half.py").write_text("NUMBER = 7\nasync def later(row): ...\ndef several(row):\n    yield row\n")
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "misspelt.py").write_text("def to_payload(row:\n")
    (folder / "lacking.py").write_text("import surely_not_installed\n")
    with pytest.raises(JobError) as error:
        Mapper(job_with(transform=name, folder=str(folder)), ("id",))
    assert said in str(error.value)


def test_two_modules_of_one_name_in_two_folders_are_not_mistaken_for_each_other(folder: Path) -> None:
    for shop in ("north", "south"):
        (folder / shop).mkdir()
        (folder / shop / "one_name.py").write_text(f"def to_payload(row):\n    return '{shop}'\n")
    assert (
        map_row(job_with(transform="one_name:to_payload", folder=str(folder / "north")), {"id": 1}).body == b'"north"'
    )
    with pytest.raises(JobError, match="one_name is already loaded from"):
        Mapper(job_with(transform="one_name:to_payload", folder=str(folder / "south")), ("id",))


def test_a_function_that_exits_fails_the_row_and_not_the_run() -> None:
    with pytest.raises(RowError, match="transform: SystemExit: 7"):
        map_row(job_with(transform=lambda row: sys.exit(7)), {"id": 1})


def test_a_module_that_exits_cannot_be_imported(folder: Path) -> None:
    (folder / "exiting.py").write_text("raise SystemExit(7)\n")
    with pytest.raises(JobError, match="exiting cannot be imported: SystemExit: 7"):
        Mapper(job_with(transform="exiting:to_payload", folder=str(folder)), ("id",))
