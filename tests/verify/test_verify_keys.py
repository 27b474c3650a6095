"""Keys of two databases that are of other types: the same ones are found, others do not stop a verify, and none is overlooked."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest
from pydantic import SecretStr

from penstock.database.connect import open_database
from penstock.errors import JobError
from penstock.spec.loader import load
from penstock.verify.findings import Finding
from penstock.verify.reconcile import Scope
from penstock.wiring import open_verification, prepare_job

JOB = """\
name: keys
source:
  url: {source}
  query: SELECT k FROM old_keys
  key: k
  timezone: UTC
target:
  url: http://127.0.0.1:9/keys
verify:
  url: {store}
  query: SELECT k FROM {of}
  key: k
"""


async def _fill(url: str, folder: Path, table: str, kind: str, values: str) -> None:
    database = open_database(SecretStr(url), folder=str(folder))
    try:
        async with database.writing() as connection:
            if database.kind == "mysql":
                await connection.exec_driver_sql("SET SESSION sql_mode = ''")
            await connection.exec_driver_sql(f"CREATE TABLE {table} (k {kind})")
            await connection.exec_driver_sql(f"INSERT INTO {table} VALUES {values}")
    finally:
        await database.aclose()


async def _verified(
    folder: Path, old: tuple[str, str, str], new: tuple[str, str, str], *, of: str = "new_keys"
) -> list[Finding]:
    """old, new: URL, the key column's type, the rows. Nothing was sent: what is the same on both sides has `arrived`."""
    source, store = old[0], new[0]
    await _fill(source, folder, "old_keys", old[1] + " PRIMARY KEY", old[2])
    await _fill(store, folder, "new_keys", new[1], new[2])
    (folder / "job.yaml").write_text(JOB.format(source=source, store=store, of=of))
    job = load(folder / "job.yaml", environment={})
    await prepare_job(job, undo=False)
    async with (
        open_verification(job, second_look_after=0.0) as verification,
        aclosing(verification.findings(Scope())) as found,
    ):
        return [finding async for finding in found]


def _kinds(found: list[Finding]) -> list[str]:
    return sorted(finding.kind.value for finding in found)


UUID = "550e8400-e29b-41d4-a716-446655440000"
DIGITS = "12345678901234567890123456789012345678"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("DECIMAL(20,0)", "(42)"), ("VARCHAR(40)", "('42')")),
        (("DECIMAL(38,0)", f"({DIGITS})"), ("DECIMAL(38,0)", f"({DIGITS})")),
        (("VARCHAR(40)", f"('{DIGITS}')"), ("VARCHAR(40)", f"('{DIGITS}')")),
        (("VARCHAR(40)", r"('a\0b')"), ("VARCHAR(40)", r"('a\0b')")),
        (("BINARY(4)", "(x'0011aabb')"), ("CHAR(8)", "('0011aabb')")),
    ],
)
async def test_the_same_key_of_another_type_is_found(
    tmp_path: Path, mariadb_url: str, old: tuple[str, str], new: tuple[str, str]
) -> None:
    assert _kinds(await _verified(tmp_path, (mariadb_url, *old), (mariadb_url, *new))) == ["arrived"]


@pytest.mark.parametrize("new", ["TIMESTAMP", "TIMESTAMPTZ"])
@pytest.mark.parametrize("old", ["TIMESTAMP", "TIMESTAMPTZ"])
async def test_a_moment_is_a_key_with_a_zone_and_without(
    tmp_path: Path, postgresql_url: str, old: str, new: str
) -> None:
    at = "('2024-01-02 03:04:05+00')"
    found = await _verified(tmp_path, (postgresql_url, old, at), (postgresql_url, new, at))
    assert _kinds(found) == ["arrived"]


@pytest.mark.parametrize("text", [DIGITS, "1e999999", "1e-999999", "9" * 60])
async def test_a_text_of_many_digits_is_no_integer_and_no_fault(tmp_path: Path, mariadb_url: str, text: str) -> None:
    old = (mariadb_url, "VARCHAR(60)", f"('{text}'), ('7')")
    assert _kinds(await _verified(tmp_path, old, (mariadb_url, "BIGINT", "(7)"))) == ["arrived", "missing"]


async def test_two_keys_that_differ_in_their_last_digit_are_two(tmp_path: Path, mariadb_url: str) -> None:
    one, other = "1234567890123456789.12345678901", "1234567890123456789.12345678902"
    kind = "DECIMAL(40,11)"
    found = await _verified(tmp_path, (mariadb_url, kind, f"({one}), ({other})"), (mariadb_url, kind, f"({one})"))
    assert _kinds(found) == ["arrived", "missing"]


async def test_a_stranger_of_bytes_is_extra(tmp_path: Path, sqlite_url: str) -> None:
    found = await _verified(tmp_path, (sqlite_url, "BLOB", "(x'abcd')"), (sqlite_url, "BLOB", "(x'abcd'), (x'ffff')"))
    assert _kinds(found) == ["arrived", "extra"]


async def test_a_stranger_whose_date_is_none_is_extra(tmp_path: Path, mariadb_url: str) -> None:
    old, new = "('2024-01-02')", "('2024-01-02'), ('0000-00-00')"
    found = await _verified(tmp_path, (mariadb_url, "DATE", old), (mariadb_url, "DATE", new))
    assert _kinds(found) == ["arrived", "extra"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("BIGINT", "(3000000000), (7)"), ("INTEGER", "(7)")),
        (("VARCHAR(40)", f"('{UUID}'), ('abc')"), ("UUID", f"('{UUID}')")),
        (("VARCHAR(40)", "('10.0.0.1'), ('abc')"), ("INET", "('10.0.0.1')")),
        (("VARCHAR(40)", "('1e999999'), ('7')"), ("NUMERIC(20)", "(7)")),
    ],
)
async def test_a_key_that_the_other_column_cannot_hold_is_not_there(
    tmp_path: Path, postgresql_url: str, old: tuple[str, str], new: tuple[str, str]
) -> None:
    found = await _verified(tmp_path, (postgresql_url, *old), (postgresql_url, *new))
    assert _kinds(found) == ["arrived", "missing"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("INTEGER", "(7)"), ("VARCHAR(40)", "('7'), ('99999999999')")),
        (("UUID", f"('{UUID}')"), ("VARCHAR(40)", f"('{UUID}'), ('abc')")),
    ],
)
async def test_a_stranger_that_the_source_cannot_hold_is_extra(
    tmp_path: Path, postgresql_url: str, old: tuple[str, str], new: tuple[str, str]
) -> None:
    found = await _verified(tmp_path, (postgresql_url, *old), (postgresql_url, *new))
    assert _kinds(found) == ["arrived", "extra"]


@pytest.mark.parametrize("charset", ["latin1", "ascii", "utf8mb3"])
async def test_a_key_that_the_charset_there_lacks_is_not_there(tmp_path: Path, mariadb_url: str, charset: str) -> None:
    narrow = f"VARCHAR(40) CHARACTER SET {charset}"
    old = (mariadb_url, "VARCHAR(40) CHARACTER SET utf8mb4", "('a'), ('中🎉')")
    assert _kinds(await _verified(tmp_path, old, (mariadb_url, narrow, "('a')"))) == ["arrived", "missing"]


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3"])
async def test_a_stranger_in_letters_that_the_source_lacks_is_extra(
    tmp_path: Path, mariadb_url: str, charset: str
) -> None:
    old = (mariadb_url, f"VARCHAR(40) CHARACTER SET {charset}", "('a')")
    new = (mariadb_url, "VARCHAR(40) CHARACTER SET utf8mb4", "('a'), ('中🎉')")
    assert _kinds(await _verified(tmp_path, old, new)) == ["arrived", "extra"]


async def test_a_cast_that_fails_in_the_query_makes_no_row_missing(tmp_path: Path, postgresql_url: str) -> None:
    broken = "(SELECT k::int::text AS k FROM broken) AS x"
    await _fill(postgresql_url, tmp_path, "broken", "VARCHAR(40)", "('7'), ('no number')")
    with pytest.raises(JobError, match="no number"):
        await _verified(
            tmp_path, (postgresql_url, "VARCHAR(40)", "('7')"), (postgresql_url, "VARCHAR(40)", "('7')"), of=broken
        )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("BINARY(16)", f"(UNHEX(REPLACE('{UUID}', '-', '')))"), ("CHAR(36)", f"('{UUID}')")),
        (("CHAR(36)", f"('{UUID}')"), ("BINARY(16)", f"(UNHEX(REPLACE('{UUID}', '-', '')))")),
        (("CHAR(36)", f"('{UUID.upper()}')"), ("CHAR(36) CHARACTER SET ascii COLLATE ascii_bin", f"('{UUID}')")),
        (("TIME", "('01:02:03')"), ("TIME", "('01:02:03')")),
    ],
)
async def test_the_same_key_in_another_form_is_found(
    tmp_path: Path, mariadb_url: str, old: tuple[str, str], new: tuple[str, str]
) -> None:
    assert _kinds(await _verified(tmp_path, (mariadb_url, *old), (mariadb_url, *new))) == ["arrived"]
