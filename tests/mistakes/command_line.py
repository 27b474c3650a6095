"""Mistakes on the command line. The ledger is prepared and delivered: none of them may touch it."""

from __future__ import annotations

from tests.mistakes.answers import states
from tests.mistakes.mistake import DELIVERED, PREPARED, Mistake, delivery

_READY = (PREPARED, DELIVERED)
_RUN = "See: penstock run --help"
_RATE = "is no rate; write requests per time, like 500/s or 30/m"
_TIME = "is no duration; write a number and a unit, like 200ms, 30s, 10m, 4h, 2d"

TITLE = "The command line"

MISTAKES = (
    Mistake("a command with a slip in it", _READY, "No such command 'rnu'. Did you mean 'run'?", ("rnu orders.yaml",)),
    Mistake(
        "the file before the command",
        _READY,
        "The command comes first: penstock status orders.yaml\nSee: penstock --help",
        ("orders.yaml status",),
    ),
    Mistake(
        "a command of a later version",
        _READY,
        "penstock serve is reserved for a later version and not there yet.\nSee: penstock --help",
        ("serve orders.yaml",),
    ),
    Mistake("no file", _READY, f"Missing argument 'FILE'.\n{_RUN}", ("run",)),
    Mistake(
        "an option that does not exist",
        _READY,
        f"No such option: --procesess (Possible options: --processes)\n{_RUN}",
        ("run orders.yaml --procesess 2",),
    ),
    Mistake(
        "two files where one is meant",
        _READY,
        "Got unexpected extra argument(s) (other.yaml)\nSee: penstock pause --help",
        ("pause orders.yaml other.yaml",),
    ),
    Mistake(
        "a limit of nothing",
        _READY,
        f"Invalid value for '--limit': '0' is no whole number from 1 on\n{_RUN}",
        ("run orders.yaml --limit 0",),
    ),
    Mistake(
        "a limit in words",
        _READY,
        f"Invalid value for '--limit': 'ten' is no whole number from 1 on\n{_RUN}",
        ("run orders.yaml --limit ten",),
    ),
    Mistake(
        "failed rows that are to be told to others, and no broker",
        (*_READY, delivery("notices: {exchange: migration}")),
        "delivery.notices tells others of failed rows by a broker, and none is given: add --broker amqp://..., or leave "
        "delivery.notices out",
        ("run orders.yaml",),
    ),
    Mistake(
        "fewer processes than one",
        _READY,
        f"Invalid value for '--processes': '-2' is no whole number from 1 to 256\n{_RUN}",
        ("run orders.yaml --processes -2",),
    ),
    Mistake(
        "a limit for several processes",
        _READY,
        f"Invalid value: --limit and --key are one process's work; leave --processes out\n{_RUN}",
        ("run orders.yaml --processes 2 --limit 3",),
    ),
    Mistake(
        "--rate without its unit",
        _READY,
        f"Invalid value for '--rate': '200' {_RATE}\n{_RUN}",
        ("run orders.yaml --rate 200",),
    ),
    Mistake(
        "--for without its unit",
        _READY,
        f"Invalid value for '--for': '30' {_TIME}\n{_RUN}",
        ("run orders.yaml --for 30",),
    ),
    Mistake(
        "no time at all",
        _READY,
        f"Invalid value for '--for': '0s' leaves no time to run; write a duration like 30m, 6h\n{_RUN}",
        ("run orders.yaml --for 0s",),
    ),
    Mistake(
        "a state that rows do not have",
        _READY,
        "Invalid value for '--state': 'done' is not one of 'pending', 'imported', 'failed', 'in_doubt', 'skipped'.",
        ("rows orders.yaml --state done",),
    ),
    Mistake(
        "a retry of what was imported",
        _READY,
        "Invalid value for '--state': 'imported' is not one of 'failed', 'skipped'.",
        ("retry orders.yaml --state imported",),
        do="What was imported is sent again only after `penstock reset`.",
    ),
    Mistake(
        "a status that no answer has",
        _READY,
        "Invalid value for '--status': '42' is no whole number from 100 to 999",
        ("retry orders.yaml --status 42",),
    ),
    Mistake(
        "a retry that matches nothing",
        _READY,
        "orders: no row matches (failed, last answered 418); nothing was changed",
        ("retry orders.yaml --status 418",),
        code=0,
        has_json=False,
        leaves=states(imported=3),
    ),
    Mistake(
        "a retry of a key that the ledger does not know",
        _READY,
        "orders: no row matches (failed, key 99); nothing was changed",
        ("retry orders.yaml --key 99",),
        code=0,
        has_json=False,
        leaves=states(imported=3),
    ),
    Mistake(
        "resolve without saying how one knows",
        _READY,
        "this would make 0 rows failed (in doubt); to do it, say how you know: --note TEXT",
        ("resolve orders.yaml --all --as failed",),
    ),
    Mistake(
        "resolve without saying which rows",
        _READY,
        "Invalid value: say which rows: --key, --reason, --status or --all",
        ("resolve orders.yaml --as failed --note gone",),
    ),
    Mistake(
        "resolve of all and of one",
        _READY,
        "Invalid value: --all means every row in doubt; leave it out, or the other selections",
        ("resolve orders.yaml --all --key 1 --as failed --note gone",),
    ),
    Mistake(
        "one receipt for many rows",
        _READY,
        "Invalid value: --receipt is the id of one row: give one --key and --as imported",
        ("resolve orders.yaml --all --as imported --receipt 7 --note seen",),
    ),
    Mistake(
        "something that cannot be set",
        _READY,
        "Invalid value: 'speed=3' cannot be set; write rate=200/s or concurrency=32",
        ("set orders.yaml speed=3",),
    ),
    Mistake(
        "a rate that is none",
        _READY,
        f"Invalid value: rate: 'fast' {_RATE}; default goes back to the job file",
        ("set orders.yaml rate=fast",),
    ),
    Mistake(
        "a concurrency below one",
        _READY,
        "Invalid value: concurrency: '-3' is no number of requests; write 1 to 10000, auto, or default",
        ("set orders.yaml concurrency=-3",),
    ),
    Mistake(
        "one limit set twice",
        _READY,
        "Invalid value: rate=5/s rate=6/s: sets one thing twice; keep one of the two",
        ("set orders.yaml rate=5/s rate=6/s",),
    ),
    Mistake(
        "looking at the SQL of an undo",
        _READY,
        "Invalid value: --print-sql tells what `prepare` would run; leave out --undo",
        ("prepare orders.yaml --print-sql --undo",),
    ),
)
