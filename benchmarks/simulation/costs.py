"""What each call of the ledger costs its database: values, and the file that keeps them, so that simulating needs no server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

KEPT = Path(__file__).with_name("costs.json")
_MANY = 500  # things: a usual batch, page, or number of workers


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call about n things, in seconds: cpu + n * cpu_each of the server's processors, and `wait` besides: round trips and
    commits, as one caller alone finds them. client_each: of the caller's processor, where that is not part of a row's."""

    cpu: float
    wait: float
    cpu_each: float = 0.0
    client_each: float = 0.0

    def cpu_of(self, things: float) -> float:
        return self.cpu + things * self.cpu_each


@dataclass(frozen=True, slots=True)
class Calls:
    """The ledger's calls on one kind of database, and those of a source beside it. The things are in brackets.

    settle [rows], flags [rows; what setting them adds to a settle], finish [what the end of a range adds to a settle],
    renew [workers alive], look for a range [ranges leased], take [what leasing an open one adds to a look], plan_ahead [spans],
    counts [as look],
    counts_keys [keys in windows; what reading everybody's adds to counts], window [keys], drop_window [what it adds to a settle],
    accepted [rows; flags of a separate ledger], source_keys [keys], source_page [rows], source_flags [rows; flags by themselves].
    """

    cursor: Cost
    plan: Cost
    plan_ahead: Cost
    look: Cost
    take: Cost
    look_up: Cost
    settle: Cost
    flags: Cost
    finish: Cost
    window: Cost
    drop_window: Cost
    renew: Cost
    counts: Cost
    counts_keys: Cost
    accepted: Cost
    source_keys: Cost
    source_page: Cost
    source_flags: Cost


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds of processor time of one row: of the worker, and of the benchmarks' API."""

    worker: float
    api: float


@dataclass(frozen=True, slots=True)
class Costs:
    """commit: seconds of an fsync. rows: by what kind of job ("idempotent", "once"). machine: a few words, date and load."""

    machine: str
    commit: float
    rows: Mapping[str, Row]
    calls: Mapping[str, Calls]


def kept(file: Path = KEPT) -> Costs:
    """Raises ValueError where the file holds something else than `keep` writes."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Costs(
            machine=found["machine"],
            commit=found["commit"],
            rows={kind: Row(**row) for kind, row in found["rows"].items()},
            calls={
                database: Calls(**{name: Cost(**cost) for name, cost in calls.items()})
                for database, calls in found["calls"].items()
            },
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{file.name} holds no costs ({error}): write it again, python -m benchmarks.simulation measure"
        ) from error


def keep(costs: Costs, file: Path = KEPT) -> None:
    rounded = json.loads(json.dumps(asdict(costs)), parse_float=lambda text: float(f"{float(text):.3g}"))
    file.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")


def least(one: Costs, other: Costs) -> Costs:
    """The lesser figures of two measurements on one machine: whatever else it does adds to them. Dated as `other`."""
    calls = {
        kind: Calls(
            **{
                field.name: _least(getattr(one.calls[kind], field.name), getattr(found, field.name))
                for field in fields(Calls)
            }
        )
        for kind, found in other.calls.items()
    }
    rows = {kind: min(one.rows[kind], row, key=lambda row: row.worker) for kind, row in other.rows.items()}
    return replace(other, calls=calls, rows=rows, commit=min(one.commit, other.commit))


def _least(one: Cost, other: Cost) -> Cost:
    """What a call costs and what each thing does were found together, and stay so."""
    return replace(min(one, other, key=lambda cost: cost.cpu_of(_MANY)), wait=min(one.wait, other.wait))
