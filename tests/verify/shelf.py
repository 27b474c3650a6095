"""What the stage's API shows of the records that it has taken: about one row, or as a list by pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

from tests.engine.api import Got, Reply, Show
from tests.verify.stage import Stage

_COMPARE = """\
  key: externalNo
  compare:
    total: "{{{{ total }}}}"
    weight: "{{{{ weight }}}}"
    times.placed: "{{{{ placed }}}}"
    times.day: "{{{{ day }}}}"
    note: "{{{{ note }}}}"
"""
ASKED = (
    """\
verify:
  url: http://127.0.0.1:{port}/v2/orders/{{{{ key }}}}
  record: "{{{{ body.data }}}}"
"""
    + _COMPARE
)
LISTED = (
    """\
verify:
  url: http://127.0.0.1:{port}/v2/orders?limit=7
  records: "{{{{ body.data.list }}}}"
  next: "{{{{ body.data.next }}}}"
"""
    + _COMPARE
)
_SHOWN = "SELECT external_id, total, weight, placed, day, note FROM new_orders"

JSON_500 = Reply(500, b'{"code":50000,"message":"database is away"}')


def asked_about(stage: Stage) -> Show:
    """GET /v2/orders/KEY. Of doubled records it shows a list."""

    async def show(got: Got) -> Reply:
        key = unquote(got.target.rpartition("/")[2])
        found = [record for record in await _records(stage) if record["externalNo"] == key]
        if not found:
            return Reply(404, b'{"code":40400,"message":"no such order"}')
        return enveloped(found[0] if len(found) == 1 else found)

    return show


def listed(stage: Stage) -> Show:
    """GET /v2/orders?limit=N&after=N, with the path of the next page."""

    async def show(got: Got) -> Reply:
        where = urlsplit(got.target)
        query = parse_qs(where.query)
        limit, after = int(query["limit"][0]), int(query.get("after", ["0"])[0])
        records = await _records(stage)
        page = records[after : after + limit]
        more = f"{where.path}?limit={limit}&after={after + limit}" if after + limit < len(records) else None
        return enveloped({"list": page, "next": more})

    return show


def by_turns(first: Sequence[Reply | None], then: Show) -> Show:
    """The first GETs are answered so, all others by `then`."""

    async def show(got: Got) -> Reply | None:
        return first[got.number - 1] if got.number <= len(first) else await then(got)

    return show


def always(reply: Reply | None) -> Show:
    async def show(_: Got) -> Reply | None:
        return reply

    return show


def changed(show: Show, change: Callable[[Mapping[str, object]], object]) -> Show:
    """What `show` answers, with other data."""

    async def other(got: Got) -> Reply | None:
        reply = await show(got)
        if reply is None or reply.status != 200:
            return reply
        return enveloped(change(json.loads(reply.body)["data"]))

    return other


def enveloped(data: object) -> Reply:
    return Reply(
        200, json.dumps({"code": 0, "data": data}, default=_in_json).encode().replace(b'"#', b"").replace(b'#"', b"")
    )


async def _records(stage: Stage) -> list[dict[str, object]]:
    return [_record(*row) for row in await stage.ask(f"{_SHOWN} ORDER BY external_id")]


def _record(key: object, total: object, weight: object, placed: object, day: object, note: object) -> dict[str, object]:
    moment = placed if isinstance(placed, datetime) else datetime.fromisoformat(str(placed))
    return {
        "id": f"N-{key}",
        "externalNo": key,
        "total": None if total is None else Decimal(str(total)),
        "weight": weight,
        "times": {"placed": moment.replace(tzinfo=UTC).isoformat(), "day": day if day is None else str(day)},
        "note": note,
    }


def _in_json(value: object) -> object:
    """A number as it is written, with all its digits: the marks go with their quotes."""
    assert isinstance(value, Decimal | date)
    return f"#{value}#" if isinstance(value, Decimal) else value.isoformat()
