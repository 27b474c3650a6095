"""What tells who is asking is hidden, in whatever spelling an API sends it back."""

from __future__ import annotations

import json
from itertools import product
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from penstock.target.complaint import complaint, excerpt
from penstock.target.secrets import secrets_in, without_secrets

TOKEN = 'CANARY/"TOKEN\\+é😀='
ESCAPED = "".join(f"\\u{ord(character):04X}" for character in "CANARY")


def test_secrets_are_the_words_of_telling_headers_and_the_variables() -> None:
    headers = {
        "Authorization": SecretStr("Bearer s3cr3t-token"),
        "X-Api-Key": SecretStr("key-of-{{ tenant }} abcdefgh"),
        "Content-Type": SecretStr("application/json"),
        "X-Token": SecretStr("pin Basic"),
    }
    variables = {"API_TOKEN": SecretStr("s3cr3t-token"), "PASSWORD": SecretStr("pass word"), "N": SecretStr("1")}
    secrets = secrets_in(headers, variables)
    assert set(secrets) == {"s3cr3t-token", "key-of-", "abcdefgh", "pass word"}
    assert without_secrets("got s3cr3t-token, pass word", secrets) == "got ***, ***"


def test_a_secret_within_another_leaves_nothing_behind() -> None:
    secrets = secrets_in({}, {"A": SecretStr("canary"), "B": SecretStr("canary-and-more")})
    assert without_secrets("canary-and-more", secrets) == "***"


def test_a_short_secret_is_hidden_as_a_word_and_leaves_longer_words_alone() -> None:
    secrets = secrets_in({}, {"PIN": SecretStr("prod")})
    assert without_secrets("prod, key=prod; k%3Dprod but product", secrets) == "***, key=***; k%3D*** but product"


@pytest.mark.parametrize(
    "spelled",
    [
        TOKEN,
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower().replace("canary", "CANARY").replace("token", "TOKEN"),
        quote(quote(TOKEN, safe=""), safe=""),
        json.dumps(TOKEN),
        json.dumps(TOKEN, ensure_ascii=False),
        json.dumps(TOKEN).replace("/", r"\/"),
        json.dumps(json.dumps(TOKEN).replace("/", r"\/")),
        json.dumps(TOKEN).replace("CANARY", ESCAPED),
    ],
)
def test_every_spelling_is_hidden(spelled: str) -> None:
    hidden = without_secrets(f"<{spelled}>", (TOKEN,))
    assert hidden.replace('"', "").replace("\\", "") == "<***>"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=30))
def test_no_secret_survives_what_json_or_a_url_makes_of_it(secret: str) -> None:
    for spelled in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
        assert without_secrets(spelled, (secret,)) == "***"


@pytest.mark.parametrize(
    "spelled", [r"CANARYTOKEN\/abcdef=", r"CANARYTOKEN%2Fabcdef%3D", ESCAPED + r"TOKEN\u002fabcdef="]
)
def test_reason_and_excerpt_hide_what_was_escaped(spelled: str) -> None:
    secrets = ("CANARYTOKEN/abcdef=",)
    body = f'{{"code":"{spelled}","message":"no such token {spelled}"}}'.encode()
    assert complaint(body, 422, secrets) == "no such token ***"
    assert excerpt(body, secrets) == '{"code":"***","message":"no such token ***"}'


def test_a_secret_at_the_place_where_the_text_is_cut_leaves_no_half() -> None:
    secret = "CANARY" * 20
    for before, spaces in product((400, 790, 1990), (" ", "x")):
        body = json.dumps({"message": spaces * before + secret})
        assert "CANARY" not in complaint(body.encode(), 422, (secret,)) + excerpt(body.encode(), (secret,))
