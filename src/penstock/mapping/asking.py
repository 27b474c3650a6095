"""`verify` where the new store is the API itself: what its GETs say, and what their answers mean."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from jinja2 import Undefined
from pydantic import SecretStr

from penstock.errors import RowError
from penstock.mapping.answer import AnswerView
from penstock.mapping.compiled import Part, explain
from penstock.mapping.headers import split_headers, translate_headers
from penstock.mapping.mapper import Mapped
from penstock.mapping.request_target import path_and_query, translate_target
from penstock.mapping.scope import question_scope, record_scope
from penstock.spec.answers import RecordJudge, Told
from penstock.spec.expressions import has_expression
from penstock.spec.models import Target, Verify

# It names a row's delivery: an API that keeps answers by this key could answer with that of the delivery.
_NOT_ASKED_WITH = "idempotency-key"
# What a cache remembers is no proof.
_ASKED_AFRESH = ("Cache-Control", "no-cache")
_GONE = (404, 410)


def headers_of(verify: Verify, target: Target) -> Mapping[str, SecretStr]:
    """What each GET is sent with: `verify.headers`, else the target's that are the same for every row."""
    if verify.headers is not None:
        return verify.headers
    return {
        name: value
        for name, value in target.headers.items()
        if name.lower() != _NOT_ASKED_WITH and not has_expression(value.get_secret_value())
    }


class Question:
    """static_headers: those of every GET. key_headers: the names of those that differ with the key."""

    def __init__(self, verify: Verify, target: Target) -> None:
        """Raises JobError for an expression that cannot be used."""
        headers = headers_of(verify, target)
        static, per_key = split_headers(headers, has_body=False)
        names = {name.lower() for name in headers}
        added = () if _ASKED_AFRESH[0].lower() in names else (_ASKED_AFRESH,)
        self.static_headers = (*static.items(), *added)
        self.key_headers = tuple(per_key)
        part = Part(question_scope("cursor" if verify.is_list else "key"))
        url = translate_target(path_and_query(verify.url.get_secret_value()), part, "verify.url")
        self._compiled = part.compiled(ast.Tuple([url, translate_headers(per_key, part, "verify.headers")], ast.Load()))

    def map(self, value: object) -> Mapped:
        """value: what `key` or `cursor` stands for. Raises RowError for one that has no place in a path or a header."""
        try:
            target, headers = self._compiled.evaluate(value)
        except Exception as error:
            raise self._compiled.blame(error, value) from error
        return Mapped(target.encode(), headers, b"")


def compile_record_judge(verify: Verify) -> RecordJudge:
    """What an answer means. Raises JobError for an expression that cannot be used."""
    found = _compiled(verify.found, "verify.found")
    absent = _compiled(verify.absent, "verify.absent")
    record = _compiled(verify.record or verify.records, _place_of_documents(verify))
    following = _compiled(verify.next, "verify.next")

    def judge(status: int, headers: Sequence[tuple[str, str]], body: bytes, key: object) -> Told:
        answer = AnswerView(status, headers, body)
        with suppress(RowError):  # no JSON: its text
            answer = answer.exact()
        is_found = 200 <= status <= 299 if found is None else _holds(found, answer, key)
        is_absent = status in _GONE and not verify.is_list if absent is None else _holds(absent, answer, key)
        if not is_found:
            return Told(is_found, is_absent)
        try:
            place = _place_of_documents(verify)
            value = _present(None if record is None else record(answer, key))
            place = "verify.next"
            after = None if following is None else following(answer, key)
        except Exception as error:
            return Told(is_found, is_absent, fault=f"{place}: {explain(error)}")
        return Told(is_found, is_absent, value, None if isinstance(after, Undefined) else after)

    return judge


def _place_of_documents(verify: Verify) -> str:
    return "verify.records" if verify.is_list else "verify.record"


def _compiled(text: str | None, path: str) -> Callable[..., Any] | None:
    if text is None:
        return None
    part = Part(record_scope())
    return part.compiled(part.alone(text, path)).evaluate


def _holds(rule: Callable[..., Any], answer: AnswerView, key: object) -> bool:
    try:
        return bool(rule(answer, key))
    except Exception:
        return False


def _present(value: object) -> object:
    if isinstance(value, Undefined):
        raise RowError(value._undefined_message)
    return value
