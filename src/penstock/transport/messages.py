"""What a message says: the number of a range of one job, signed. Never a row, and nothing that would have to be executed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

SIGNATURE = "penstock-signature"  # the header that holds it
REASON = "penstock-reason"  # the header that says why a message was put aside
MOST_BYTES = 4096
VERSION = 1

_KEYS = {"v", "job", "range"}
_MOST = 2**63 - 1  # of a range's number, in the ledger


@dataclass(frozen=True, slots=True)
class Junk:
    """A message that is none of ours. reason: for people, without what it said."""

    reason: str


class Letter(NamedTuple):
    """What is sent: to which exchange, under which routing key. mandatory: it comes back if no queue takes it. message_id: the
    same whenever the same is said again."""

    exchange: str
    routing_key: str
    body: bytes
    content_type: str | None = None
    headers: Mapping[str, str] = {}  # never written to
    mandatory: bool = True
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Messages:
    """Writes and reads those of one job. secret: what only this job's workers know."""

    job: str
    secret: bytes = field(repr=False)

    def write(self, range_no: int, *, queue: str) -> Letter:
        body = json.dumps({"v": VERSION, "job": self.job, "range": range_no}, separators=(",", ":")).encode()
        return Letter("", queue, body, "application/json", {SIGNATURE: self._signature_of(body)})

    def read(self, body: bytes, headers: Mapping[str, object] | None) -> int | Junk:
        """The number of a range of this job. For whoever does not know the secret nothing is parsed."""
        if len(body) > MOST_BYTES:
            return Junk(f"it has {len(body):,} bytes, and {MOST_BYTES:,} at the most are read")
        signature = (headers or {}).get(SIGNATURE)
        if signature is None:
            return Junk("it is not signed")
        if not self._is_signed(body, signature):
            return Junk("its signature was not made with this job's secret")
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return Junk("it is no JSON")
        if not isinstance(content, dict) or "v" not in content:
            return Junk("it has no version")
        if type(content["v"]) is not int or content["v"] != VERSION:
            return Junk(f"it is of another version than {VERSION}, which this penstock reads")
        return _range_of(content, self.job)

    def _is_signed(self, body: bytes, signature: object) -> bool:
        if not isinstance(signature, str):
            return False
        return hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), self._signature_of(body).encode())

    def _signature_of(self, body: bytes) -> str:
        return hmac.new(self.secret, body, hashlib.sha256).hexdigest()


def put_aside(body: bytes, headers: Mapping[str, object] | None, junk: Junk, *, queue: str) -> Letter:
    """The junk itself, for people: no more of it than is read, and with its signature, because another version may know it."""
    signature = (headers or {}).get(SIGNATURE)
    kept = {SIGNATURE: signature[:64]} if isinstance(signature, str) else {}
    return Letter("", queue, body[:MOST_BYTES], "application/json", {REASON: junk.reason, **kept})


def _range_of(content: Mapping[str, object], job: str) -> int | Junk:
    if content.keys() != _KEYS:
        return Junk(f"it does not have the keys {', '.join(sorted(_KEYS))} and no others")
    if content["job"] != job:
        return Junk("it is of another job")
    range_no = content["range"]
    if type(range_no) is not int or not 1 <= range_no <= _MOST:  # True is an int as well
        return Junk("its range is no number of a range")
    return range_no
