"""What a URL may say, and whether two of them reach one database."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from penstock.database.connect import open_database
from penstock.database.urls import parse_url, same_database, tls_options
from penstock.errors import JobError


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("not a url", "cannot be read"),
        ("mysql://h:port/db", "cannot be read"),
        ("postgresql://u:s3cret@h", "names no database"),
        ("postgresql+psycopg://h/db", "'postgresql.psycopg' is no database"),
        ("postgres://h/db?channel_binding=require", "option 'channel_binding'"),
        ("oracle://h/db", "'oracle' is no database"),
        ("mysql+pymysql://h/db", "'mysql.pymysql' is no database"),
        ("mysql://u:s3cret@h", "names no database"),
        ("mysql://u:p@s3cret@127.0.0.1:1/db", "percent-encode the @ of the password as %40"),
        ("mysql://u:p@s3/cret@127.0.0.1:1/db", "percent-encode the @ of the password as %40"),
        ("mysql://h/db?charset=latin1", "option 'charset'"),
        ("sqlite:///x.db?mode=memory", "option 'mode'"),
    ],
)
def test_urls_that_cannot_be_served_are_refused_without_being_repeated(url: str, says: str) -> None:
    with pytest.raises(JobError, match=says) as caught:
        parse_url(SecretStr(url))
    assert "s3cret" not in str(caught.value)


def test_tls_files_are_looked_for_beside_the_job(tmp_path: Path) -> None:
    url = SecretStr("mysql://u:s3cret@h/db?ssl_ca=ca.pem&ssl_check_hostname=false")
    with pytest.raises(JobError, match=r"ssl_ca=ca.pem, and there is no file") as caught:
        open_database(url, folder=str(tmp_path))
    assert "s3cret" not in str(caught.value)
    (tmp_path / "ca.pem").touch()
    options = tls_options(parse_url(url), str(tmp_path))
    assert options == {"ssl_ca": str(tmp_path / "ca.pem"), "ssl_check_hostname": "false"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mysql://a:1@h/db", "mariadb://b:2@h:3306/db", True),
        ("mysql://localhost/db", "mysql://127.0.0.1/db", True),
        ("mysql://h/db", "mysql://h/other", False),
        ("mysql://h/db", "mysql://h:3307/db", False),
        ("sqlite:///a.db", "sqlite:///./a.db", True),
        ("sqlite:///a.db", "sqlite:///b.db", False),
        ("sqlite:///a.db", "mysql://h/a.db", False),
        ("postgres://a:1@localhost/db", "postgresql://b:2@127.0.0.1:5432/db", True),
        ("postgresql://h/db", "postgresql://h/other", False),
        ("postgresql://h:3306/db", "mysql://h/db", False),
    ],
)
def test_the_same_database_is_known_by_its_place(one: str, other: str, same: bool) -> None:
    assert same_database(SecretStr(one), SecretStr(other), ".") is same
