"""A worker stands still for longer than its lease at a certain moment; others take over and finish; then it goes on.

Or it never goes on: it is killed where it stands, and what it knew is found in its journal by the next run.

It is alone until it stands still, so that what the link holds is its own. That reaches the other end while nobody looks, or when
the range has long been somebody else's. (Who stands still within a transaction keeps its locks, and nobody can take over before
the database has ended that: there is no such moment here, the chaos run meets it.)

`make proof` has all of these, `make test` some.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url
from tests.links.namespace import Namespace, NoRight
from tests.links.process import LinkProcess
from tests.links.traps import At, Does, Trap, Way
from tests.proof.checker import check
from tests.proof.conftest import POINTS
from tests.proof.processes import Nursery
from tests.proof.record import read_log, sends
from tests.proof.stage import RUN, Ran, Stage, Terms

CONCURRENCY = 4
ROWS = 2400  # so many that there is something left for the others at each moment
# As short as can be: nobody waits long for a worker that is gone.
TOTAL, LEASE = "1s", "3s"
DELIVERY = f"concurrency: {CONCURRENCY}, timeout: {{connect: 500ms, total: {TOTAL}}}, stop_at: never"


@dataclass(frozen=True)
class Moment:
    """trap: where the worker is when it is stopped. is_late: what was held goes on only when the others have ended."""

    trap: Trap
    at_database: bool = False
    is_late: bool = False


def _window(does: Does) -> Trap:
    """The first: while a later one is opened, answers to what went out before may be settled in a transaction."""
    return Trap(At.STATEMENT, does, 1, words="INTO penstock_windows")


MOMENTS = {
    "window sent, comes late": Moment(_window(Does.HOLD), at_database=True, is_late=True),
    "window written": Moment(_window(Does.HOLD_ANSWER), at_database=True),
    "request sent": Moment(Trap(At.PACKET, Does.HOLD, 30)),
    "request sent, comes late": Moment(Trap(At.PACKET, Does.HOLD, 30), is_late=True),
    "answered": Moment(Trap(At.PACKET, Does.HOLD, 30, Way.BACK)),
    "settled": Moment(Trap(At.COMMIT, Does.HOLD_ANSWER, 1, words="INTO penstock_rows"), at_database=True),
}


WITHOUT_WINDOWS = [name for name in MOMENTS if "window" not in name]
CASES = [
    (moment, idempotent, workers, networks, False)
    for idempotent in (False, True)
    for moment in (WITHOUT_WINDOWS if idempotent else MOMENTS)
    for workers in (2, 4)
    for networks in (0, 2)
] + [(moment, False, 2, 0, True) for moment in MOMENTS]
SOME = [
    ("window sent, comes late", False, 2, 0, False),
    ("window written", False, 4, 2, False),
    ("request sent, comes late", False, 2, 0, False),
    ("request sent", False, 2, 0, True),
    ("answered", False, 2, 0, False),
    ("answered", True, 2, 0, False),
    ("settled", True, 4, 2, False),
]


class Scene:
    """A job behind two links. networks: the first worker lives in the first of them, the others in the second; none: here."""

    def __init__(self, url: str, folder: Path, *, idempotent: bool, networks: Sequence[Namespace]) -> None:
        self.networks: Sequence[Namespace | None] = networks or (None, None)
        self._opened = ExitStack()
        self._links: dict[str | None, LinkProcess] = {}
        nursery = Nursery()
        self._opened.callback(nursery.close)

        def lead(port: int, speaks: str | None) -> int:
            link = self._links[speaks] = LinkProcess(port, speaks=speaks, namespaces=networks)
            self._opened.callback(link.close)
            return link.port

        terms = Terms(
            idempotent=idempotent,
            seed=1,
            rows=ROWS,
            delivery=DELIVERY,
            ledger=f"ledger: {{lease: {LEASE}}}",
            patience=30,
            to_api=lambda port: lead(port, None),
            to_database=lambda port: lead(port, make_url(url).drivername),
        )
        self.stage = self._opened.enter_context(Stage(nursery, url, folder, terms))
        self.api, self.database = self._links[None], self._links[make_url(url).drivername]

    def start(self, name: str, network: Namespace | None) -> int:
        return self.stage.nursery.start(self.stage.place, RUN, name, network=network)

    def wait(self, process: int, name: str) -> int:
        code = self.stage.nursery.wait(process)
        self.stage.keep_texts(name)
        return code

    def sends(self) -> int:
        return len(sends(read_log(self.stage.log)))

    def close(self) -> None:
        self._opened.close()


@pytest.fixture
def networks(request: pytest.FixtureRequest) -> Iterator[list[Namespace]]:
    with ExitStack() as opened:
        try:
            made = [Namespace() for _ in range(request.param)]
        except NoRight as missing:
            pytest.fail(str(missing), pytrace=False)
        for namespace in made:
            opened.callback(namespace.close)
        yield made


@pytest.mark.parametrize(
    ("moment", "idempotent", "workers", "networks", "is_killed"),
    CASES if POINTS >= 1000 else SOME,
    indirect=["networks"],
)
def test_p6_p7_p8_a_worker_that_stands_still_beyond_its_lease_doubles_nothing_and_loses_nothing(
    mariadb_url: str,
    tmp_path: Path,
    moment: str,
    idempotent: bool,
    workers: int,
    networks: list[Namespace],
    is_killed: bool,
) -> None:
    scene = Scene(mariadb_url, tmp_path, idempotent=idempotent, networks=networks)
    try:
        at = MOMENTS[moment]
        link = scene.database if at.at_database else scene.api
        link.set_trap(at.trap)
        still = scene.start("still", scene.networks[0])
        try:
            link.until_sprung(1)
            os.kill(still, signal.SIGSTOP)
            went_out = scene.sends()
            if not at.is_late:
                link.release()
            others = {f"other-{number}": scene.networks[1] for number in range(1, workers)}
            at_work = {name: scene.start(name, network) for name, network in others.items()}
            codes = {name: scene.wait(process, name) for name, process in at_work.items()}
            went_out_elsewhere = scene.sends() - went_out
            link.release()
        finally:
            os.kill(still, signal.SIGKILL if is_killed else signal.SIGCONT)
        code = scene.wait(still, "still")
        if not is_killed:
            codes["still"] = code
        began = time.monotonic()
        last = Ran(scene.wait(scene.start("last", None), "last"), time.monotonic() - began)
        evidence = scene.stage.evidence(last, may_be_in_doubt=CONCURRENCY)
    finally:
        scene.close()
    findings = check(evidence)
    assert findings == [], f"{findings[:5]}\n{scene.stage.said()}"
    assert {codes.get("still", 0), last.code} <= {0, 1}, scene.stage.said()
    if (
        3 in codes.values()
    ):  # it stood still within a transaction of another task's, and they rightly waited for its locks
        return
    assert set(codes.values()) <= {0, 1}, scene.stage.said()
    assert went_out_elsewhere > 0  # the others were there to do it
    why = [str(event["detail"]) for event in evidence.ledger.events_of("take_over")]
    assert any("its lease had run out" in detail for detail in why), why
    if not idempotent and moment == ("request sent" if is_killed else "answered"):
        assert evidence.ledger.events_of("late_answer") != []
