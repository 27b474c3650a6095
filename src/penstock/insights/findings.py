"""From what was seen outside to findings: what is fine, what is worth knowing, what a person must change first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.errors import PenstockError, Unreachable
from penstock.insights.check import Finding, Grade
from penstock.insights.words import duration, number, per_second, size
from penstock.spec.models import Notices, Target

# Measured on InnoDB, data and index, with receipt, status and fingerprint.
LEDGER_BYTES_PER_ROW = 240
# Where the job sets no rate, nobody knows what the API bears before it has been asked.
_RATES_TO_TELL = (100.0, 1000.0)
_FEW = 10_000


def of_error(subject: str, error: PenstockError) -> Finding:
    """The error that ended the look at this subject."""
    return Finding(subject, Grade.UNREACHABLE if isinstance(error, Unreachable) else Grade.PROBLEM, str(error))


def of_target(address: str, trouble: str | None, seconds: float, *, tls: bool, path: str = "target.url") -> Finding:
    """address: host:port, as the job file says at `path`. trouble: why no connection came about; None: it did, within so many
    seconds."""
    if trouble is not None:
        return Finding("target", Grade.UNREACHABLE, trouble, f"look at {path}" + (" and target.tls" if tls else ""))
    secured = "connected with TLS to" if tls else "connected to"
    return Finding("target", Grade.OK, f"{secured} {address} in {seconds * 1000:,.0f} ms; nothing was sent")


def of_answers(target: Target) -> list[Finding]:
    """What the job file's answer expressions leave open."""
    asked_later = [name for name in ("retry", "refuse") if getattr(target, name) is not None]
    if target.accept is not None or not asked_later:
        return []
    names = " and ".join(f"target.{name}" for name in asked_later)
    text = f"{names} come after target.accept, and without one every 2xx answer is accepted before they are asked"
    return [Finding("answers", Grade.WARNING, text, 'add one, like accept: "{{ status < 300 and body.code == 0 }}"')]


def of_notices(notices: Notices | None) -> list[Finding]:
    """Whether anybody is told of rows by messages; the broker is given with the run, so that nothing can be looked at here."""
    if notices is None:
        return []
    told = "with their payloads" if notices.payload else "without payloads"
    text = f"rows that end failed or in doubt are told to the exchange {notices.exchange!r}, {told}"
    return [Finding("notices", Grade.OK, text, "a run needs --broker amqp://..., and the exchange has to be there")]


def of_store(name: str, key: Sequence[str], scanned: str | None) -> Finding:
    """The new store that `verify` looks into. scanned: what each look-up goes through, None if an index serves it."""
    if scanned is None:
        return Finding("verify", Grade.OK, f"{name}, looked up by {', '.join(key)}")
    text = f"{name} has no index on {', '.join(key)}: every look-up goes through {scanned} from end to end"
    return Finding("verify", Grade.WARNING, text, "add one, and verify takes a fraction of the time")


def of_size(keys: int | None, rate: float | None) -> Finding:
    """How large the ledger becomes and how long the delivery takes. keys: about how many; rate: requests per second."""
    if keys is None:
        return Finding("estimate", Grade.WARNING, "how many rows there are cannot be told cheaply")
    ledger = f"about {number(keys)} rows, so a ledger of about {size(keys * LEDGER_BYTES_PER_ROW)}"
    if rate is not None:
        return Finding(
            "estimate", Grade.OK, f"{ledger}; at the job's rate of {per_second(rate)} {duration(keys / rate)}"
        )
    if keys < _FEW:
        return Finding("estimate", Grade.OK, f"{ledger}; a matter of seconds or minutes")
    times = " and ".join(f"{duration(keys / rate)} at {per_second(rate)}" for rate in _RATES_TO_TELL)
    return Finding("estimate", Grade.OK, f"{ledger}; it takes {times}")
