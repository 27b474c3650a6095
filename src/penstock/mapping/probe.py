"""A row → how to ask whether it has arrived: the path and query of `target.probe.url`, and the job's own headers."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from penstock.mapping.compiled import Part
from penstock.mapping.headers import split_headers, translate_headers
from penstock.mapping.mapper import Mapped
from penstock.mapping.request_target import path_and_query, translate_target
from penstock.mapping.scope import mapping_scope
from penstock.rows import Row
from penstock.spec.models import Probe, Target

# It names the row's delivery: an API that keeps answers by this key could answer with that of the delivery, or with none.
_NOT_ASKED_WITH = "idempotency-key"
# An old "not here" out of a cache would be believed.
_ASKED_AFRESH = ("Cache-Control", "no-cache")


class ProbeMapper:
    """static_headers: those that are the same for every row. row_headers: the names of the others."""

    def __init__(self, target: Target, probe: Probe, columns: Sequence[str]) -> None:
        """Raises JobError if the probe cannot be used with these columns."""
        headers = {name: value for name, value in target.headers.items() if name.lower() != _NOT_ASKED_WITH}
        static, per_row = split_headers(headers, has_body=False)
        names = {name.lower() for name in headers}
        added = () if _ASKED_AFRESH[0].lower() in names else (_ASKED_AFRESH,)
        self.static_headers = (*static.items(), *added)
        self.row_headers = tuple(per_row)
        part = Part(mapping_scope(columns))
        url = translate_target(path_and_query(probe.url.get_secret_value()), part, "target.probe.url")
        self._compiled = part.compiled(ast.Tuple([url, translate_headers(per_row, part)], ast.Load()))

    def map(self, row: Row, idempotency_key: str) -> Mapped:
        """Raises RowError naming the column at fault."""
        try:
            target, headers = self._compiled.evaluate(row.values, idempotency_key)
        except Exception as error:
            raise self._compiled.blame(error, row.values, idempotency_key) from error
        return Mapped(target.encode(), headers, b"")
