"""Triggers that write down every transition of `penstock_rows` on each kind of database: the ledger's code cannot hide any."""

from __future__ import annotations

_SERIAL = {
    "mysql": "BIGINT AUTO_INCREMENT PRIMARY KEY",
    "postgresql": "BIGSERIAL PRIMARY KEY",
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
}
_TEXT = {"mysql": "VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "postgresql": "TEXT", "sqlite": "TEXT"}
_EVENTS = {
    "INSERT": "NEW.row_key, NULL, NEW.state, NEW.range_no",
    "UPDATE": "NEW.row_key, OLD.state, NEW.state, NEW.range_no",
    "DELETE": "OLD.row_key, OLD.state, NULL, OLD.range_no",
}


def audit_statements(kind: str) -> list[str]:
    """What makes the audit's table and triggers, once the ledger's tables are there. kind: mysql, postgresql or sqlite."""
    text = _TEXT[kind]
    table = (
        f"CREATE TABLE proof_audit (number {_SERIAL[kind]}, row_key {text}, was {text}, became {text}, range_no BIGINT)"
    )
    return [table, *(statement for event in _EVENTS for statement in _trigger(kind, event))]


def _trigger(kind: str, event: str) -> list[str]:
    name = f"proof_audit_{event.lower()}"
    note = f"INSERT INTO proof_audit (row_key, was, became, range_no) VALUES ({_EVENTS[event]})"
    when = f"AFTER {event} ON penstock_rows FOR EACH ROW"
    if kind == "postgresql":
        function = f"CREATE FUNCTION {name}() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN {note}; RETURN NULL; END $$"
        return [function, f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"]
    if kind == "sqlite":
        return [f"CREATE TRIGGER {name} {when} BEGIN {note}; END"]
    return [f"CREATE TRIGGER {name} {when} {note}"]
