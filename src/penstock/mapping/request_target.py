"""The path and query of `target.url`, `target.probe.url` and `verify.url`, filled in for each row. No row can change the host,
nor the shape of the path.

A row's value is percent-encoded whole, "/" included. In the path it may not be empty, "." or "..", nor hold such a piece:
servers and proxies that decode early would take the request somewhere else.
"""

from __future__ import annotations

import ast
import re
from urllib.parse import quote

from penstock.errors import RowError
from penstock.mapping.compiled import Part
from penstock.mapping.function import joined
from penstock.spec.expressions import Parts
from penstock.spec.wire import to_text

_STRAYING = re.compile(r"^$|(?:^|%2F|%5C)\.{1,2}(?:$|%2F|%5C)")


def path_and_query(url: str) -> str:
    """ "https://host:443/v2/orders?x=1" → "/v2/orders?x=1"."""
    rest = re.sub(r"^[^/?]*//[^/?]*", "", url)
    return rest if rest.startswith("/") else "/" + rest


def translate_target(target: str, part: Part, path: str = "target.url") -> ast.expr:
    """A path and query with expressions → what makes its text, percent-encoded. path: where it stands. Raises JobError."""
    segments, query = _segments_and_query(part.parse(target, path))
    pieces: list[str | ast.expr] = []
    for number, segment in enumerate(segments):
        text = part.text(segment, path, _encoded)
        is_fixed = all(isinstance(piece, str) for piece in segment)
        pieces += ["/"] if number else []
        pieces.append(text if is_fixed else part.function.call(_checked_segment, text, ast.Constant(path)))
    return joined([*pieces, part.text(query, path, _encoded)])


def _segments_and_query(parts: Parts) -> tuple[list[Parts], Parts]:
    """The path's segments, without the "/" between them, and the rest from the "?" on."""
    segments: list[Parts] = [()]
    for number, part in enumerate(parts):
        if not isinstance(part, str):
            segments[-1] += (part,)
            continue
        path, question_mark, query = part.partition("?")
        first, *others = path.split("/")
        segments[-1] += (first,)
        segments += [(other,) for other in others]
        if question_mark:
            return segments, ("?" + query, *parts[number + 1 :])
    return segments, ()


def _encoded(value: object) -> str:
    return str(value) if type(value) is int else quote(to_text(value), safe="")


def _checked_segment(segment: str, path: str) -> str:
    if _STRAYING.search(segment):
        raise RowError(f'{path}: a row may not make a piece of the path empty, "." or ".."', column=path)
    return segment
