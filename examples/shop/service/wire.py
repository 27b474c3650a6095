"""What all bodies of the service have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Money = Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Moment = AwareDatetime


class Body(BaseModel):
    """camelCase outside; what is not known is refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


def in_utc(moment: datetime | None) -> datetime | None:
    """As the MySQL store keeps moments: UTC, without saying so."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


def shown(moment: datetime | None) -> str | None:
    """The way back."""
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat()
