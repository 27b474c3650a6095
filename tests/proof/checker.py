"""Ten invariants, checked on evidence alone. Nothing of penstock is asked or imported: what is legal stands here once more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from tests.proof.evidence import FINAL, Evidence, Finding, Record
from tests.proof.record import Line, sends

# A stored row that was pending, or not there, may become anything.
_EDGES = {
    "pending": {"imported", "failed", "in_doubt", "skipped"},
    "in_doubt": {"imported", "pending", "failed"},
    "failed": {"pending"},
    "skipped": {"pending"},
    "imported": set[str](),  # `verify --fix` and `reset` alone, which no run here calls
}
_BY_A_PERSON = ("retried", "resolved")


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong, in the order of the invariants. Nothing: they all hold."""
    return [Finding(name, words) for name, invariant in INVARIANTS.items() for words in invariant(evidence)]


def no_loss(evidence: Evidence) -> Iterator[str]:
    """Imported means: a whole acceptance of that row's own request, applied. What was applied is imported or in doubt."""
    arrived = _by_row(evidence)
    states = evidence.ledger.states()
    for row in evidence.ledger.rows:
        if row["state"] == "imported" and not _events_about(evidence, str(row["row_key"]), _BY_A_PERSON):
            yield from _unproven(row, arrived.get(str(row["row_key"]), []))
    if not evidence.is_over:
        return
    for key in sorted(evidence.in_scope - states.keys()):
        yield f"row {key} is in the query and not in the ledger"
    for key, lines in arrived.items():
        if any(line.applied for line in lines) and states.get(key) not in ("imported", "in_doubt"):
            yield f"row {key} was applied, and the ledger calls it {states.get(key)}"


def _unproven(row: Record, lines: Sequence[Line]) -> Iterator[str]:
    key, receipt = row["row_key"], row["receipt"]
    if not any(line.applied and line.receipt == receipt for line in lines):
        yield f"row {key} is imported with the receipt {receipt}, which none of its requests was given"
    elif not any(line.receipt == receipt and line.plan.proves_acceptance for line in lines):
        yield f"row {key} is imported, and no whole acceptance was sent"


def no_lie(evidence: Evidence) -> Iterator[str]:
    """A flag is set for imported rows alone; in the end for all of them."""
    states = evidence.ledger.states()
    for key, flag in evidence.flags.items():
        if flag and states.get(key) != "imported":
            yield f"row {key} has its flag set, and the ledger calls it {states.get(key)}"
        if evidence.is_over and not flag and states.get(key) == "imported":
            yield f"row {key} is imported and has no flag"


def conservation(evidence: Evidence) -> Iterator[str]:
    """What ranges and job count is what there is, at every moment."""
    found: defaultdict[object, Counter[str]] = defaultdict(Counter)
    for row in evidence.ledger.rows:
        found[row["range_no"]][str(row["state"])] += 1
    ranges = {range_["range_no"]: range_ for range_ in evidence.ledger.ranges if range_["kind"] != "sweep"}
    for number in found.keys() - ranges.keys():
        yield f"{found[number].total()} rows belong to range {number}, which there is not"
    totals: Counter[str] = Counter()
    for number, range_ in ranges.items():
        yield from _miscounted(range_, found[number])
        if range_["state"] == "done":
            totals.update(found[number])
    for job in evidence.ledger.jobs:
        for state in FINAL:
            if job[f"done_{state}"] != totals[state]:
                yield f"the job counts {job[f'done_{state}']} {state} in ranges that are done, and has {totals[state]}"
    for key in sorted(evidence.ledger.states().keys() - evidence.in_scope):
        yield f"row {key} is in the ledger and not in the query"


def _miscounted(range_: Record, found: Counter[str]) -> Iterator[str]:
    number, ended = range_["range_no"], sum(found[state] for state in FINAL)
    for state in FINAL:
        if range_[state] != found[state]:
            yield f"range {number} counts {range_[state]} {state}, and has {found[state]}"
    if range_["state"] == "done" and (range_["row_count"] != ended or found["pending"]):
        yield f"range {number} is done with {range_['row_count']} rows; {ended} have ended"


def legal_edges(evidence: Evidence) -> Iterator[str]:
    """No row ever moved along an edge that there is not, and the audit ends where the ledger stands."""
    last: dict[str, str] = {}
    for key, before, after, range_no in evidence.transitions:
        if last.get(key) != before:
            yield f"row {key} was {last.get(key)}, and then {before} with no transition in between"
        if after is None:
            yield f"row {key} was {before}, and was deleted"
        elif before is not None and before != after and after not in _EDGES[before]:
            yield f"row {key} went from {before} to {after} (range {range_no})"
        last[key] = after or ""
    if last != evidence.ledger.states():
        yield f"the audit ends with {last}, the ledger stands at {dict(evidence.ledger.states())}"


def at_most_once(evidence: Evidence) -> Iterator[str]:
    """Not idempotent: applied once at the most; after an answer that proves no refusal, nothing goes out by itself. In doubt is
    what was on the wire, and no more."""
    if evidence.idempotent:
        return
    doubted = sum(state == "in_doubt" for state in evidence.ledger.states().values())
    if evidence.may_be_in_doubt is not None and doubted > evidence.may_be_in_doubt:
        yield f"{doubted} rows are in doubt; {evidence.may_be_in_doubt} can have been on the wire"
    for key, lines in _by_row(evidence).items():
        if _events_about(evidence, key, _BY_A_PERSON):
            continue
        times = sum(line.applied for line in lines)
        if times > 1:
            yield f"row {key} was applied {times} times"
        for before, after in pairwise(lines):
            if not before.plan.proves_refusal:
                yield f"row {key} went out again (line {after.seq}) though its outcome was unknown (line {before.seq})"


def same_key_and_bytes(evidence: Evidence) -> Iterator[str]:
    """All requests of a row carry one key and the same bytes until a person renews the keys; an honest API applies it once."""
    if evidence.ledger.events_of("keys_renewed"):
        return
    rows_by_key: dict[str, str] = {}
    for key, lines in _by_row(evidence).items():
        whole = [line for line in lines if line.phase == "arrived"]
        keys, bodies = {line.key for line in whole}, {line.body for line in whole}
        if len(keys) > 1 or None in keys:
            yield f"row {key} went out with the keys {sorted(map(str, keys))}"
        if len(bodies) > 1:
            yield f"row {key} went out with {len(bodies)} different bodies"
        for line in whole:
            if line.key is not None and rows_by_key.setdefault(line.key, key) != key:
                yield f"rows {rows_by_key[line.key]} and {key} went out with one key"
        if evidence.honours_keys and sum(line.applied for line in whole) > 1:
            yield f"row {key} was applied more than once by an API that honours the key"


def explained(evidence: Evidence) -> Iterator[str]:
    """Every send beyond a row's first has its event."""
    ranges: defaultdict[str, set[object]] = defaultdict(set)
    for transition in evidence.transitions:
        ranges[transition.key].add(transition.range_no)
    taken_over = Counter(event["range_no"] for event in evidence.ledger.events_of("take_over"))
    for key, lines in _by_row(evidence).items():
        if key not in evidence.in_scope:
            yield f"row {key} went out, and is not in the query"
        about = len(_events_about(evidence, key, ("further_attempt", *_BY_A_PERSON)))
        reasons = about + sum(taken_over[number] for number in ranges[key])
        # Who is killed has sent what the ledger has no row of yet: the take-over that explains it is still to come.
        if evidence.is_over and len(lines) - 1 > reasons:
            yield f"row {key} went out {len(lines)} times, with {reasons} events that say why"
    if any(not line.authorized for line in evidence.log):
        yield "a request went out without the token"


def liveness(evidence: Evidence) -> Iterator[str]:
    """Once faults have stopped, one run ends all there is, soon, with nobody's help."""
    if not evidence.is_over:
        return
    if evidence.ended not in (0, 1):
        yield f"the run after the faults ended with {evidence.ended}"
    if evidence.seconds > evidence.patience:
        yield f"the run after the faults took {evidence.seconds:.1f} s"
    for key, state in evidence.ledger.states().items():
        if state == "pending" or (state == "in_doubt" and evidence.idempotent):
            yield f"row {key} is still {state}"
    for range_ in evidence.ledger.ranges:
        if range_["state"] != "done":
            yield f"range {range_['range_no']} is still {range_['state']}"
    if evidence.ledger.windows:
        yield f"{len(evidence.ledger.windows)} windows are left"


def same_source(evidence: Evidence) -> Iterator[str]:
    """The source is byte for byte what it was, but for the flag."""
    for key in sorted(evidence.before.keys() | evidence.after.keys()):
        if evidence.before.get(key) != evidence.after.get(key):
            yield f"row {key} of the source was {evidence.before.get(key)} and is {evidence.after.get(key)}"


def no_secrets(evidence: Evidence) -> Iterator[str]:
    """No secret stands in anything that penstock printed or stored."""
    for name, secret in evidence.canaries.items():
        for place, text in evidence.texts.items():
            if secret in text:
                yield f"{name} stands in {place}"


INVARIANTS: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "I1": no_loss,
    "I2": no_lie,
    "I3": conservation,
    "I4": legal_edges,
    "I5": at_most_once,
    "I6": same_key_and_bytes,
    "I7": explained,
    "I8": liveness,
    "I9": same_source,
    "I10": no_secrets,
}


def _by_row(evidence: Evidence) -> Mapping[str, list[Line]]:
    """row → its sends, in order."""
    by_row: defaultdict[str, list[Line]] = defaultdict(list)
    for line in sends(evidence.log):
        by_row[line.row or ""].append(line)
    return by_row


def _events_about(evidence: Evidence, key: str, kinds: Sequence[str]) -> Sequence[Record]:
    """Of the row, or of no row in particular: a person may have named many at once."""
    own = [event for event in evidence.ledger.events_about(key) if event["kind"] in kinds]
    return own + [event for event in evidence.ledger.events_about(None) if event["kind"] in _BY_A_PERSON]
