"""Variables: where they come from, how they are put into URLs, and that what they hold is never told."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from tests.spec.conftest import job_file

from penstock.spec.environment import Variables, fill
from penstock.spec.loader import load
from penstock.spec.problems import Problems
from penstock.spec.yaml_text import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.spec.conftest import LoadText, ProblemsOf

TOKEN = 'headers: {Authorization: "Bearer ${TOKEN}"}'


def filled(text: str, environment: dict[str, str], folder: Path) -> object:
    problems = Problems("orders.yaml")
    values = fill(read_yaml(text, problems), Variables(environment, folder), problems)
    assert not problems
    return values


def test_the_environment_wins_over_the_file_beside(load_text: LoadText, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOKEN=from-file\n")

    assert load_text(job_file(target=TOKEN)).target.headers["Authorization"].get_secret_value() == "Bearer from-file"
    job = load_text(job_file(target=TOKEN), {"TOKEN": "from-environment"})
    assert job.target.headers["Authorization"].get_secret_value() == "Bearer from-environment"


def test_the_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "from-process")
    path = tmp_path / "orders.yaml"
    path.write_text(job_file(target=TOKEN))

    assert load(path).target.headers["Authorization"].get_secret_value() == "Bearer from-process"


def test_the_file_beside_is_taken_literally(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# secrets\nexport A='x ${B} #1'\nB=2\n")

    assert filled("a: ${A}", {}, tmp_path) == {"a": "x ${B} #1"}


def test_a_file_beside_that_cannot_be_read_is_told(problems_of: ProblemsOf, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TOKEN=\xff\xfe\n")

    assert "is looked up in .env, which cannot be read" in str(problems_of(job_file(target=TOKEN)))


def test_a_line_beside_that_is_none_is_told_where_its_variable_is_missed(
    problems_of: ProblemsOf, load_text: LoadText, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".env").write_text("# secrets\nOTHER='hunter2\nTOKEN=x\n")

    assert load_text(job_file(target=TOKEN)).target.headers["Authorization"].get_secret_value() == "Bearer x"
    told = str(problems_of(job_file(target=TOKEN.replace("TOKEN", "OTHER"))))
    assert "${OTHER} is not set, and .env, line 2, is no NAME=value" in told
    assert "hunter2" not in told
    assert not caplog.records


def test_two_dollars_stand_for_one(tmp_path: Path) -> None:
    assert filled("a: $${X} and $$ and $X and ${X}", {"X": "1"}, tmp_path) == {"a": "${X} and $$ and $X and 1"}


def test_a_variable_stays_text(tmp_path: Path) -> None:
    assert filled("a: ${X}\nb: ['${X}']", {"X": "007"}, tmp_path) == {"a": "007", "b": ["007"]}


@pytest.mark.parametrize("written", ["${}", "${A-b}", "${A:-b}", "${A", "${1A}"])
def test_a_variable_needs_a_name(problems_of: ProblemsOf, written: str) -> None:
    problems = problems_of(job_file(target=f"headers: {{X-A: '{written}'}}"), {"A": "1"})

    assert "has a ${ that names no variable" in problems["target.headers.X-A"].message


def test_an_unset_variable_is_told_with_its_line_and_a_likely_name(problems_of: ProblemsOf) -> None:
    problem = problems_of(job_file(target=TOKEN), {"TOKENS": "x"})["target.headers.Authorization"]

    assert problem.where.endswith("orders.yaml:9")
    assert problem.message == "${TOKEN} is not set"
    assert "did you mean 'TOKENS'?" in problem.way_out
    assert "set TOKEN in the environment, or in a .env file beside the job file" in problem.way_out


@given(password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_variable_inside_a_url_arrives_as_it_was(tmp_path_factory: pytest.TempPathFactory, password: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = "source: {url: 'mysql://reader:${P}@h:3306/old'}\ntarget: {url: 'https://h/x?key=${P}'}"

    values = filled(text, {"P": password}, folder)

    assert isinstance(values, dict)
    assert make_url(values["source"]["url"]).password == password
    assert unquote(values["target"]["url"].partition("key=")[2]) == password


def test_a_variable_may_hold_a_whole_url_or_its_beginning(tmp_path: Path) -> None:
    text = "source: {url: '${OLD}'}\ntarget: {url: '${API}/v2/orders'}"

    assert filled(text, {"OLD": "mysql://u:p%40@h/db", "API": "https://h:8443"}, tmp_path) == {
        "source": {"url": "mysql://u:p%40@h/db"},
        "target": {"url": "https://h:8443/v2/orders"},
    }


def test_a_variable_is_no_host(problems_of: ProblemsOf) -> None:
    text = job_file().replace("api.example.com", "${HOST}")

    assert "let one hold the whole start" in str(problems_of(text, {"HOST": "h:8443"})["target.url"])


def test_a_value_that_would_be_an_expression_is_refused(problems_of: ProblemsOf) -> None:
    problem = problems_of(job_file(target=TOKEN), {"TOKEN": "x{{ row }}"})["target.headers.Authorization"]

    assert "the value of ${TOKEN} has {{, {% or {# in it" in problem.message


def test_a_value_that_is_no_text_is_refused(problems_of: ProblemsOf) -> None:
    assert "is not UTF-8 text" in str(problems_of(job_file(target=TOKEN), {"TOKEN": "\udcff"}))


@pytest.mark.parametrize(
    "text",
    [
        job_file(
            rest="delivery: {rate: '${SECRET}', timeout: {total: '${SECRET}'}, stop_at: '${SECRET}', attempts: '${SECRET}'}"
        ),
        job_file(source="zero_dates: ${SECRET}\ntimezone: ${SECRET}\nflag: {table: o, existing: '${SECRET}'}"),
        job_file(target='headers: {Authorization: "Bearer ${SECRET}\\n"}\nmethod: ${SECRET}'),
        job_file(target="body: {a: '{{ ${SECRET} + }}', b: '{{ x | ${SECRET} }}'}\naccept: '{{ ${SECRET} }}'"),
        job_file(target="tls: {ca: '${SECRET}'}", rest="transform: ${SECRET}").replace("orders\n", "'${SECRET} '\n", 1),
        job_file().replace("sqlite:///old.db", "${SECRET}"),
        job_file().replace("sqlite:///old.db", "mysql://u:${SECRET}@h:x/db"),
        job_file().replace("sqlite:///old.db", "mysql://u:${SECRET}"),
        job_file().replace("sqlite:///old.db", "mysql://u@h/db?${SECRET}=1"),
        job_file().replace("https://api.example.com/orders", "https://${SECRET}@h/"),
        job_file().replace("https://api.example.com/orders", "'https://h/{{ x | ${SECRET} }}'"),
        job_file(rest="verify: {url: 'https://h/{{ x | ${SECRET} }}', key: a, record: '{{ body }}'}"),
        job_file(
            rest="verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', headers: {A: '${SECRET}{{ x }}'}}"
        ),
        job_file(rest="verify: {url: 'https://h/', key: a, records: '{{ body }}', headers: {A: \"${SECRET}\\nx\"}}"),
        job_file(
            rest="verify: {url: 'redis://u:${SECRET}@h/x', query: SELECT 1, key: a, compare: {x: '{{ ${SECRET} + }}'}}"
        ),
    ],
)
def test_no_problem_tells_what_a_variable_holds(problems_of: ProblemsOf, text: str) -> None:
    told = "\n".join(map(str, problems_of(text, {"SECRET": "hunter2"}).values()))

    assert told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "text",
    [
        job_file().replace("sqlite:///old.db", "mysql://u:hunter2@h:x/db"),
        job_file().replace("sqlite:///old.db", "mysql://u:a@hunter2:x@h/db"),
        job_file().replace("sqlite:///old.db", "mysql://u:a/hunter2@h/db"),
        job_file().replace("sqlite:///old.db", "mysql://u:a@hunter2@h"),
        job_file().replace("sqlite:///old.db", "mysql:/u:hunter2@h/db"),
        "source: password hunter2\ntarget: [hunter2]\n",
        job_file().replace("sqlite:///old.db", "mysql://u:hunter2"),
        job_file().replace("sqlite:///old.db", "oracle://h/db?password=hunter2"),
        job_file().replace("  url: sqlite:///old.db", "  mysql://u:hunter2@h/db: x"),
        job_file().replace("orders\n", "mysql://u:hunter2@h/db\n", 1),
        job_file().replace("https://api.example.com/orders", "https://u:hunter2@h/"),
        job_file(target='headers: {Authorization: "Bearer hunter2\\n"}'),
        job_file(target='headers: {Authorization: "Bearer hunter2 {{ x"}'),
        job_file(target='headers: {Authorization: "Bearer hunter2 {{ x | lowr }}"}'),
        job_file(target="headers: 'Authorization: Bearer hunter2'"),
        job_file(target="headers: ['Authorization: Bearer hunter2']"),
        job_file(target="headers: {'Authorization: Bearer hunter2'}"),
        job_file(target="Authorization: Bearer hunter2"),
        "source: mysql://u:hunter2@h/db\ntarget: https://u:hunter2@h/\n",
        "name: x\nsource:mysql://u:hunter2@h/db\n",
    ],
)
def test_no_problem_tells_a_password_that_stands_in_the_file(problems_of: ProblemsOf, text: str) -> None:
    told = "\n".join(map(str, problems_of(text).values()))

    assert told
    assert "hunter2" not in told
