"""The customers of the old shop and their addresses, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import NamedTuple, TypeAlias

Record: TypeAlias = tuple[object, ...]

_OPENING = datetime(2016, 3, 1, 9, 0)  # noqa: DTZ001  old databases keep local time without saying whose
_FIRST_BIRTHDAY = date(1940, 1, 1)
_DELETED_SHARE = 0.03
_GIVEN_NAMES = (
    "Amélie",
    "Björn",
    "Chidi",
    "Dörte",
    "Eoin",
    "Fatma",
    "Grażyna",
    "Hiroshi",
    "Ines",
    "静",
    "Zoë",
    "Kim 🐈",
)
_FAMILY_NAMES = ("Åkesson", "Böhm", "Çelik", "D'Angelo", "Eze", "Gómez", "Hồ", "Ibsen", "Jónsdóttir", "李", "O'Brien")
# No letter here that latin1 does not have.
_STREETS = ("Königstraße", "Rue de l'Église", "Calle Peñón", "Åsgatan", "High Street", 'Haus "Zum Löwen"', "50 € Platz")
_CITIES = (("Köln", "DE"), ("Málaga", "ES"), ("Besançon", "FR"), ("Malmö", "SE"), ("Cork", "IE"), ("Zürich", "CH"))


class Customer(NamedTuple):
    """customer: as INSERT_CUSTOMERS takes it. addresses: likewise, up to three."""

    deleted: bool
    customer: Record
    addresses: list[Record]


def make_customers(count: int, *, seed: int) -> Iterator[Customer]:
    """`count` customers that are not deleted, and the deleted ones between them."""
    random = Random(f"customers {seed}")
    registered_at, number, living, address = _OPENING, 0, 0, 0
    while living < count:
        number += 1
        registered_at += timedelta(seconds=random.randrange(1, 1800))
        deleted = random.random() < _DELETED_SHARE
        living += not deleted
        addresses = [_address(random, address + place, number) for place in range(1, random.choice((1, 2, 2, 3, 4)))]
        address += len(addresses)
        yield Customer(deleted, _customer(random, number, str(registered_at), deleted=deleted), addresses)


def _customer(random: Random, number: int, registered_at: str, *, deleted: bool) -> Record:
    name = f"{random.choice(_GIVEN_NAMES)} {random.choice(_FAMILY_NAMES)}"
    email = f"Customer{number}@Example.com" if number % 7 else f" customer{number}@example.com"
    phone = None if random.random() < 0.4 else f"+49 221 {random.randrange(10**6):06d}"
    newsletter = int(random.random() < 0.3)
    return (number, name, email, phone, _birthday(random), newsletter, registered_at, int(deleted), registered_at)


def _birthday(random: Random) -> str | None:
    known = random.random()
    if known < 0.2:
        return "0000-00-00"
    return None if known < 0.3 else str(_FIRST_BIRTHDAY + timedelta(days=random.randrange(24_000)))


def _address(random: Random, number: int, customer: int) -> Record:
    city, country = random.choice(_CITIES)
    street = f"{random.choice(_STREETS)} {random.randrange(1, 200)}"
    postcode = None if random.random() < 0.05 else f"{random.randrange(100_000):05d}"
    return (number, customer, random.choice(("billing", "shipping")), street, postcode, city, country)
