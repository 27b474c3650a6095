"""Job files that are wrong: every problem with its line, its key path, the value as written, and a way out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.spec.conftest import job_file

from penstock.errors import JobFileError
from penstock.spec.loader import LARGEST, load

if TYPE_CHECKING:
    from tests.spec.conftest import LoadText, ProblemsOf


def test_no_message_shows_a_password_or_token_that_was_written_amiss(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(
        "name: orders\n"
        "source: {url: 'mysql://u:p@CANARY@127.0.0.1:1/db', table: orders}\n"
        "target: {url: 'https://api.example.com', headers: {Authorization:Bearer CANARY}, body: {a: 1}}\n"
    )

    with pytest.raises(JobFileError) as caught:
        load(path, environment={})

    assert "CANARY" not in str(caught.value)
    assert "percent-encode the @ of the password as %40" in str(caught.value)
    assert "target.headers.Authorization: has no value; write a space behind the colon" in str(caught.value)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_text(
        "name: my job\n"
        "source:\n"
        "  url: mysql://reader@127.0.0.1/legacy\n"
        "  query: SELECT 1\n"
        "  timezone: Asia/Shangai\n"
        "target:\n"
        "  url: https://api.example.com\n"
        "  methd: POST\n"
        "  headers:\n"
        "    X-Page: 5\n"
        "delivery:\n"
        "  rate: 500\n"
        "  timeout: {total: 30}\n"
    )

    with pytest.raises(JobFileError) as caught:
        load(path, environment={})

    assert str(caught.value).splitlines() == [
        f"{path}:1: name: 'my job' is no name; use 1 to 64 letters a-z, A-Z, digits, and . _ -",
        f"{path}:2: source.key: is missing; add key: to source",
        f"{path}:5: source.timezone: 'Asia/Shangai' is no time zone; did you mean 'Asia/Shanghai'?",
        f"{path}:8: target.methd: is no key that penstock knows; did you mean 'method'?",
        f"{path}:10: target.headers.X-Page: must be text, not a number; put it in quotes",
        f"{path}:12: delivery.rate: 500 is no rate; write requests per time, like 500/s or 30/m",
        f"{path}:13: delivery.timeout.total: 30 is no duration; write a number and a unit, like 200ms, 30s, 10m, 4h, 2d",
    ]


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ("query: SELECT 1", "source.query", "stands beside source.table"),
        ("key: [id, id]", "source.key", "is there twice"),
        ("flag: {table: orders, existing: skp}", "source.flag.existing", "did you mean 'skip'"),
        ("flag: {column: x}", "source.flag.table", "is missing"),
        ("flag: {table: orders, key: [a, b]}", "source.flag", "has 2 columns as its key where source.key has 1"),
        ("flag: {table: orders, set: {x: '{{ recept }}'}}", "source.flag.set.x", "recept"),
        ("flag: {table: orders, set: {x: 5}}", "source.flag.set.x", "must be text"),
        ("flag: orders", "source.flag", "must be a mapping, not text"),
        ("flag:", "source.flag", "has no value"),
        ("timezone: +08:00", "source.timezone", "is no time zone"),
        ("timezone: ../UTC", "source.timezone", "is no time zone"),
        ("zero_dates: no", "source.zero_dates", "'no' is none of fail, null"),
    ],
)
def test_problems_of_the_source(problems_of: ProblemsOf, lines: str, path: str, said: str) -> None:
    problem = problems_of(job_file(source=lines))[path]

    assert said in str(problem)
    assert problem.where.endswith("orders.yaml:6")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("[]", "names no column"),
        ("[id, id]", "names 'id' twice"),
        ("5", "5 is no column name"),
        ("[1]", "must be text"),
        ("''", "is empty"),
    ],
)
def test_a_key_names_columns_each_once(problems_of: ProblemsOf, key: str, said: str) -> None:
    problems = problems_of(job_file().replace("key: id", f"key: {key}"))

    assert said in str(next(iter(problems.values())))


def test_either_a_query_or_a_table_is_needed(problems_of: ProblemsOf) -> None:
    problem = problems_of(job_file().replace("  table: orders\n", ""))["source.query"]

    way_out = "write the SELECT to read, or table: for a whole table"
    assert (problem.message, problem.way_out) == ("is missing or empty", way_out)


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ("method: post", "target.method", "did you mean 'POST'?"),
        ("headers: {Host: x}", "target.headers.Host", "it follows target.url"),
        ("headers: {content-length: '5'}", "target.headers.content-length", "it follows the body"),
        ("headers: {Transfer-Encoding: chunked}", "target.headers.Transfer-Encoding", "cannot be set"),
        ("headers: {CONNECTION: close}", "target.headers.CONNECTION", "connections are kept"),
        ("headers: {Authorization:Bearer x}", "target.headers.Authorization", "write a space behind the colon"),
        ("headers: {'X A': b}", "target.headers.X A", "is no name of a header"),
        ("headers: {x-a: b, X-A: c}", "target.headers.X-A", "is there twice"),
        ('headers: {X-A: "b\\r\\nX-B: c"}', "target.headers.X-A", "line break"),
        ("headers: {X-A: 路}", "target.headers.X-A", "beyond ASCII"),
        ("headers: {X-A: '{{ id'}", "target.headers.X-A", "does not end"),
        ("headers: {X-A: '{{ id | lowr }}'}", "target.headers.X-A", "lowr"),
        (f"headers: {{X-A: '{'{{' * 20_000}'}}", "target.headers.X-A", "is longer than 20,000 characters"),
        (f"body: {{a: '{'{{' * 20_000}'}}", "target.body.a", "it is longer than 20,000 characters"),
        ("headers: [a, b]", "target.headers", "must be a mapping, not a list"),
        ("body: {a: {b: [1, '{{ x +'] } }", "target.body.a.b[1]", "'{{ x +' cannot be read"),
        ("body: {'{{ a }}': 1}", "target.body.{{ a }}", "is no name of a field"),
        ("""body: {a: "{{ ref('x') }}"}""", "target.body.a", "uses ref(), which is not there yet"),
        ("accept: status == 200", "target.accept", "exactly one expression"),
        ("accept: '{{ order_no }}'", "target.accept", "order_no"),
        ("receipt: '{{ body.id }} {{ status }}'", "target.receipt", "exactly one expression"),
        ("not_applied: [99]", "target.not_applied[0]", "99 is out of bounds; it must be at least 100"),
        ("not_applied: ['400']", "target.not_applied[0]", "must be a whole number"),
        ("not_applied: [204]", "target.not_applied", "lists 204, which means accepted"),
        ("not_applied: {ad: [500]}", "target.not_applied", "{add: [500]}"),
        ("not_applied: 400", "target.not_applied", "must be a list"),
        ("idempotent: 'yes'", "target.idempotent", "must be true or false"),
        ("idempotent: {for: 24}", "target.idempotent.for", "24 is no duration"),
        ("idempotent: {fro: 24h}", "target.idempotent", "write true, false or {for: 24h}"),
        ("idempotent: {for: 0s}", "target.idempotent.for", "it must be above 0"),
        ("idempotent_for: 24h", "target.idempotent_for", "did you mean 'idempotent'?"),
        (f"tls: {{ca: {'a' * 5000}}}", "target.tls.ca", "cannot be read: File name too long"),
        ('tls: {ca: "a\\0b"}', "target.tls.ca", "is no file"),
        ("tls: {ca: nowhere.pem}", "target.tls.ca", "'nowhere.pem' is no file"),
        ("tls: {cert: orders.yaml}", "target.tls.cert", "stands without tls.key"),
        ("probe: {url: https://h/x, found: '{{ status == 200 }}'}", "target.probe.absent", "is missing"),
        ("probe: {url: ftp://h/x}", "target.probe.url", "is no web address"),
    ],
)
def test_problems_of_the_target(problems_of: ProblemsOf, lines: str, path: str, said: str) -> None:
    problem = problems_of(job_file(target=lines))[path]

    assert said in str(problem)
    assert problem.where.endswith("orders.yaml:9")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://api.example.com/orders", "is no web address"),
        ("api.example.com/orders", "is no web address"),
        ("https://{{ host }}/orders", "has an expression before its path"),
        ("https://user:hunter2@api.example.com/", "holds credentials"),
        ("https://api.example.com/#top", "has a fragment"),
        ("https://api.example.com:0/", "has no valid host or port"),
        ("https://api.example.com:http/", "has no valid host or port"),
        ("https:///orders", "has no valid host or port"),
        ("https://api.example.com:70000/", "has no valid host or port"),
        ("https://api.example.com\\\\@elsewhere/", "holds credentials"),
        ("https://api example.com/", "has no valid host or port"),
        ("https://例.com/", "has no valid host or port"),
        ("https://api.example.com/my orders", "has a space"),
        ("https://api.example.com/路", "beyond ASCII"),
        ("https://api.example.com/{{ id", "does not end"),
    ],
)
def test_a_target_is_one_http_address(problems_of: ProblemsOf, url: str, said: str) -> None:
    problem = problems_of(job_file().replace("https://api.example.com/orders", f"'{url}'"))["target.url"]

    assert said in str(problem)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oracle://h/db", "is no URL of a database that penstock knows"),
        ("old.db", "is no URL of a database that penstock knows"),
        ("mysql://u@h", "names no database"),
        ("mysql://u@h:port/db", "has no valid host or port"),
        ("mysql://u:hunter/2@h/db", "has a / ? or # in its user or password"),
        ("mysql://u@h:0/db", "has no valid host or port"),
        ("mysql:///db", "has no valid host or port"),
        ("mysql://u:hunter2@h%3A3306/db", "has a variable or a % in its host or port"),
        ("sqlite://", "names no file"),
    ],
)
def test_a_source_is_a_database(problems_of: ProblemsOf, url: str, said: str) -> None:
    problem = problems_of(job_file().replace("sqlite:///old.db", url))["source.url"]

    assert said in str(problem)
    assert "hunter" not in str(problem)


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ("concurrency: 0", "delivery.concurrency", "0 is no concurrency"),
        ("concurrency: many", "delivery.concurrency", "write auto, or a number from 1 to 10000"),
        ("max_concurrency: 10001", "delivery.max_concurrency", "at most 10000"),
        ("rate: 0/s", "delivery.rate", "'0/s' is no rate"),
        ("timeout: {connect: 40s}", "delivery.timeout.connect", "is longer than timeout.total"),
        ("timeout: {total: 400d}", "delivery.timeout.total", "'400d' is out of bounds"),
        ("attempts: 0", "delivery.attempts", "at least 1"),
        ("attempts: '8'", "delivery.attempts", "'8' must be a whole number, not text"),
        ("attempts: true", "delivery.attempts", "must be a whole number, not true or false"),
        ("backoff: {first: 1m}", "delivery.backoff.first", "is longer than backoff.max"),
        ("give_up_after: 4", "delivery.give_up_after", "4 is no duration"),
        ("stop_at: 101%", "delivery.stop_at", "'101%' is no limit"),
        ("stop_at: 0", "delivery.stop_at", "0 is no limit"),
        ("max_in_doubt: 2", "delivery.max_in_doubt", "at least 3"),
        ("notices: {exchange: ' '}", "delivery.notices.exchange", "' ' is empty; name an exchange that is there"),
        (f"notices: {{exchange: {128 * 'ä'}}}", "delivery.notices.exchange", "a broker takes at most 255 bytes"),
        ("notices: {payload: true}", "delivery.notices.exchange", "is missing"),
        ("notices: {exchange: e, payload: 'yes'}", "delivery.notices.payload", "must be true or false"),
        ("window: 5", "delivery.window", "is reserved for a later version"),
    ],
)
def test_problems_of_the_delivery(problems_of: ProblemsOf, lines: str, path: str, said: str) -> None:
    problem = problems_of(job_file(rest=f"delivery:\n  {lines}"))[path]

    assert said in str(problem)


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ("ledger: {lease: 60s}", "ledger.lease", "'60s' is below 2 x timeout.total + 1 s, 61s"),
        ("ledger: {url: ''}", "ledger.url", "is no URL of a database"),
        ("verify: {url: 'mongodb:///', key: a, collection: b}", "verify.url", "names no host"),
        ("verify: {url: 'mongodb://h/x', key: a}", "verify.collection", "is missing"),
        ("verify: {url: 'mongodb://h/x', key: a, collection: b, query: SELECT 1}", "verify.query", "does not go with"),
        ("verify: {url: 'postgresql://h/x', key: a}", "verify.query", "is missing"),
        ("verify: {url: 'postgresql://h/x', query: SELECT 1}", "verify.key", "is missing"),
        ("verify: {url: 'redis://h/x', query: SELECT 1, key: a}", "verify.url", "mongodb://"),
        ("verify: {url: 'redis://h/x', query: SELECT 1, key: a}", "verify.url", "https:// where the API itself"),
        (
            "verify: {url: 'postgresql://h/x', query: SELECT 1, key: a, next: '{{ body.n }}'}",
            "verify.next",
            "does not go with",
        ),
        (
            "verify: {url: 'mongodb://h/x', collection: b, key: a, headers: {A: b}}",
            "verify.headers",
            "does not go with",
        ),
        ("verify: {url: 'https://h/{{ key }}', key: a}", "verify.record", "is missing"),
        (
            "verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', query: SELECT 1}",
            "verify.query",
            "use record:",
        ),
        (
            "verify: {url: 'https://h/orders', key: a, record: '{{ body }}'}",
            "verify.url",
            "asks the same for every row",
        ),
        (
            "verify: {url: 'https://h/{{ id }}', key: a, record: '{{ body }}'}",
            "verify.url",
            "no name 'id'; there are: key",
        ),
        ("verify: {url: 'https://h/{{ cursor }}', key: a, record: '{{ body }}'}", "verify.url", "no name 'cursor'"),
        ("verify: {url: 'https://h/?c={{ key }}', key: a, records: '{{ body }}'}", "verify.url", "no name 'key'"),
        ("verify: {url: 'https://h/?c={{ cursor }}', key: a, records: '{{ body }}'}", "verify.next", "is missing"),
        (
            "verify: {url: 'https://h/', key: a, records: '{{ body }}', record: '{{ body }}'}",
            "verify.record",
            "keep one",
        ),
        (
            "verify: {url: 'https://h/', key: a, records: '{{ body }}', absent: '{{ true }}'}",
            "verify.absent",
            "a list of all",
        ),
        (
            "verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', next: '{{ body }}'}",
            "verify.next",
            "each row",
        ),
        ("verify: {url: 'https://h/{{ key }}', key: a, record: body.data}", "verify.record", "exactly one expression"),
        ("verify: {url: 'https://h/{{ key }}', key: a, record: '{{ row.id }}'}", "verify.record", "no name 'row'"),
        ("verify: {url: 'https://h/', key: a, records: '{{ key }}'}", "verify.records", "no name 'key'"),
        (
            "verify: {url: 'https://h/', key: a, records: '{{ body }}', found: '{{ key }}'}",
            "verify.found",
            "no name 'key'",
        ),
        (
            "verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', concurrency: 0}",
            "verify.concurrency",
            "at least 1",
        ),
        ("verify: {url: 'https://u:p@h/{{ key }}', key: a, record: '{{ body }}'}", "verify.url", "holds credentials"),
        (
            "verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', headers: {A: '{{ id }}'}}",
            "verify.headers.A",
            "no name 'id'",
        ),
        (
            "verify: {url: 'https://h/', key: a, records: '{{ body }}', headers: {A: '{{ cursor }}'}}",
            "verify.headers.A",
            "no name 'cursor'",
        ),
        (
            "verify: {url: 'https://h/{{ key }}', key: a, record: '{{ body }}', headers: {A: b, a: c}}",
            "verify.headers.a",
            "is there twice",
        ),
        ("transform: mymodule", "transform", "write module:function"),
        ("transform: 5", "transform", "5 names no function"),
        ("children: []", "children", "is reserved for a later version"),
        ("vars: {a: 1}", "vars", "is reserved for a later version"),
        ("on_end: x", "on_end", "is reserved for a later version"),
        ("folder: elsewhere", "folder", "is no key that penstock knows"),
        ("file_hash: abc", "file_hash", "is no key that penstock knows"),
        ("secrets: {A: b}", "secrets", "is no key that penstock knows"),
        ("surce: {}", "surce", "did you mean 'source'?"),
    ],
)
def test_problems_of_the_rest(problems_of: ProblemsOf, lines: str, path: str, said: str) -> None:
    problem = problems_of(job_file(rest=lines))[path]

    assert said in str(problem)


@pytest.mark.parametrize(
    "url",
    [
        "https://read.example.com/{{ key }}",
        "https://api.example.com:8443/{{ key }}",
        "http://api.example.com/{{ key }}",
    ],
)
def test_the_targets_headers_are_sent_to_no_other_address(problems_of: ProblemsOf, url: str) -> None:
    problems = problems_of(_asking(url))

    assert list(problems) == ["verify.headers"]
    assert "verify.url is another address than target.url" in str(problems["verify.headers"])
    assert "hunter2" not in str(problems["verify.headers"])


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://api.example.com/v3/{{ key }}", ""),
        ("https://API.example.com:443/v3/{{ key }}", ""),
        ("https://read.example.com/{{ key }}", ", headers: {}"),
        ("https://read.example.com/{{ key }}", ", headers: {A: b}"),
    ],
)
def test_the_same_address_or_headers_of_its_own_will_do(load_text: LoadText, url: str, headers: str) -> None:
    verify = load_text(_asking(url, headers)).verify

    assert verify is not None
    assert verify.is_of_api


def _asking(url: str, headers: str = "") -> str:
    rest = f"verify: {{url: '{url}', key: a, record: '{{{{ body }}}}'{headers}}}"
    return job_file(target="headers: {Authorization: 'Bearer hunter2'}", rest=rest)


@pytest.mark.parametrize("key", ["auth", "batch", "proxy"])
def test_what_is_reserved_is_refused_at_the_target_too(problems_of: ProblemsOf, key: str) -> None:
    assert "not there yet" in str(problems_of(job_file(target=f"{key}: x"))[f"target.{key}"])


@pytest.mark.parametrize("key", ["read_url", "pause_when"])
def test_what_is_reserved_is_refused_at_the_source_too(problems_of: ProblemsOf, key: str) -> None:
    assert "not there yet" in str(problems_of(job_file(source=f"{key}: x"))[f"source.{key}"])


def test_one_mapping_is_enough(problems_of: ProblemsOf) -> None:
    problems = problems_of(job_file(target="body: {a: 1}", rest="transform: mymodule:to_payload"))

    assert "stands beside target.body" in str(problems["transform"])


def test_a_get_request_has_no_body(problems_of: ProblemsOf) -> None:
    problems = problems_of(job_file(target="method: GET\nbody: {a: 1}"))
    assert "stands beside method: GET" in str(problems["target.body"])

    problems = problems_of(job_file(target="method: GET", rest="transform: mymodule:to_payload"))
    assert "stands beside target.method: GET" in str(problems["transform"])


def test_certificates_do_not_go_with_plain_http(problems_of: ProblemsOf) -> None:
    text = job_file(target="tls: {ca: orders.yaml}").replace("https://", "http://")

    assert "stands beside an http:// address" in str(problems_of(text)["target.tls"])


def test_what_is_sent_encrypted_is_not_asked_about_in_the_clear(problems_of: ProblemsOf) -> None:
    probe = 'probe: {url: "http://127.0.0.1/orders", found: "{{ status == 200 }}", absent: "{{ status == 404 }}"}'

    assert "http:// where target.url is https://" in str(problems_of(job_file(target=probe))["target.probe"])


def test_a_missing_part_is_told_once(problems_of: ProblemsOf) -> None:
    problems = problems_of("name: orders\n")

    assert [str(problem).partition("orders.yaml")[2] for problem in problems.values()] == [
        ":1: source: is missing; add source: to the file",
        ":1: target: is missing; add target: to the file",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JobFileError, match=r"nowhere\.yaml: there is no such file"):
        load(tmp_path / "nowhere.yaml")


def test_a_folder_is_no_job_file(tmp_path: Path) -> None:
    with pytest.raises(JobFileError, match="is a folder"):
        load(tmp_path)


def test_a_path_that_is_none_is_told() -> None:
    with pytest.raises(JobFileError, match="cannot be read"):
        load("orders\0.yaml")


def test_text_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_bytes(b"name: orders\nsource:\n  table: gr\xfc\xdfe\n")

    with pytest.raises(JobFileError, match=r"orders\.yaml:3: is not UTF-8 text; save it as UTF-8"):
        load(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.yaml"
    path.write_bytes(b"#" * (LARGEST + 1))

    with pytest.raises(JobFileError, match="is larger than 1,000,000 bytes"):
        load(path)
