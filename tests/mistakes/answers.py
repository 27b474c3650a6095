"""Mistakes that the API shows: a run that could deliver nothing holds, gives up in time, and blames no row."""

from __future__ import annotations

from collections.abc import Mapping

from tests.mistakes.api import JSON, Answer
from tests.mistakes.certificate import with_own_certificate
from tests.mistakes.mistake import PREPARED, Mistake, Step, add, delivery, edit, target, write
from tests.mistakes.world import World

_RUN = ("run orders.yaml",)
_HTML = {"Content-Type": "text/html; charset=utf-8"}


def answering(status: int, body: bytes = b"{}", headers: Mapping[str, str] = JSON, *, after: int = 0) -> Step:
    """So many good answers, then this one for ever."""

    def make(world: World) -> None:
        world.api.script = lambda number: Answer() if number <= after else Answer(status, body, headers)

    return make


def states(**expected: int) -> Step:
    """How many rows are imported, failed, in doubt or pending (0 where nothing is said); as many are flagged as imported."""

    def compare(world: World) -> None:
        [document] = world.penstock("status", "orders.yaml", "--json").documents
        found = {state: document[state] for state in ("imported", "failed", "in_doubt", "pending")}
        assert found == {"imported": 0, "failed": 0, "in_doubt": 0, "pending": 0} | expected
        assert world.database.number("SELECT SUM(is_import) FROM orders") == found["imported"]

    return compare


def _nothing_sent(world: World) -> None:
    states(pending=3)(world)
    assert world.api.bodies == []


def _first_is_in_doubt(world: World) -> None:
    [document] = world.penstock("status", "orders.yaml", "--json").documents
    assert document["imported"] == document["failed"] == 0
    assert document["in_doubt"] == len(world.api.bodies) > 0


_UNTOUCHED = states(pending=3)

TITLE = "The API"

MISTAKES = (
    Mistake(
        "an API that is not there",
        (PREPARED, target("http://127.0.0.1:1/orders")),
        "target: connection refused by 127.0.0.1:1; look at target.url",
        ("check orders.yaml",),
        code=3,
    ),
    Mistake(
        "an API that is not there, in a run",
        (PREPARED, target("http://127.0.0.1:1/orders")),
        "gave up waiting; the same command goes on (held for 0 s, delivery.give_up_after: "
        "connection refused by 127.0.0.1:1)",
        _RUN,
        code=3,
        leaves=_nothing_sent,
    ),
    Mistake(
        "an API whose name nobody knows",
        (PREPARED, target("http://api.nowhere.invalid/orders")),
        "target: cannot resolve api.nowhere.invalid: Name or service not known; look at target.url",
        ("check orders.yaml",),
        code=3,
    ),
    Mistake(
        "https where the API speaks http",
        (PREPARED, target("https://127.0.0.1:<port>/orders")),
        "target: the TLS handshake with 127.0.0.1:<port> failed: wrong version number; look at target.url and target.tls",
        ("check orders.yaml",),
        code=3,
    ),
    Mistake(
        "a certificate that nobody vouches for",
        (PREPARED, with_own_certificate),
        "is not trusted: self-signed certificate; look at target.url and target.tls",
        ("check orders.yaml",),
        code=3,
        do="Put the certificate of whoever signed it into `target.tls.ca`.",
    ),
    Mistake(
        "a token that the API does not take",
        (PREPARED, answering(401, b'{"error": "token expired"}')),
        "answered 401: token expired; look at target.headers: who is asking?",
        _RUN,
        code=3,
        leaves=_UNTOUCHED,
    ),
    Mistake(
        "a token that runs out in the middle of a run",
        (PREPARED, answering(401, b'{"error": "token expired"}', after=1)),
        "answered 401: token expired; look at target.headers: who is asking?",
        _RUN,
        do="What was accepted stays so. Set the new token; the same command goes on.",
        code=3,
        leaves=states(imported=1, pending=2),
    ),
    Mistake(
        "an account that may not",
        (PREPARED, answering(403)),
        "answered 403; look at target.headers: what is the account allowed?",
        _RUN,
        code=3,
        leaves=_UNTOUCHED,
    ),
    Mistake(
        "a path that the API does not have",
        (PREPARED, answering(404)),
        "no such url: answered 404; look at target.url",
        _RUN,
        code=3,
        leaves=_UNTOUCHED,
    ),
    Mistake(
        "a method that the API does not take",
        (PREPARED, answering(405)),
        "answered 405; look at target.method",
        _RUN,
        code=3,
        leaves=_UNTOUCHED,
    ),
    Mistake(
        "a redirect",
        (PREPARED, answering(301, b"", {"Location": "https://login.example.com/?token=canary"})),
        "answered 301, a redirect to https://login.example.com/; redirects are never followed, see target.url",
        _RUN,
        code=3,
        leaves=_UNTOUCHED,
    ),
    Mistake(
        "a page to log in, with 200",
        (PREPARED, answering(200, b"<html>Please log in</html>", _HTML)),
        "answered 200 with text/html; look at target.url and target.headers: is it a page to log in?",
        _RUN,
        code=3,
        leaves=_UNTOUCHED,
    ),
    Mistake(
        "the same into an API that takes no repeats",
        (PREPARED, edit("idempotent: true", "idempotent: false"), answering(200, b"<html>Please log in</html>", _HTML)),
        "answered 200 with text/html; look at target.url and target.headers: is it a page to log in?",
        _RUN,
        code=3,
        has_json=False,
        leaves=_first_is_in_doubt,
        do="The rows that went out are in doubt: nobody can tell what the page stands for. Afterwards: `penstock resolve`.",
    ),
    Mistake(
        "rows that the API refuses",
        (PREPARED, answering(422, b'{"error": "total is missing"}')),
        "3 rows failed: refused with 422: total is missing. What the API says of one: penstock show orders.yaml 1. When the "
        "data or the mapping is corrected: penstock retry orders.yaml --status 422",
        _RUN,
        code=1,
        leaves=states(failed=3),
    ),
    Mistake(
        "an answer that is not what accept asks for",
        (
            PREPARED,
            edit("  receipt:", '  accept: "{{ body.code == 0 }}"\n  receipt:'),
            edit("idempotent: true", "idempotent: false"),
            answering(200, b'{"status": "ok"}'),
        ),
        "answered 200 and target.accept does not hold",
        _RUN,
        code=1,
        leaves=states(in_doubt=3),
        do="If this answer means that the row was stored, widen `target.accept`, then `penstock resolve ... --as imported`.",
    ),
    Mistake(
        "an API that breaks over every row",
        (PREPARED, delivery("attempts: 1"), answering(500, b"oops", {"Content-Type": "text/plain"})),
        "3 rows failed: answered 500; attempts used up. When the API is well again: penstock retry orders.yaml --status 500",
        _RUN,
        code=1,
        leaves=states(failed=3),
    ),
    Mistake(
        "a function of one's own that fails, and says a secret",
        (
            PREPARED,
            edit('  body: {orderNo: "{{ order_no }}", total: "{{ total }}"}\n', ""),
            add("transform: mine:to_payload\n"),
            write(
                "mine.py",
                "import os\n\n\ndef to_payload(row):\n    print('looking at', row['id'])\n"
                "    raise KeyError('total of ' + os.environ['API_TOKEN'] + ' ' + 'x' * 1000)\n",
            ),
        ),
        "transform: KeyError: 'total of *** xxx",
        ("check orders.yaml",),
        code=1,
        do="A secret that penstock knows is hidden there, and a long text is cut. What the function prints goes to stderr.",
    ),
    Mistake(
        "a row that cannot be mapped",
        (PREPARED, edit('"{{ order_no }}"', '"{{ order_no | from_json }}"')),
        'target.body.orderNo (column "order_no"): from_json: not JSON: Expecting value: line 1 column 1 (char 0)',
        ("check orders.yaml",),
        code=1,
        do="The others are delivered; these would fail, with the column named.",
    ),
)
