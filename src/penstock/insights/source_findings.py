"""What the facts of a source mean for a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.insights.check import Finding, Grade
from penstock.insights.words import number
from penstock.rows import MAX_KEY_TEXT
from penstock.source.facts import FlagFacts, SourceFacts


def of_source(facts: SourceFacts, *, file: str = "FILE") -> list[Finding]:
    """file: the job file as the person wrote it, for the lines they may type."""
    findings = [
        Finding("source", Grade.OK, f"{facts.server.product} {facts.server.version}, {len(facts.columns)} columns"),
        *_of_zone(facts),
        *_of_row_security(facts),
        *_of_key(facts, file),
        *_of_reading(facts),
    ]
    if facts.flag is not None:
        findings += of_flag(facts.flag, is_read_only=facts.server.is_read_only, file=file)
    return findings


def of_twins(twins: Sequence[str]) -> Finding:
    """twins: keys that more than one row has, a few of them, as found by a scan of the whole query."""
    if not twins:
        return Finding("key", Grade.OK, "unique in the whole query, proven by a scan")
    way_out = "add columns to source.key, or GROUP BY it"
    return Finding("key", Grade.PROBLEM, f"not unique: more than one row has {', '.join(twins)}", way_out)


def of_flag(flag: FlagFacts, *, is_read_only: bool, file: str) -> list[Finding]:
    where = f"{flag.table}.{flag.column}"
    problem = _flag_problem(flag, where, is_read_only=is_read_only, file=file)
    if problem is not None:
        return [problem]
    findings = [Finding("flag", Grade.OK, f"{where} can be set" + (", and hidden" if flag.is_invisible else ""))]
    if flag.may_write is None:
        findings.append(Finding("rights", Grade.WARNING, f"whether this user may set {where} cannot be told"))
    if not flag.is_transactional:
        text = f"{flag.table} is {flag.engine}: flags stay set even if the ledger's own write is undone"
        findings.append(Finding("flag", Grade.WARNING, text, "a run sets and repairs them after the ledger"))
    if flag.triggers:
        text = f"setting the flag sets off {_listed('trigger', flag.triggers)} of {flag.table}"
        findings.append(Finding("flag", Grade.WARNING, text, "look at what they do before the run"))
    if flag.is_nullable:
        findings.append(Finding("flag", Grade.WARNING, f"{where} may be NULL, which counts as not set"))
    if flag.pinned:
        text = f"{_listed('column', flag.pinned)} would change with every UPDATE and will be kept as they are"
        findings.append(Finding("flag", Grade.OK, text))
    return findings


def _flag_problem(flag: FlagFacts, where: str, *, is_read_only: bool, file: str) -> Finding | None:
    """The first thing that keeps penstock from setting the flag."""
    if not flag.exists:
        return Finding("flag", Grade.PROBLEM, f"there is no table {flag.table}", "correct source.flag.table")
    if flag.missing_key:
        text = f"{flag.table} lacks {_listed('column', flag.missing_key)} to find a row by"
        return Finding(
            "flag", Grade.PROBLEM, text, f"name the key's columns there: flag: {{table: {flag.table}, key: ...}}"
        )
    problem = _set_problem(flag)
    if problem is not None:
        return problem
    if is_read_only:
        text = f"the server is read-only, so {where} cannot be set"
        return Finding("rights", Grade.PROBLEM, text, "leave source.flag out, or use the server that takes writes")
    if not flag.has_unique_key:
        text = f"no unique index of {flag.table} finds a row by the key, so setting a flag may touch other rows and is slow"
        way_out = "name the unique columns: source.flag.key, add such an index, or name the table where this is a view"
        return Finding("flag", Grade.PROBLEM, text, way_out)
    if flag.declared is None:
        return Finding("flag", Grade.PROBLEM, f"{flag.table} has no column {flag.column}", f"penstock prepare {file}")
    if not flag.holds_numbers:
        text = f"{where} is {flag.declared}, which does not hold 0 and 1"
        return Finding("flag", Grade.PROBLEM, text, "name another column: source.flag.column")
    if flag.may_write is False:
        columns = ", ".join((flag.column, *flag.further))
        way_out = f"GRANT UPDATE ({columns}) ON {flag.table}, or leave source.flag out"
        return Finding("rights", Grade.PROBLEM, f"this user may not set {flag.table}.{columns}", way_out)
    return None


def _set_problem(flag: FlagFacts) -> Finding | None:
    """Of the columns that are written, what no run could."""
    if flag.missing_set:
        text = f"{flag.table} lacks {_listed('column', flag.missing_set)} of source.flag.set"
        return Finding("flag", Grade.PROBLEM, text, "leave them out, or add them there")
    if flag.overwritten:
        text = f"source.flag.set: {flag.table}.{flag.overwritten[0]} is the flag or names the row that is flagged"
        return Finding("flag", Grade.PROBLEM, text, "leave it out")
    if flag.generated:
        text = f"{flag.table}.{flag.generated[0]} is a generated column, which the database alone sets"
        return Finding("flag", Grade.PROBLEM, text, "name another column")
    return None


def _of_zone(facts: SourceFacts) -> list[Finding]:
    if not facts.zone_functions:
        return []
    text = f"{_listed('function', facts.zone_functions)} in the query: penstock's sessions are in UTC"
    way_out = "AT TIME ZONE" if facts.server.product == "PostgreSQL" else "CONVERT_TZ"
    return [Finding("source", Grade.WARNING, text, f"say the zone in the query, with {way_out}")]


def _of_row_security(facts: SourceFacts) -> list[Finding]:
    if not facts.row_security:
        return []
    text = f"policies of {', '.join(facts.row_security)} may hide rows from this user: such rows are neither sent nor flagged"
    return [Finding("rights", Grade.WARNING, text, "look at the policies, or use a user with BYPASSRLS")]


def _of_key(facts: SourceFacts, file: str) -> list[Finding]:
    name = ", ".join(facts.key)
    findings = []
    if facts.longest_key is None and facts.server.product != "SQLite":  # where no column has a limit
        text = f"no limit of {name} is known; the ledger holds keys of up to {MAX_KEY_TEXT} characters"
        findings.append(Finding("key", Grade.WARNING, text))
    elif facts.longest_key is not None and facts.longest_key > MAX_KEY_TEXT:
        text = f"{name} may need {facts.longest_key} characters, and the ledger holds {MAX_KEY_TEXT}"
        findings.append(Finding("key", Grade.PROBLEM, text, "choose a shorter key"))
    if facts.key_may_be_null:
        text = f"{name} may be NULL as far as the database says; a run refuses a query that shows a row without key"
        findings.append(Finding("key", Grade.WARNING, text))
    if facts.key_is_unique:
        findings.append(Finding("key", Grade.OK, f"{name}: a unique index of {facts.key_table} says so"))
    else:
        text = f"no index proves that {name} is unique; two rows with one key stop the run"
        findings.append(Finding("key", Grade.WARNING, text, f"penstock check {file} --deep proves it by a scan"))
    return findings


def _of_reading(facts: SourceFacts) -> list[Finding]:
    findings = []
    for plan, what in ((facts.page, "a page"), (facts.walk, "the next keys")):
        if plan is not None and plan.costs_a_scan:
            findings.append(_of_scan(what, plan.scanned, plan.words))
        elif plan is not None:
            findings.append(Finding("index", Grade.OK, f"reading {what} uses indexes"))
    if not facts.is_inside:
        text = "the query is read as a whole (around it stands a SELECT with the key's bounds), which may be slow"
        grade = Grade.WARNING if any(finding.grade is not Grade.OK for finding in findings) else Grade.OK
        findings.append(Finding("index", grade, text))
    return findings


def _of_scan(what: str, scanned: Sequence[tuple[str, int | None]], words: Sequence[str]) -> Finding:
    """scanned: tables and their estimated rows. words: the database's plan, step by step."""
    tables = ", ".join(table if rows is None else f"{table} (about {number(rows)} rows)" for table, rows in scanned)
    text = f"reading {what} goes through all of {tables}, every time: {'; '.join(words)}"
    return Finding("index", Grade.WARNING, text, "an index on the key, or on what the joins compare, mends it")


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"the {noun}{'' if len(names) == 1 else 's'} {', '.join(names)}"
