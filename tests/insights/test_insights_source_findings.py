"""What the facts of a source mean for a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.insights.check import Finding, Grade
from penstock.insights.source_findings import of_flag, of_source, of_twins
from penstock.source.columns import Column, ColumnKind
from penstock.source.facts import FlagFacts, ServerFacts, SourceFacts
from penstock.source.origin import Table
from penstock.source.page_plan import PagePlan

INDEXED = PagePlan((), ("orders: range, index PRIMARY, about 1000 rows",))
SCANNED = PagePlan((("orders", 900_000),), ("orders: ALL, no index, about 900000 rows",))

FLAG = FlagFacts(
    Table("", "orders"),
    "is_import",
    exists=True,
    declared="tinyint(4)",
    has_unique_key=True,
    may_write=True,
    engine="InnoDB",
)
SOURCE = SourceFacts(
    server=ServerFacts("MariaDB", "10.11.6-MariaDB", (10, 11, 6), is_read_only=False),
    columns=(Column("id", ColumnKind.INTEGER),),
    key=("id",),
    key_table=Table("", "orders"),
    key_is_unique=True,
    key_may_be_null=False,
    is_inside=True,
    page=INDEXED,
    walk=INDEXED,
    estimated_rows=1_000_000,
    longest_key=20,
    zone_functions=(),
    flag=FLAG,
)


def graded(findings: list[Finding], grade: Grade) -> list[Finding]:
    return [finding for finding in findings if finding.grade is grade]


def test_a_source_without_fault_is_all_ok() -> None:
    findings = of_source(SOURCE)
    assert {finding.subject for finding in findings} == {"source", "key", "index", "flag"}
    assert {finding.grade for finding in findings} == {Grade.OK}


@pytest.mark.parametrize(
    ("facts", "subject", "told"),
    [
        (replace(SOURCE, key_is_unique=None), "key", "no index proves that id is unique"),
        (replace(SOURCE, key_may_be_null=True), "key", "may be NULL"),
        (replace(SOURCE, longest_key=None), "key", "no limit of id is known"),
        (replace(SOURCE, page=SCANNED), "index", "reading a page goes through all of orders (about 900,000 rows)"),
        (replace(SOURCE, walk=SCANNED), "index", "reading the next keys goes through all of orders"),
        (replace(SOURCE, row_security=("orders", "items")), "rights", "policies of orders, items may hide rows"),
        (replace(SOURCE, zone_functions=("NOW",)), "source", "the function NOW in the query"),
    ],
)
def test_what_is_worth_knowing_is_a_warning(facts: SourceFacts, subject: str, told: str) -> None:
    [warning] = graded(of_source(facts), Grade.WARNING)
    assert warning.subject == subject
    assert told in warning.text
    assert not graded(of_source(facts), Grade.PROBLEM)


def test_a_wrapped_query_is_a_matter_only_where_it_is_slow() -> None:
    assert not graded(of_source(replace(SOURCE, is_inside=False)), Grade.WARNING)
    assert len(graded(of_source(replace(SOURCE, is_inside=False, page=SCANNED)), Grade.WARNING)) == 2


def test_no_limit_is_no_news_in_sqlite() -> None:
    sqlite = ServerFacts("SQLite", "3.45.1", (3, 45, 1), is_read_only=False)
    assert not graded(of_source(replace(SOURCE, longest_key=None, server=sqlite)), Grade.WARNING)


def test_a_key_too_long_for_the_ledger_is_a_problem() -> None:
    [problem] = graded(of_source(replace(SOURCE, longest_key=501)), Grade.PROBLEM)
    assert problem.text == "id may need 501 characters, and the ledger holds 500"


def test_an_empty_table_has_no_plan_to_judge() -> None:
    assert "index" not in {finding.subject for finding in of_source(replace(SOURCE, page=None, walk=None))}


@pytest.mark.parametrize(
    ("flag", "subject", "told"),
    [
        (replace(FLAG, exists=False), "flag", "there is no table orders"),
        (replace(FLAG, missing_key=("id",)), "flag", "orders lacks the column id"),
        (replace(FLAG, declared=None), "flag", "orders has no column is_import"),
        (replace(FLAG, declared="varchar(3)", holds_numbers=False), "flag", "does not hold 0 and 1"),
        (replace(FLAG, may_write=False), "rights", "may not set orders.is_import"),
        (replace(FLAG, may_write=False, further=("new_id",)), "rights", "may not set orders.is_import, new_id"),
        (replace(FLAG, has_unique_key=False), "flag", "no unique index of orders"),
        (replace(FLAG, declared=None, has_unique_key=False), "flag", "no unique index of orders"),
        (replace(FLAG, generated=("is_import",)), "flag", "orders.is_import is a generated column"),
    ],
)
def test_a_flag_that_cannot_be_set_is_a_problem_with_a_way_out(flag: FlagFacts, subject: str, told: str) -> None:
    [problem] = of_flag(flag, is_read_only=False, file="orders.yaml")
    assert (problem.grade, problem.subject) == (Grade.PROBLEM, subject)
    assert told in problem.text
    assert problem.way_out


def test_a_missing_flag_says_what_to_type() -> None:
    [problem] = of_flag(replace(FLAG, declared=None), is_read_only=False, file="orders.yaml")
    assert problem.way_out == "penstock prepare orders.yaml"


def test_a_read_only_server_takes_no_flag() -> None:
    [problem] = of_flag(FLAG, is_read_only=True, file="orders.yaml")
    assert (problem.subject, problem.grade) == ("rights", Grade.PROBLEM)


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        (replace(FLAG, may_write=None), "cannot be told"),
        (replace(FLAG, engine="MyISAM", is_transactional=False), "orders is MyISAM"),
        (replace(FLAG, triggers=("audit", "sync")), "the triggers audit, sync of orders"),
        (replace(FLAG, is_nullable=True), "may be NULL"),
    ],
)
def test_what_a_flag_brings_along_is_a_warning(flag: FlagFacts, told: str) -> None:
    [warning] = graded(of_flag(flag, is_read_only=False, file="orders.yaml"), Grade.WARNING)
    assert told in warning.text


def test_columns_that_change_by_themselves_are_kept() -> None:
    findings = of_flag(replace(FLAG, pinned=("updated_at",)), is_read_only=False, file="orders.yaml")
    assert "the column updated_at would change with every UPDATE" in findings[-1].text


def test_a_scan_proves_the_key_or_names_the_twins() -> None:
    assert of_twins(()).grade is Grade.OK
    assert of_twins(("7", "9")).text == "not unique: more than one row has 7, 9"
    assert of_twins(("7",)).grade is Grade.PROBLEM
