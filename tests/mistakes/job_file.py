"""Mistakes in the job file and what stands beside it. Nothing outside is asked before all of them are told."""

from __future__ import annotations

from tests.mistakes.mistake import (
    Mistake,
    add,
    delivery,
    edit,
    environment,
    folder,
    query,
    recode,
    source,
    target,
    write,
)

_SLIPS = (
    "look at the indentation and the space after each colon, and put quotes around values that begin with @ % ` or have a "
    "colon or # in them, and around ${...} between [ ] or { }"
)
_HOST = "has no valid host or port; write host or host:port: ASCII letters, port 1 to 65535, IPv6 as [::1]"

TITLE = "The job file"

MISTAKES = (
    Mistake(
        "a file that is not there",
        (),
        "order.yaml: there is no such file; look at its path, from the folder you are in",
        ("check order.yaml", "prepare order.yaml", "run order.yaml", "status order.yaml", "show order.yaml 1"),
    ),
    Mistake("a folder instead of a file", (), ".: is a folder; name the job file in it", ("check .", "run .")),
    Mistake(
        "an empty file",
        (write("orders.yaml", "# later\n"),),
        "orders.yaml: is empty; write a job: name, source, target; `penstock schema` knows every key",
    ),
    Mistake(
        "a list instead of a job",
        (write("orders.yaml", "- name: orders\n"),),
        "orders.yaml:1: is no mapping; write a job: name:, source:, target:",
    ),
    Mistake(
        "two documents in one file",
        (add("---\nname: customers\n"),),
        "orders.yaml:14: a second document begins here; one file holds one job; leave --- out",
    ),
    Mistake(
        "saved in latin-1",
        (edit("orderNo", "größe"), recode("latin-1")),
        "orders.yaml:10: is not UTF-8 text; save it as UTF-8",
    ),
    Mistake("saved in UTF-16", (recode("utf-16"),), "orders.yaml:1: is not UTF-8 text; save it as UTF-8"),
    Mistake(
        "indented with a tab",
        (edit("  key: id", "\tkey: id"),),
        f"orders.yaml:5: this is no YAML: found character '\\t' that cannot start any token; {_SLIPS}",
    ),
    Mistake(
        "a colon in a text without quotes",
        (edit("name: orders", "name: orders: all"),),
        f"orders.yaml:1: this is no YAML: mapping values are not allowed here; {_SLIPS}",
    ),
    Mistake(
        "an expression without quotes",
        (edit('total: "{{ total }}"', "total: {{ total }}"),),
        'orders.yaml:10: a key is no plain text; write `key: value`, and quotes around text with { [ ! or *: "{{ total }}"',
    ),
    Mistake(
        "a YAML tag",
        (edit("key: id", "key: !!python/name:os.system id"),),
        "orders.yaml:5: source.key: has a tag (!...), and none is ever acted on; leave it out, or put quotes around the text",
    ),
    Mistake(
        "a key that is there twice",
        (edit("  key: id\n", "  key: id\n  key: order_no\n"),),
        "orders.yaml:6: source.key: is there twice, first in line 5; keep one of the two",
    ),
    Mistake(
        "a key with a slip in it",
        (delivery("concurency: 4"),),
        "orders.yaml:13: delivery.concurency: is no key that penstock knows; did you mean 'concurrency'?",
    ),
    Mistake(
        "a needed key with a slip in it",
        (edit("target:", "targets:"),),
        "orders.yaml:7: targets: is no key that penstock knows; did you mean 'target'?",
    ),
    Mistake(
        "a key that is missing",
        (edit("  key: id\n", ""),),
        "orders.yaml:2: source.key: is missing; add key: to source",
    ),
    Mistake(
        "a key of a later version",
        (edit("  idempotent: true", "  idempotent: true\n  batch: 10"),),
        "orders.yaml:13: target.batch: is reserved for a later version and not there yet; leave it out",
    ),
    Mistake(
        "text where true or false is meant",
        (edit("idempotent: true", "idempotent: yes"),),
        "orders.yaml:12: target.idempotent: 'yes' must be true or false, not text; write it without quotes",
        do="YAML 1.2 knows `true` and `false` alone.",
    ),
    Mistake(
        "text where a number is meant",
        (delivery("attempts: many"),),
        "orders.yaml:13: delivery.attempts: 'many' must be a whole number, not text; write it without quotes, point or unit",
    ),
    Mistake(
        "a negative number",
        (delivery("concurrency: -4"),),
        "orders.yaml:13: delivery.concurrency: -4 is no concurrency; write auto, or a number from 1 to 10000",
    ),
    Mistake(
        "a duration without its unit",
        (delivery("timeout: {total: 30}"),),
        "orders.yaml:13: delivery.timeout.total: 30 is no duration; write a number and a unit, like 200ms, 30s, 10m, 4h, 2d",
    ),
    Mistake(
        "a rate without its unit",
        (delivery("rate: 500"),),
        "orders.yaml:13: delivery.rate: 500 is no rate; write requests per time, like 500/s or 30/m",
    ),
    Mistake(
        "a share above the whole",
        (edit("stop_at: never", "stop_at: 150%"),),
        "orders.yaml:13: delivery.stop_at: '150%' is no limit; write a share like 5%, a number of rows like 50, or never",
    ),
    Mistake(
        "a lease shorter than a request may take",
        (add("ledger: {lease: 1s}\n"),),
        "orders.yaml:14: ledger.lease: '1s' is below 2 x timeout.total + 1 s, 61s; make it longer, or timeout.total shorter",
    ),
    Mistake(
        "a time zone by its city alone",
        (edit("  key: id", "  key: id\n  timezone: Shanghai"),),
        "orders.yaml:6: source.timezone: 'Shanghai' is no time zone; did you mean 'Asia/Shanghai'?",
    ),
    Mistake(
        "a method with a slip in it",
        (edit("  idempotent: true", "  idempotent: true\n  method: POTS"),),
        "orders.yaml:13: target.method: 'POTS' is none of POST, PUT, PATCH, DELETE, GET; did you mean 'POST'?",
    ),
    Mistake(
        "one column twice in the key",
        (edit("key: id", "key: [id, id]"),),
        "orders.yaml:5: source.key: names 'id' twice; name each column once",
    ),
    Mistake(
        "no query",
        (query('""'),),
        "orders.yaml:4: source.query: '' is missing or empty; write the SELECT to read, or table: for a whole table",
    ),
    Mistake(
        "a query and a table",
        (edit("  key: id", "  table: orders\n  key: id"),),
        "orders.yaml:4: source.query: 'SELECT id, order_no, total FROM orders' stands beside source.table; "
        "keep one of the two",
    ),
    Mistake(
        "a variable that is not set",
        (environment("API_TOKEN", None),),
        "orders.yaml:9: target.headers.Authorization: ${API_TOKEN} is not set; set API_TOKEN in the environment, or in a "
        ".env file beside the job file",
    ),
    Mistake(
        "a variable with a slip in it",
        (edit("${API_TOKEN}", "${API_TOKN}"),),
        "orders.yaml:9: target.headers.Authorization: ${API_TOKN} is not set; did you mean 'API_TOKEN'? else set API_TOKN in "
        "the environment, or in a .env file beside the job file",
    ),
    Mistake(
        "a variable that is set, but empty",
        (environment("API_TOKEN", ""),),
        "orders.yaml:9: target.headers.Authorization: ${API_TOKEN} is set, but empty; give it a value, or leave it out of "
        "the file",
        do="Look at whatever sets it: a secret that could not be fetched is often empty.",
    ),
    Mistake(
        "a variable whose brace does not close",
        (edit("${API_TOKEN}", "${API_TOKEN"),),
        "orders.yaml:9: target.headers.Authorization: has a ${ that names no variable; write ${NAME}, or $${ where the text "
        "itself has ${; there are no defaults",
    ),
    Mistake(
        "a .env that is a folder",
        (environment("API_TOKEN", None), folder(".env")),
        "orders.yaml:9: target.headers.Authorization: ${API_TOKEN} is looked up in .env, which cannot be read "
        "(Is a directory); make it readable text",
    ),
    Mistake(
        "a .env in another charset",
        (environment("API_TOKEN", None), write(".env", b"API_TOKEN=canary\xff")),
        "orders.yaml:9: target.headers.Authorization: ${API_TOKEN} is looked up in .env, which cannot be read "
        "(it is not UTF-8 text); make it readable text",
    ),
    Mistake(
        "a header of two lines",
        (edit('"Bearer ${API_TOKEN}"', '"Bearer\\nX-Other: 1"'),),
        "orders.yaml:9: target.headers.Authorization: holds a line break or control character; a header is one line; look at "
        "the end of its variables, too",
    ),
    Mistake(
        "an API's address without http://",
        (target("api.example.com/orders"),),
        "orders.yaml:8: target.url: 'api.example.com/orders' is no web address; write https://host/path or http://host/path",
    ),
    Mistake(
        "an API's address with a space",
        (target("https://api.example.com/my orders"),),
        "orders.yaml:8: target.url: 'https://api.example.com/my orders' has a space or control character; percent-encode it: "
        "a space is %20",
    ),
    Mistake(
        "an API's port that cannot be",
        (target("https://api.example.com:99999/orders"),),
        f"orders.yaml:8: target.url: 'https://api.example.com:99999/orders' {_HOST}",
    ),
    Mistake(
        "a password in the API's address",
        (target("https://me:canary@api.example.com/orders"),),
        "orders.yaml:8: target.url: 'https://***@api.example.com/orders' holds credentials; put them into headers, like "
        'Authorization: "Bearer ${API_TOKEN}"',
    ),
    Mistake(
        "a TLS file that is not there",
        (target("https://api.example.com/orders\n  tls: {ca: nosuch.pem}"),),
        "orders.yaml:9: target.tls.ca: 'nosuch.pem' is no file; relative paths start at the job file's folder, '<folder>'",
    ),
    Mistake(
        "a database that penstock does not know",
        (source("mysq://reader:canary@127.0.0.1/legacy"),),
        "orders.yaml:3: source.url: 'mysq://***@127.0.0.1/legacy' is no URL of a database that penstock knows; it starts with "
        "one of mysql://, mariadb://, postgresql://, sqlite://",
    ),
    Mistake(
        "a connection string of another kind",
        (source("Server=db;Database=legacy;Uid=reader;Pwd=canary;"),),
        "orders.yaml:3: source.url: '***' is no URL of a database that penstock knows; it starts with one of mysql://, "
        "mariadb://, postgresql://, sqlite://",
    ),
    Mistake(
        "a database's port that cannot be",
        (source("mysql://reader:canary@127.0.0.1:99999/legacy"),),
        f"orders.yaml:3: source.url: 'mysql://***@127.0.0.1:99999/legacy' {_HOST}",
    ),
    Mistake(
        "a database's URL without its database",
        (source("mysql://reader:${API_TOKEN}@127.0.0.1"),),
        "orders.yaml:3: source.url: 'mysql://***@127.0.0.1' names no database; write it behind the host: host:port/database",
    ),
    Mistake(
        "an @ in the password",
        (source("mysql://reader:can@ary@127.0.0.1/legacy"),),
        "orders.yaml:3: source.url: 'mysql://***@127.0.0.1/legacy' has more than one @ before its database; percent-encode "
        "the @ of the password as %40",
        do="Or let a variable hold it: `${OLD_DB_PASSWORD}` is percent-encoded for you.",
    ),
    Mistake(
        "two slashes before an SQLite file",
        (source("sqlite://shop.db"),),
        "orders.yaml:3: source.url: 'sqlite://shop.db' names no file; write sqlite:///shop.db for one beside the job file, "
        "sqlite:////data/shop.db for another",
    ),
    Mistake(
        "an expression with a slip in it",
        (edit('"{{ order_no }}"', '"{{ order_no | }}"'),),
        "orders.yaml:10: target.body.orderNo: '{{ order_no | }}' cannot be read: expected token 'name', got 'end of print "
        "statement'; write {{ column }} or {{ column | filter }}",
    ),
    Mistake(
        "a filter that does not exist",
        (edit('"{{ order_no }}"', '"{{ order_no | uppercase }}"'),),
        "orders.yaml:10: target.body.orderNo: '{{ order_no | uppercase }}' cannot be read: no filter 'uppercase'; did you "
        "mean 'upper'?",
    ),
    Mistake(
        "a statement where an expression is meant",
        (edit('"{{ order_no }}"', '"{% if order_no %}x{% endif %}"'),),
        "orders.yaml:10: target.body.orderNo: '{% if order_no %}x{% endif %}' cannot be read: statements {% ... %} are not "
        "known here; write {{ a if condition else b }}",
    ),
    Mistake(
        "a name that no answer has",
        (edit('"{{ body.id }}"', '"{{ response.id }}"'),),
        "orders.yaml:11: target.receipt: '{{ response.id }}' cannot be read: no name 'response'; there are: body, headers, "
        "row, status",
    ),
)
