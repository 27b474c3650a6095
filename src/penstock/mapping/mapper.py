"""A row → what its request says. Compiled once for a job; pure: no I/O, the same row gives the same bytes."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from penstock.mapping.body import Body, compile_body
from penstock.mapping.compiled import Compiled, Part
from penstock.mapping.headers import split_headers, translate_headers
from penstock.mapping.request_target import path_and_query, translate_target
from penstock.mapping.scope import Scope, mapping_scope
from penstock.rows import Row
from penstock.spec.expressions import has_expression
from penstock.spec.models import Job
from penstock.spec.wire import to_json


class Mapped(NamedTuple):
    """target: path and query, percent-encoded. headers: only those that differ from row to row. body: JSON in UTF-8."""

    target: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Mapper:
    """static_headers: those that are the same for every row, Content-Type among them. row_headers: the names of the others."""

    def __init__(self, job: Job, columns: Sequence[str]) -> None:
        """Raises JobError if the mapping cannot be used with these columns, or its function cannot be loaded."""
        scope = mapping_scope(columns)
        self._has_body = job.target.method != "GET"
        static, per_row = split_headers(job.target.headers, has_body=self._has_body)
        self.static_headers = tuple(static.items())
        self.row_headers = tuple(per_row)
        target = path_and_query(job.target.url.get_secret_value())
        self._target = target.encode()  # used where no row changes it
        self._envelope = _compile_envelope(target, per_row, scope)
        self._body = compile_body(job, scope)
        self._may_skip = job.transform is not None

    def map(self, row: Row, idempotency_key: str) -> Mapped | None:
        """None: the mapping skips this row. Raises RowError naming the column, or the path in the payload, at fault."""
        values = row.values
        part: Body = self._body
        try:
            document = part.evaluate(values, idempotency_key)
            if document is None and self._may_skip:
                return None
            body = to_json(document) if self._has_body else b""
            if self._envelope is None:
                return Mapped(self._target, (), body)
            part = self._envelope
            target, headers = part.evaluate(values, idempotency_key)
        except Exception as error:
            raise part.blame(error, values, idempotency_key) from error
        return Mapped(target.encode(), headers, body)


def _compile_envelope(target: str, headers: Mapping[str, str], scope: Scope) -> Compiled | None:
    """Target and headers as one function; None where no row changes either."""
    if not headers and not has_expression(target):
        return None
    part = Part(scope)
    return part.compiled(ast.Tuple([translate_target(target, part), translate_headers(headers, part)], ast.Load()))
