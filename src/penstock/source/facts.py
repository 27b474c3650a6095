"""What `check` and `prepare` want to know of a source. Values only; `inspect` finds them, others judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.source.columns import Column
from penstock.source.origin import Table
from penstock.source.page_plan import PagePlan


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """product: "MariaDB", "MySQL", "PostgreSQL", "SQLite". number: of its version. is_read_only: takes no writes from this
    user."""

    product: str
    version: str
    number: tuple[int, ...]
    is_read_only: bool

    @property
    def knows_invisible(self) -> bool:
        """Columns that SELECT * and INSERT without names pass over."""
        return self._since(mariadb=(10, 3, 3), mysql=(8, 0, 23))

    @property
    def knows_instant(self) -> bool:
        """Adding a column without touching rows."""
        return self._since(mariadb=(10, 3, 2), mysql=(8, 0, 12), postgresql=(11,))

    def _since(self, *, mariadb: tuple[int, ...], mysql: tuple[int, ...], postgresql: tuple[int, ...] = (999,)) -> bool:
        since = {"MariaDB": mariadb, "MySQL": mysql, "PostgreSQL": postgresql}
        return self.number >= since.get(self.product, (999,))


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """The flag's table and column as they are.

    exists: the table does. declared: of the flag column, "tinyint(4)"; None: there is none. is_ours: `prepare` added it.
    holds_numbers: 0 and 1 can be written to it. triggers: that an UPDATE sets off. pinned: ON UPDATE columns, kept by
    penstock. has_unique_key: the key finds one row at most, by an index. may_write: this user may set the flag; None: not
    known. is_transactional: False for MyISAM and its like.
    """

    table: Table
    column: str
    exists: bool
    declared: str | None = None
    is_ours: bool = False
    holds_numbers: bool = True
    is_nullable: bool = False
    is_invisible: bool = False
    engine: str = ""
    triggers: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    missing_key: tuple[str, ...] = ()
    further: tuple[str, ...] = ()  # columns of flag.set
    missing_set: tuple[str, ...] = ()  # of these
    overwritten: tuple[str, ...] = ()  # of these: the flag itself, or the key
    generated: tuple[str, ...] = ()  # of all that are to be written
    has_unique_key: bool = False
    may_write: bool | None = None
    is_transactional: bool = True


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """key_table: the one table whose columns the key is made of; None where there is none. key_is_unique: an index of that table
    says so (joins may still double rows); None: nothing does. is_inside: bounds stand in the user's own SELECT.
    page: how a page is read, walk: how keys are planned; None for an empty table. estimated_rows: of the key's own table.
    longest_key: characters of the longest possible key text; None: no limit is known. zone_functions: in the query, whose result
    depends on the session's zone, which is UTC. row_security: tables of which policies may hide rows from this user.
    """

    server: ServerFacts
    columns: Sequence[Column]
    key: tuple[str, ...]
    key_table: Table | None
    key_is_unique: bool | None
    key_may_be_null: bool
    is_inside: bool
    page: PagePlan | None
    walk: PagePlan | None
    estimated_rows: int | None
    longest_key: int | None
    zone_functions: tuple[str, ...]
    flag: FlagFacts | None
    row_security: tuple[str, ...] = ()
