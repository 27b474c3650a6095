"""What the service is told from outside. Worker processes hear it through the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """mysql, mongodb: URLs that name a database each. token: what `Authorization: Bearer` must carry.
    rate: requests per second that one worker process takes before it answers 429."""

    mysql: str
    mongodb: str
    token: str
    rate: float

    @classmethod
    def from_environment(cls) -> Settings:
        return cls(
            mysql=os.environ["SHOP_MYSQL"],
            mongodb=os.environ["SHOP_MONGODB"],
            token=os.environ["SHOP_TOKEN"],
            rate=float(os.environ["SHOP_RATE"]),
        )

    def as_environment(self) -> Mapping[str, str]:
        return {
            "SHOP_MYSQL": self.mysql,
            "SHOP_MONGODB": self.mongodb,
            "SHOP_TOKEN": self.token,
            "SHOP_RATE": str(self.rate),
        }
