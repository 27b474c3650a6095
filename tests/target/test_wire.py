"""A request goes where the job file says and ends where it should, whatever a row holds."""

from __future__ import annotations

from importlib.metadata import version

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from penstock.errors import JobError, RowError
from penstock.target.wire import RequestWriter, TargetAddress, parse_target_url

ADDRESS = TargetAddress("api.example.com", 443, True, "api.example.com")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://api.example.com/v2/orders", ADDRESS),
        ("https://api.example.com", ADDRESS),
        ("HTTPS://API.Example.com:443/orders?x={{ a / b }}", ADDRESS),
        ("https://api.example.com?x=1", ADDRESS),
        ("http://localhost:8080/{{ id }}", TargetAddress("localhost", 8080, False, "localhost:8080")),
        ("http://127.0.0.1/", TargetAddress("127.0.0.1", 80, False, "127.0.0.1")),
        ("http://[::1]:8080/", TargetAddress("::1", 8080, False, "[::1]:8080")),
        ("https://[2001:DB8:0:0::1]/", TargetAddress("2001:db8::1", 443, True, "[2001:db8::1]")),
        ("https://bücher.example/", TargetAddress("xn--bcher-kva.example", 443, True, "xn--bcher-kva.example")),
        ("http://my_service:80/", TargetAddress("my_service", 80, False, "my_service")),
    ],
)
def test_addresses(url: str, address: TargetAddress) -> None:
    assert parse_target_url(SecretStr(url)) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com/orders",
        "ftp://api.example.com/",
        "file:///etc/passwd",
        "https:///orders",
        "https://user:canary@api.example.com/",
        "https://{{ host }}/orders",
        "https://api.example.com:0/",
        "https://api.example.com:65536/",
        "https://api.example.com:80a/",
        "https://[::1/",
        "https://[nonsense]/",
        "https://[fe80::1%eth0]/",
        "https://::1/",
        "https://api example.com/",
        "https://api.example.com\\@other/canary",
        "https://" + "a" * 300 + "/",
    ],
)
def test_addresses_that_are_refused_without_repeating_secrets(url: str) -> None:
    with pytest.raises(JobError, match=r"^target\.url: ") as raised:
        parse_target_url(SecretStr(url))
    assert "canary" not in str(raised.value)


def test_a_whole_request() -> None:
    writer = RequestWriter("POST", ADDRESS, [("Content-Type", "application/json")])
    request = writer.render(b"/orders/17?dry=1", [("X-Row", "17")], "0a" * 16, b'{"a":1}')
    assert request.decode() == (
        "POST /orders/17?dry=1 HTTP/1.1\r\n"
        "Host: api.example.com\r\n"
        f"User-Agent: penstock/{version('penstock')}\r\n"
        "Accept: application/json\r\n"
        "Accept-Encoding: gzip\r\n"
        "Content-Type: application/json\r\n"
        "X-Row: 17\r\n"
        f"Idempotency-Key: {'0a' * 16}\r\n"
        "Content-Length: 7\r\n"
        "\r\n"
        '{"a":1}'
    )


def test_headers_of_the_job_file_take_the_place_of_penstocks_own() -> None:
    writer = RequestWriter(
        "PUT", ADDRESS, [("accept", "text/plain"), ("USER-AGENT", "x")], row_headers=["Idempotency-key"]
    )
    request = writer.render(b"/", [("Idempotency-key", "mine")], "unused", b"")
    assert request.decode() == (
        "PUT / HTTP/1.1\r\n"
        "Host: api.example.com\r\n"
        "Accept-Encoding: gzip\r\n"
        "accept: text/plain\r\n"
        "USER-AGENT: x\r\n"
        "Idempotency-key: mine\r\n"
        "Content-Length: 0\r\n"
        "\r\n"
    )


@pytest.mark.parametrize(("method", "has_length"), [("GET", False), ("DELETE", False), ("POST", True), ("PATCH", True)])
def test_an_empty_body_has_a_length_only_where_a_body_belongs(method: str, has_length: bool) -> None:
    request = RequestWriter(method, ADDRESS).render(b"/", (), "key", b"")
    assert (b"Content-Length: 0\r\n" in request) is has_length


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\0b", "naïve — dash", "日本"])
def test_a_rows_header_value_cannot_end_its_line(value: str) -> None:
    writer = RequestWriter("POST", ADDRESS)
    with pytest.raises(RowError, match="header X-Note: the value holds a line break or a character") as raised:
        writer.render(b"/", [("X-Note", value)], "key", b"")
    assert raised.value.column == "headers.X-Note"
    assert value not in str(raised.value)


@pytest.mark.parametrize("name", ["X Note", "X:Note", "", "X\r\nNote"])
def test_a_rows_header_name_is_a_token(name: str) -> None:
    with pytest.raises(RowError, match="is no header name"):
        RequestWriter("POST", ADDRESS).render(b"/", [(name, "x")], "key", b"")


@pytest.mark.parametrize("target", [b"", b"orders", b"/a b", b"/a\r\nX: 1", b"/\xc3\xbc", b"http://other/", b"/\x00"])
def test_a_rows_url_cannot_leave_the_request_line(target: bytes) -> None:
    writer = RequestWriter("POST", ADDRESS)
    for _ in range(2):  # what was refused once is not remembered as checked
        with pytest.raises(RowError, match="path and query"):
            writer.render(target, (), "key", b"")


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "a b", ""])
def test_headers_that_the_sender_writes_itself_are_refused(name: str) -> None:
    with pytest.raises(JobError, match=r"target\.headers"):
        RequestWriter("POST", ADDRESS, [(name, "x")])
    with pytest.raises(JobError, match=r"target\.headers"):
        RequestWriter("POST", ADDRESS, row_headers=[name])


def test_a_secret_that_no_header_can_carry_is_not_repeated() -> None:
    with pytest.raises(JobError, match=r"target\.headers\.Authorization") as raised:
        RequestWriter("POST", ADDRESS, [("Authorization", "Bearer canary\n")])
    assert "canary" not in str(raised.value)


def test_a_method_is_a_token() -> None:
    with pytest.raises(JobError, match=r"target\.method"):
        RequestWriter("PO ST", ADDRESS)


class Server:
    """Reads requests as servers do."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, dict[bytes, bytes], bytes]] = []
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""
        self.headers: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        assert name not in self.headers
        self.headers[name] = value

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.requests.append((self.url, self.headers, self.body))


@given(
    st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50), st.binary(max_size=20)), min_size=1, max_size=5)
)
def test_whatever_rows_hold_a_server_reads_exactly_one_request_each(rows: list[tuple[str, bytes, bytes]]) -> None:
    writer = RequestWriter("POST", ADDRESS, row_headers=["X-Row"])
    server = Server()
    sent = []
    for value, body, path in rows:
        target = b"/" + path
        try:
            request = writer.render(target, [("X-Row", value)], "key", body)
        except RowError:
            continue
        sent.append((target, value.encode("latin-1").strip(b" \t"), body))
        server.parser.feed_data(request)
    assert [(url, headers[b"X-Row"].strip(b" \t"), body) for url, headers, body in server.requests] == sent
