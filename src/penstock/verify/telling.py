"""A finding as JSON and as a line for people, and what to do about each kind."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from penstock.errors import RowError
from penstock.rows import decode_key
from penstock.spec.wire import to_json, to_text
from penstock.verify.findings import Finding, FindingKind

_LONGEST = 2000


def finding_document(finding: Finding) -> dict[str, object]:
    """One line of `verify --json`: kind and detail always; key (of the row), store_key, state, field, expected, found and copies
    where they say something."""
    document: dict[str, object] = {"kind": finding.kind.value, "key": None}
    if finding.key is not None:
        document["key"] = _plain_key(decode_key(finding.key), finding.key.startswith("["))
    if finding.store_key is not None:
        document["store_key"] = _plain_key(finding.store_key, len(finding.store_key) > 1)
    if finding.state is not None:
        document["state"] = finding.state.value
    if finding.field is not None:
        document |= {"field": finding.field, "expected": shown(finding.expected), "found": shown(finding.found)}
    if finding.copies is not None:
        document["copies"] = finding.copies
    document["detail"] = finding.detail
    return document


def one_line(finding: Finding) -> str:
    """ "differing  1042  total: 19.99 expected, 20.00 found"."""
    key = finding.key
    if key is None:
        key = "" if finding.store_key is None else " ".join(str(shown(value)) for value in finding.store_key)
    told = finding.detail
    if finding.kind is FindingKind.DIFFERING:
        told = f"{finding.field}: {_quoted(finding.expected)} expected, {_quoted(finding.found)} found"
    elif finding.copies is not None and finding.kind is FindingKind.EXTRA and finding.copies > 1 and key:
        told = f"{finding.detail}, {finding.copies} times"
    return f"{finding.kind}  {key}  {told}" if key else f"{finding.kind}  {told}"


def advice(kind: FindingKind, state: str, file: str) -> str:
    """The line to type, or where to look. "" where there is nothing to do."""
    line = _ADVICE.get((kind, state)) or _ADVICE.get((kind, "")) or ""
    return line.replace("FILE", shlex.quote(file))


# By kind and state; without a state: whatever it is.
_ADVICE: Mapping[tuple[FindingKind, str], str] = {
    (FindingKind.MISSING, "imported"): "if the API really lost them: penstock verify FILE --fix, then run it again",
    (FindingKind.MISSING, "pending"): "not delivered yet: penstock run FILE",
    (FindingKind.MISSING, "failed"): "mend the cause, then penstock retry FILE",
    (FindingKind.MISSING, "in_doubt"): "they did not arrive: penstock resolve FILE --key K --as pending --note ...",
    (FindingKind.ARRIVED, "in_doubt"): "they did arrive: penstock resolve FILE --key K --as imported --note ...",
    (FindingKind.FLAG, "imported"): "penstock verify FILE --fix sets them",
    (FindingKind.FLAG, ""): "somebody else set them; the rows are delivered all the same",
    (FindingKind.DOUBLED, ""): "remove all but one from the new store",
    (FindingKind.EXTRA, ""): "not by this job: let verify leave them out (query, filter), or remove them",
    (FindingKind.SHARED, ""): "let verify.source_key tell the rows apart; or the API took one for the other",
    (FindingKind.CHANGED, ""): "the old system still writes: deliver the new values, or accept the old ones",
    (FindingKind.INCOMPARABLE, ""): "change the expression in verify.compare, or CAST in verify.query",
}


def shown(value: object) -> object:
    """A value as JSON has it where that is exact, else as text; cut where it is very long."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**53) < value < 2**53:
        return value
    # Half of a surrogate pair, which JSON columns may hold, has no UTF-8.
    return _text(value)[:_LONGEST].encode("utf-8", "backslashreplace").decode()


def _text(value: object) -> str:
    try:
        return to_text(value)
    except RowError:
        pass
    try:
        return to_json(value).decode()
    except RowError:
        return str(value)


def _quoted(value: object) -> str:
    plain = shown(value)
    if plain is None:
        return "NULL"
    return repr(plain) if isinstance(value, str) else str(plain)


def _plain_key(values: Sequence[object], is_composite: bool) -> object:
    return [shown(value) for value in values] if is_composite else shown(values[0])
