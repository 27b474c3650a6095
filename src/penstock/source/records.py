"""A new store that speaks SQL, as `verify` looks into it: records by their keys, and all keys. The port is
penstock.verify.base.Store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from penstock.database.connect import Database
from penstock.database.fetch import NotText, fetch
from penstock.errors import JobError
from penstock.rows import Key, Record, match_text
from penstock.source.catalog import read_catalog
from penstock.source.choosing import choose_readings, first_that_runs
from penstock.source.columns import Column, ColumnKind, Converter, TypeRules
from penstock.source.dialect import Dialect, dialect_of
from penstock.source.explain import explain_page
from penstock.source.failures import STORE, Unfit, source_errors
from penstock.source.keyset import Condition, most_keys
from penstock.source.learn import converters_of, key_converters_of, learn_columns
from penstock.source.lookups import bindings
from penstock.source.origin import tables_of
from penstock.source.own_table import own_table
from penstock.source.statement import Statement, parse_statement
from penstock.source.statements import Reading, reading_some
from penstock.spec.models import Verify
from penstock.spec.suggest import did_you_mean

PAGE = 1000
# Of one look-up: beyond it the column is no key, and the answer might be the whole table.
MOST_RECORDS = 20_000
# Kinds that are no key here: what they show is not what they are compared by.
_NO_KEYS = frozenset(
    {
        ColumnKind.FLOAT,
        ColumnKind.DOUBLE,
        ColumnKind.ENUM,
        ColumnKind.SET,
        ColumnKind.BITS,
        ColumnKind.JSON,
        ColumnKind.SHAPE,
        ColumnKind.BOOLEAN,
        ColumnKind.LIST,
        ColumnKind.PRINTED,
    }
)
_TEXTS = (ColumnKind.TEXT, ColumnKind.STORED)


@dataclass(frozen=True, slots=True)
class _Plan:
    """rows: the key's columns first, then the compared ones. walk: keys of the key's own table, if there is one. converters: by
    position in such a row."""

    dialect: Dialect
    key: tuple[Column, ...]
    rows: Reading
    rows_at: tuple[int, ...]
    keys: Reading
    walk: Reading | None
    converters: dict[int, Converter]
    key_converters: dict[int, Converter]


class SqlRecords:
    """Made by `open_records`. name: the server and database, without secrets. fields: what `Record.values` hold.

    Methods raise StoreUnreachable for what may pass, JobError for what will not.
    """

    walks = True
    is_live = True

    def __init__(self, database: Database, plan: _Plan, fields: Sequence[str]) -> None:
        self.name = database.address
        self.key = tuple(column.name for column in plan.key)
        self.fields = tuple(fields)
        self._database = database
        self._plan = plan
        self._kinds = [column.kind for column in plan.key]
        self._is_exact = all(kind is ColumnKind.INTEGER for kind in self._kinds)

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """See Store.look_up."""
        found: list[Record] = []
        for some in self._portions(keys):
            found += await self._found(some)
        return found

    async def _found(self, some: dict[str, list[Key]]) -> list[Record]:
        bound = [form for forms in some.values() for form in forms]
        try:
            rows = await self._fetch(self._plan.rows.of(bound, MOST_RECORDS + 1))
        except Unfit as error:
            # For one of them the server refuses all; a single one is not there.
            keys, half = list(some.items()), len(some) // 2
            if not half and not error.is_about(bound[0]):
                raise
            return [*await self._found(dict(keys[:half])), *await self._found(dict(keys[half:]))] if half else []
        if len(rows) > MOST_RECORDS:
            raise JobError(
                f"{self.name} has more than {MOST_RECORDS:,} records under {len(some):,} keys: {', '.join(self.key)} names none "
                "of them; let verify.key name the columns that do"
            )
        records = self._records(rows)
        # A collation takes more texts for equal than were asked for: those of another portion would come twice.
        return records if self._is_exact else [each for each in records if match_text(each.key) in some]

    def _portions(self, keys: Sequence[tuple[object, ...]]) -> Iterator[dict[str, list[Key]]]:
        """Keys, by their match_text, in every form that they may have here, so many as one statement takes; the forms of one key
        are asked for together, lest a record came twice."""
        most = most_keys(len(self._kinds))
        portion: dict[str, list[Key]] = {}
        size = 0
        for key in keys:
            forms = bindings(key, self._kinds, self._plan.dialect)
            if size + len(forms) > most:
                yield portion
                portion, size = {}, 0
            if forms:
                portion[match_text(key)] = forms
                size += len(forms)
        if portion:
            yield portion

    async def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """See Store.walk: by keyset, so that no cursor or transaction stays open; between two keys of the key's own table, lest
        the server sorts all of what the query joins for the first page."""
        last: Key | None = None
        while True:
            upto = await self._key_behind(last, PAGE)
            rows = await self._fetch(self._plan.keys.page_with_keys(last, upto, PAGE))
            is_cut = len(rows) == PAGE
            if is_cut:
                last = rows[-1]
                if any(kind in _TEXTS for kind in self._kinds):
                    # What a collation takes for the same as the last one is not greater: the next page would leave it out.
                    equal = await self._fetch(self._plan.keys.of([last], MOST_RECORDS))
                    there = set(rows)
                    rows += [row for row in equal if row not in there]
            else:
                last = upto
            if rows:
                yield self._keys(rows)
            if last is None:
                return

    async def _key_behind(self, last: Key | None, number: int) -> Key | None:
        """Of the key's own table, that so many keys further; None: it has not so many, or there is no such table."""
        walk = self._plan.walk
        found = await self._fetch(walk.nth(last, number)) if walk is not None else []
        return found[0] if found else None

    async def without_key(self) -> int:
        """See Store.without_key."""
        [(count,)] = await self._fetch(Condition(self._plan.keys.count_without_key(), ()))
        return int(str(count))

    async def look_again(self) -> None:
        """Each look is a new one."""

    async def scanned(self) -> str | None:
        """The table that each look-up goes through from end to end; None if an index serves it, or nothing is known."""
        first = await self._key_behind(None, 1)
        example = [first] if first is not None else await self._fetch(self._plan.keys.page_with_keys(None, None, 1))
        if not example:
            return None
        with _store_errors(self._database, "explaining the query"):
            async with self._database.reading() as connection:
                plan = await explain_page(connection, self._plan.dialect, self._plan.rows.of(example))
        return plan.scanned[0][0] if plan.costs_a_scan else None

    async def aclose(self) -> None:
        await self._database.aclose()

    def _records(self, rows: Sequence[tuple[object, ...]]) -> list[Record]:
        if not rows:
            return []
        plan = self._plan
        columns = list(zip(*rows, strict=True))
        chosen = [columns[at] for at in plan.rows_at]
        for at, convert in plan.converters.items():
            chosen[at] = tuple([None if value is None else convert(value) for value in chosen[at]])
        width = len(plan.key)
        keys = list(zip(*chosen[:width], strict=True))
        values = list(zip(*chosen[width:], strict=True)) if len(chosen) > width else [()] * len(rows)
        return [Record(key, held) for key, held in zip(keys, values, strict=True)]

    def _keys(self, rows: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
        columns = list(zip(*rows, strict=True))
        for at, convert in self._plan.key_converters.items():
            columns[at] = tuple(map(convert, columns[at]))
        return list(zip(*columns, strict=True))

    async def _fetch(self, statement: Condition) -> list[Key]:
        with _store_errors(self._database, "reading records"):
            async with self._database.reading() as connection:
                fetched = await fetch(connection, statement.text, statement.values)
        return list(fetched.rows)  # type: ignore[arg-type]  # values of any type; those of keys are bound again


async def open_records(verify: Verify, database: Database, fields: Sequence[str]) -> SqlRecords:
    """fields: columns of the query to read besides the key.

    Raises JobError for a query that is no single SELECT, or lacks the key or a field; StoreUnreachable.
    """
    dialect = dialect_of(database.kind)
    statement = parse_statement(verify.query or "", dialect, "verify.query")
    with _store_errors(database, "looking at the query"):
        async with database.reading() as connection:
            catalog = await read_catalog(connection, dialect, tables_of(statement.tree))
            columns, origins = await learn_columns(connection, dialect, statement, catalog)
    by_name = {column.name: column for column in columns}
    for name in verify.key:
        _refuse_missing(name, by_name, "verify.key")
        if by_name[name].kind in _NO_KEYS:
            raise JobError(
                f"verify.key: {name!r} is {by_name[name].kind.value}, by which no record is found for certain; "
                "choose another column, or CAST it in verify.query"
            )
    for name in fields:
        _refuse_missing(name, by_name, "verify.receipt" if name == verify.receipt else "verify.compare")
    naive = [name for name in fields if by_name[name].kind is ColumnKind.DATETIME]
    if naive and verify.timezone is None:
        raise JobError(
            f"verify.timezone is missing: {', '.join(map(repr, naive))} hold date-times without a zone; "
            "write timezone: UTC, or whatever zone the new store means"
        )
    table = own_table(dialect, catalog, origins, [by_name[name] for name in verify.key])
    return SqlRecords(database, await _make_plan(verify, database, statement, columns, fields, table), fields)


def _refuse_missing(name: str, columns: dict[str, Column], place: str) -> None:
    if name not in columns:
        hint = did_you_mean(name, columns) or f"it has {', '.join(columns)}"
        raise JobError(f"{place}: verify.query has no column {name!r}; {hint}")


async def _make_plan(
    verify: Verify,
    database: Database,
    statement: Statement,
    columns: Sequence[Column],
    fields: Sequence[str],
    table: Reading | None,
) -> _Plan:
    dialect = dialect_of(database.kind)
    names = [column.name for column in columns]
    key = tuple(columns[names.index(name)] for name in verify.key)
    rows, keys = await choose_readings(database, dialect, statement, columns, key, STORE)
    walk = await first_that_runs(database, [*([table] if table else []), keys], STORE)
    chosen = [*key, *(columns[names.index(name)] for name in fields)]
    # What the query shows besides may be large.
    rows = reading_some(dialect, rows.frame, list(dict.fromkeys(chosen)), verify.key)
    at = {column.name: number for number, column in enumerate(dict.fromkeys(chosen))}
    rules = TypeRules(ZoneInfo(verify.timezone) if verify.timezone else None, zero_dates_are_null=False)
    key_converters = key_converters_of(dialect, key)
    values = converters_of(dialect, chosen, rules)
    converters = {at: convert for at, convert in values.items() if at >= len(key)} | dict(key_converters)
    return _Plan(
        dialect=dialect,
        key=key,
        rows=rows,
        rows_at=tuple(at[column.name] for column in chosen),
        keys=keys,
        walk=None if walk is keys else walk,
        converters=converters,
        key_converters=dict(key_converters),
    )


@contextmanager
def _store_errors(database: Database, doing: str) -> Iterator[None]:
    try:
        with source_errors(database, doing, STORE):
            yield
    except NotText as error:
        raise JobError(
            f"{doing} from {database.address}: a text is not in the charset that its column claims; "
            "CONVERT it in verify.query, or leave the column out"
        ) from error
