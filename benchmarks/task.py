"""What a program of peers/ is asked to do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url


@dataclass(frozen=True, slots=True)
class Task:
    """database: URL of a shop. api: where to POST. in_flight: requests at once. folder: an empty one, for files of the program.

    certificate: of the authority that signed the API's, where `api` is https.
    """

    folder: Path
    database: str
    api: str
    rows: int
    in_flight: int = 64
    certificate: Path | None = None

    def as_argument(self) -> str:
        """The form in which programs of other environments get it; `rows` is left out, they are to find out."""
        url = make_url(self.database)
        return json.dumps(
            {
                "database": {
                    "host": url.host,
                    "port": url.port or 3306,
                    "user": url.username,
                    "password": url.password or "",
                    "name": url.database,
                },
                "api": self.api,
                "in_flight": self.in_flight,
            }
        )
