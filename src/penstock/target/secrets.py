"""What must never be shown, should an API send it back in whatever spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby

from pydantic import SecretStr

_SECRET_HEADER = re.compile(r"auth|cookie|token|key|secret|passw|signature|session|credential", re.IGNORECASE)
_SHORTEST_SECRET = 4
_SHORTEST_WITHIN_WORDS = 6  # shorter ones are hidden as whole words alone: `prod` is no part of `product`
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_NO_SECRETS = frozenset({"bearer", "digest", "basic", "token", "apikey", "true", "false", "none", "null", "json"})


def secrets_in(headers: Mapping[str, SecretStr], variables: Mapping[str, SecretStr]) -> tuple[str, ...]:
    """The words of the headers that tell who is asking, and what the job file's variables stood for."""
    words = {variable.get_secret_value() for variable in variables.values()}
    for name, value in headers.items():
        if _SECRET_HEADER.search(name):
            words.update(_EXPRESSION.sub(" ", value.get_secret_value()).split())
    secret = {word for word in words if len(word) >= _SHORTEST_SECRET and word.lower() not in _NO_SECRETS}
    return tuple(sorted(secret, key=len, reverse=True))  # the longer first: one may hold another


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """The text with *** for each secret: plain, percent-encoded, escaped as in JSON, or any mixture of these."""
    return _every_spelling(tuple(secrets)).sub("***", text) if secrets else text


@lru_cache(maxsize=8)  # a job has one or two sets of secrets, and every answer asks for them
def _every_spelling(secrets: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_spellings, secrets)))


def _spellings(secret: str) -> str:
    spelled = "".join([_character(character, len(list(run))) for character, run in groupby(secret)])
    if len(secret) >= _SHORTEST_WITHIN_WORDS:
        return spelled
    return rf"(?:(?<!\w)|(?<=%[0-9A-Fa-f]{{2}})){spelled}(?!\w)"


def _character(character: str, times: int) -> str:
    """Possessive and bounded, so that no answer can make the search slow."""
    percent = "".join([f"%(?:25){{0,3}}{byte:02x}" for byte in character.encode()])
    units = character.encode("utf-16-be").hex()
    escaped = "".join([rf"\\{{0,8}}+u{units[at : at + 4]}" for at in range(0, len(units), 4)])
    encoded = f"(?i:{percent}|{escaped})"
    if character == "\\":  # each level of JSON doubles it
        return rf"(?:\\{{{times},{8 * times}}}+|{encoded}{{{times}}})"
    if character.isspace() or character == "\b":  # the backslash may have been taken for the end of a run of them
        plain = r"[\s\x08]|\+|\\{0,8}+[bfnrt]"
    elif character.isalnum():
        plain = character
    else:
        plain = rf"\\{{0,8}}+{re.escape(character)}"
    return f"(?:{encoded}|{plain}){{{times}}}"  # in this order: %25 begins with a plain %
