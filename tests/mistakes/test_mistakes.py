"""Every mistake of the tables is made, and what penstock answers to it is compared with what they say."""

from __future__ import annotations

import shlex

import pytest
from tests.mistakes.families import FAMILIES
from tests.mistakes.mistake import Mistake
from tests.mistakes.world import CANARY, Ended, World

EVERY = {f"{family.name}: {one.what} ({one.on})": one for family in FAMILIES for one in family.mistakes}


@pytest.mark.parametrize("mistake", EVERY.values(), ids=EVERY.keys())
def test_s1_s10_s12_s36_p19_p20_a_mistake_is_told_with_its_way_out_and_touches_nothing(
    mistake: Mistake, request: pytest.FixtureRequest
) -> None:
    world = request.getfixturevalue(f"{mistake.on}_world")
    assert isinstance(world, World)
    for step in mistake.by:
        step(world)
    before = world.state()
    for command in mistake.commands:
        words = shlex.split(command)
        _compare(world, world.penstock(*words), mistake)
        if mistake.has_json:
            ended = world.penstock(*words, "--json")
            assert all(isinstance(document, dict) for document in ended.documents)
            _compare(world, ended, mistake)
    if mistake.leaves is None:
        assert world.state() == before
    else:
        mistake.leaves(world)


def _compare(world: World, ended: Ended, mistake: Mistake) -> None:
    told = ended.told
    assert ended.code == mistake.code, told
    assert world.filled_in(mistake.says) in told
    for fault in ("Traceback", "a fault in penstock", CANARY):
        assert fault not in ended.out + ended.err


def test_no_two_mistakes_have_one_name() -> None:
    assert len(EVERY) == sum(len(family.mistakes) for family in FAMILIES)
