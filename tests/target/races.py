"""What an API may do around the answer to a request, and when: drawn by seed, alike for it and for who asks it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

REQUESTS = 3  # of each try, besides one before: the first of them is what it is about, the others come after


class Kind(StrEnum):
    """The first ones have an order: whoever asks goes on when it has happened. Of the others each side goes by its own clock."""

    BEHIND = "a second answer behind the first"  # H13
    BEGUN_BEHIND = "the beginning of a second answer behind the first"  # H13
    IDLE_STRAY = "an answer that nobody asked for on an idle connection"  # H14
    IDLE_PARTING = "a 408 on an idle connection, which is closed"  # H14
    IDLE_CLOSE = "an idle connection is closed"  # H12
    IDLE_RESET = "an idle connection is reset"  # H12
    CLOSE_RACE = "a connection is closed as the next request goes out"  # H12
    RESET_RACE = "a connection is reset as the next request goes out"  # H12
    LATE_ANSWER = "an answer comes as its time ends"
    CANCELLED = "an answer comes as nobody waits for it any more"
    STRAY_RACE = "a second answer comes as the next request goes out"  # H15
    UNASKED = "an answer comes as the connection is opened"  # H15

    @property
    def has_order(self) -> bool:
        return self in (
            Kind.BEHIND,
            Kind.BEGUN_BEHIND,
            Kind.IDLE_STRAY,
            Kind.IDLE_PARTING,
            Kind.IDLE_CLOSE,
            Kind.IDLE_RESET,
        )

    @property
    def can_be_told(self) -> bool:
        """Whether an answer can be told from one to another request by when it comes. Else by what stands in it alone."""
        return self not in (Kind.STRAY_RACE, Kind.UNASKED)


@dataclass(frozen=True, slots=True)
class Race:
    """delay: seconds that the API lets pass; pause: that who asks lets pass. looks: who asks has heard of it from its event loop
    before it goes on. at_once: the other requests go out together. stray: whose name an answer that nobody asked for bears."""

    kind: Kind
    delay: float
    pause: float
    looks: bool
    at_once: bool
    stray: str


def draw(seed: int, number: int) -> Race:
    """number: of the try."""
    random = Random(f"{seed}:{number}")
    kind = random.choice(list(Kind))
    return Race(
        kind,
        delay=random.uniform(0, 0.003),
        pause=random.uniform(0, 0.003),
        looks=random.random() < 0.5,
        at_once=random.random() < 0.5,
        stray=random.choice([f"{number}-1", "nobody"]),
    )
