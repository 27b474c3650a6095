"""A row's request as people may see it."""

import json
import shlex
import subprocess

import pytest

from penstock.insights.requests import RenderedRequest, curl, safe_request, show

TOKEN = "t0k$en 'with\"quotes"
SECRETS = {"API_TOKEN": TOKEN, "REGION": "eu"}


def request(
    *,
    target: str = "/orders/7",
    headers: tuple[tuple[str, str], ...] = (("Host", "api.example.com"), ("Authorization", f"Bearer {TOKEN}")),
    body: bytes = b'{"id":7}',
    per_row: frozenset[str] = frozenset(),
) -> RenderedRequest:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    wire = f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body
    return safe_request(wire, origin="https://api.example.com", secrets=SECRETS, per_row=per_row)


def everything(request: RenderedRequest) -> str:
    return "\n".join(
        [show(request.url), *(show(value) for _, value in request.headers), show(request.body), curl(request)]
    )


def test_a_secret_from_the_environment_stands_as_its_variable() -> None:
    assert dict(request().headers)["Authorization"] == ("Bearer ", request().headers[1][1][1])
    assert show(dict(request().headers)["Authorization"]) == "Bearer $API_TOKEN"


def test_a_header_spelled_out_in_the_job_file_is_hidden_whole() -> None:
    assert show(dict(request(headers=(("X-Api-Key", "literal"),)).headers)["X-Api-Key"]) == "****"


def test_a_header_made_from_the_row_is_shown() -> None:
    made = request(headers=(("X-Order", "A-17"),), per_row=frozenset({"x-order"}))
    assert show(dict(made.headers)["X-Order"]) == "A-17"


def test_headers_that_cannot_hold_a_secret_are_shown() -> None:
    made = request(headers=(("Content-Type", "application/json"), ("Idempotency-Key", "5f0c")))
    assert [show(value) for _, value in made.headers] == ["application/json", "5f0c"]


@pytest.mark.parametrize(
    "made",
    [
        request(),
        request(target="/?key=t0k%24en%20%27with%22quotes"),
        request(body=json.dumps({"token": TOKEN}).encode()),
        request(headers=(("Cookie", f"a={TOKEN}; b={TOKEN}"),)),
    ],
    ids=["header", "percent-encoded", "json", "twice"],
)
def test_no_spelling_of_a_secret_is_shown(made: RenderedRequest) -> None:
    text = everything(made)
    assert "t0k" not in text
    assert "quotes" not in text


def test_a_secret_that_begins_like_another_is_hidden_whole() -> None:
    secrets = {"SHORT": "abcd", "LONG": "abcd-efgh"}
    made = safe_request(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nabcd-efgh", origin="http://x", secrets=secrets)
    assert show(made.body) == "$LONG"


def test_short_values_are_no_secrets_and_leave_the_rest_readable() -> None:
    assert show(request(body=b'{"region":"eu","queue":1}').body) == '{"region":"eu","queue":1}'


def test_the_curl_command_is_what_the_shell_makes_the_request_of() -> None:
    body = b'{"name":"it\'s $5 `now` \\\\ !","at":"@file"}'
    script = "curl() { for word; do printf '%s\\0' \"$word\"; done; }\n" + curl(request(body=body))
    words = subprocess.run(
        ["sh", "-c", script], env={"API_TOKEN": TOKEN}, capture_output=True, check=True, text=True
    ).stdout.split("\0")[:-1]
    assert words == [
        "--include",
        "--request",
        "POST",
        "https://api.example.com/orders/7",
        "--header",
        f"Authorization: Bearer {TOKEN}",
        "--data-raw",
        body.decode(),
    ]


def test_a_variable_beside_difficult_characters_still_is_one_shell_word() -> None:
    made = request(headers=(("X-Signed", f'"$5!"{TOKEN}'),))
    [word] = shlex.split(curl(made).splitlines()[1].removesuffix("\\"))[1:]
    assert word == 'X-Signed: "$5!"$API_TOKEN'


def test_a_body_with_an_empty_line_is_still_one_body() -> None:
    assert show(request(body=b"a\r\n\r\nb").body) == "a\r\n\r\nb"


def test_a_body_that_is_left_out_is_not_sent_by_curl() -> None:
    assert "--data" not in curl(request(body=b""))
