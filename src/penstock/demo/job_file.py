"""The demo's job file, written as a person would write it."""

from __future__ import annotations

from pathlib import Path

from penstock.demo.api import TOKEN

JOB_FILE = "orders.yaml"

_TEXT = """\
name: orders

source:
  url: sqlite:///shop.db
  query: |
    SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
    FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.deleted = 0
  key: id
  flag: {table: orders}                # is_import becomes 1 for every order that the API accepted
  timezone: Asia/Shanghai              # the shop wrote local time without saying whose

target:
  url: http://127.0.0.1:PORT/orders
  headers: {Authorization: "Bearer ${API_TOKEN}"}
  body:
    orderNo: "{{ order_no }}"
    total: "{{ total }}"
    buyer: {name: "{{ name }}", email: "{{ email | lower }}"}
    createdAt: "{{ created_at }}"
  accept: "{{ status < 300 and body.code == 0 }}"
  refuse: "{{ body.code >= 40000 }}"   # the shop's own rules say no: the row fails, with the reason
  receipt: "{{ body.data.id }}"
  idempotent: true                     # this API knows a repeated Idempotency-Key, so a repeat is harmless

delivery:
  concurrency: 32
"""


def job_file_text(*, port: int) -> str:
    """port: where the bundled API listens."""
    return _TEXT.replace("PORT", str(port))


def write_job_file(folder: Path, *, port: int) -> Path:
    """Write orders.yaml and, beside it, the .env that holds the token; returns the path of orders.yaml."""
    (folder / ".env").write_text(f"API_TOKEN={TOKEN}\n")
    path = folder / JOB_FILE
    path.write_text(job_file_text(port=port))
    return path
