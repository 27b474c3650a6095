"""H12 to H15 by chance: answers that come late, twice, after a close, on a connection that is used again. None is credited to
another row.

PENSTOCK_PROOF_RACES: how many tries on each event loop (`make proof`: thousands). PENSTOCK_PROOF_SEED: which ones.

An answer that nobody asked for and that comes when a request is on its way can be told from that one's by nobody, unless answers
name their row. So these are judged by an `accept` that asks for the name, as docs/reference/answers.md says; how many it was
that only the name told apart is printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from tests.child import PATIENCE, Child
from tests.mapping.conftest import job_with
from tests.target.races import REQUESTS, Kind, Race, draw

from penstock.mapping.rules import compile_rules
from penstock.rows import Row
from penstock.spec.models import DEFAULT_NOT_APPLIED
from penstock.target.base import Answer, NoAnswer, Outcome
from penstock.target.classify import Rules, classify
from penstock.target.http import HttpSender
from penstock.target.verdicts import Accepted
from penstock.target.wire import TargetAddress

TRIES = int(os.environ.get("PENSTOCK_PROOF_RACES", "150"))
SEED = int(os.environ.get("PENSTOCK_PROOF_SEED", "1"))
NOW = datetime(2025, 11, 24, 12, 0, 0, tzinfo=UTC)
ASKS_FOR_THE_NAME = Rules(
    compile_rules(job_with(accept="{{ status == 201 and body.id == row.id }}"), ("id",)),
    DEFAULT_NOT_APPLIED,
    has_accept=True,
)


class RaceServer:
    def __init__(self) -> None:
        self._child = Child("tests.target.race_server", "--seed", str(SEED))
        ports = self._child.hear()
        self.address = TargetAddress("127.0.0.1", int(ports["port"]), False, "api.test")
        self._control = socket.create_connection(("127.0.0.1", int(ports["control"])), PATIENCE)
        self._lines = self._control.makefile("rb")

    def expect(self, number: int) -> None:
        """Whoever connects next does so for this try."""
        self._control.sendall(json.dumps({"next": number}).encode() + b"\n")
        self.until_it_has_happened()

    def until_it_has_happened(self) -> None:
        """This blocks the event loop: nothing is seen there meanwhile."""
        assert self._lines.readline() == b"{}\n"

    def received(self) -> list[str]:
        """Every row that came."""
        self._control.sendall(b'{"received": true}\n')
        rows = json.loads(self._lines.readline())
        assert isinstance(rows, list)
        return rows

    def close(self) -> None:
        self._lines.close()
        self._control.close()
        self._child.close()


@pytest.fixture
def server() -> Iterator[RaceServer]:
    server = RaceServer()
    yield server
    server.close()


async def play(server: RaceServer, number: int, race: Race) -> dict[str, Outcome]:
    """Row → what came of it; without those that nobody waited for."""
    server.expect(number)
    short = race.kind is Kind.LATE_ANSWER
    sender = HttpSender(server.address, tls=None, connect_timeout=5, total_timeout=0.0015 if short else 5)
    try:
        outcomes = {}
        used_before, first, *others = [f"{number}-{which}" for which in range(REQUESTS + 1)]
        if race.kind is not Kind.UNASKED:
            outcomes[used_before] = await sender.send(request(used_before))
        sending = asyncio.ensure_future(sender.send(request(first)))
        if race.kind is Kind.CANCELLED:
            await asyncio.wait([sending], timeout=race.pause)
            sending.cancel()
        with suppress(asyncio.CancelledError):
            outcomes[first] = await sending
        if race.kind.has_order:
            server.until_it_has_happened()
            for _ in range(3 * race.looks):
                await asyncio.sleep(0)
        elif race.kind is not Kind.CANCELLED:
            await asyncio.sleep(race.pause)
        if race.at_once:
            came = await asyncio.gather(*(sender.send(request(row)) for row in others))
        else:
            came = [await sender.send(request(row)) for row in others]
        return outcomes | dict(zip(others, came, strict=True))
    finally:
        await sender.aclose()


def request(row: str) -> bytes:
    return b"POST /rows/%b HTTP/1.1\r\nHost: api.test\r\nContent-Length: 2\r\n\r\n{}" % row.encode()


def is_of(row: str, answer: Answer) -> bool:
    return bool(json.loads(answer.body or b"{}").get("id") == row)


async def test_h12_h13_h14_h15_no_answer_is_credited_to_another_row_however_it_comes(server: RaceServer) -> None:
    tried: Counter[Kind] = Counter()
    told_by_name: Counter[Kind] = Counter()
    wrong: list[str] = []
    unsent: set[str] = set()
    answered: set[str] = set()
    for number in range(TRIES):
        race = draw(SEED, number)
        tried[race.kind] += 1
        for row, outcome in (await play(server, number, race)).items():
            if isinstance(outcome, NoAnswer):
                if not outcome.sent:
                    unsent.add(row)
                continue
            if is_of(row, outcome):
                answered.add(row)
            elif race.kind.can_be_told:
                wrong.append(f"{race.kind}: row {row} was credited {outcome!r} ({race})")
            else:
                told_by_name[race.kind] += 1
                if isinstance(classify(outcome, Row(row, (row,)), ASKS_FOR_THE_NAME, lambda: NOW), Accepted):
                    wrong.append(f"{race.kind}: row {row} was accepted by {outcome!r}")
    received = Counter(server.received())
    assert wrong == [], f"{len(wrong)} of {TRIES} tries, seed {SEED}: {wrong[:5]}"
    assert [row for row, times in received.items() if times > 1] == []
    assert unsent & received.keys() == set()
    assert answered <= received.keys()
    assert set(tried) == set(Kind)
    print(f"\n{TRIES} tries, seed {SEED}: 0 credited to another row")  # noqa: T201
    for kind in Kind:
        also = f", {told_by_name[kind]} told by the row's name alone" if not kind.can_be_told else ""
        print(f"{tried[kind]:6} {kind}{also}")  # noqa: T201
