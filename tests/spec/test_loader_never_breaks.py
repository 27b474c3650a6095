"""Whatever a file holds: a job, or JobFileError; and never a word of a secret."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import JobFileError
from penstock.spec.loader import load
from penstock.spec.models import Job

ORDERS = (Path(__file__).parent / "orders.yaml").read_text()
CANARY = "c4n4ry"
SECRETS = {"OLD_DB_PASSWORD": f"{CANARY}@", "API_TOKEN": CANARY, "NEW_DB_PASSWORD": f"{CANARY}/"}

YAML_SCRAPS = st.text(st.sampled_from("ab01:-?[]{},#&*!|>'\"%@`~ \n\t$.\\<=_")) | st.text()


@pytest.fixture(scope="module")
def job_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job")
    for name in ("ca.pem", "me.pem", "me.key"):
        (folder / name).write_text("PEM")
    return folder / "orders.yaml"


def outcome_of(path: Path, content: bytes) -> Job | str:
    path.write_bytes(content)
    try:
        return load(path, environment=SECRETS)
    except JobFileError as error:
        return str(error)


@given(content=st.binary() | YAML_SCRAPS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_refused_in_words(job_path: Path, content: bytes) -> None:
    assert isinstance(outcome_of(job_path, content), str)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_spoiled_file_is_a_job_or_refused_and_keeps_its_secrets(job_path: Path, data: st.DataObject) -> None:
    lines = ORDERS.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        line = data.draw(st.integers(0, len(lines) - 1))
        start = data.draw(st.integers(0, len(lines[line])))
        end = data.draw(st.integers(start, len(lines[line])))
        lines[line] = lines[line][:start] + data.draw(YAML_SCRAPS) + lines[line][end:]

    outcome = outcome_of(job_path, "\n".join(lines).encode("utf-8", "surrogatepass"))

    assert isinstance(outcome, Job) or CANARY not in outcome


@settings(max_examples=60, deadline=None)
@given(
    value=YAML_SCRAPS,
    key=st.sampled_from([line for line in ORDERS.splitlines() if line.startswith("  ") and ": " in line]),
)
def test_a_strange_value_is_taken_or_refused(job_path: Path, value: str, key: str) -> None:
    written = "'" + value.replace("'", "''").replace("\n", " ") + "'"
    text = ORDERS.replace(key, key.partition(": ")[0] + ": " + written)

    with suppress(UnicodeEncodeError):
        outcome = outcome_of(job_path, text.encode())
        assert isinstance(outcome, Job | str)
