// Node: undici and mysql2, as somebody writes it who knows both. Pages are read ahead, so many requests are in flight as the
// pool has connections, and rows are marked 500 to a statement while others are under way.

import mysql from "mysql2/promise";
import { Pool } from "undici";

const PAGE_ROWS = 1000;
const BATCH_ROWS = 500;
const PAGE = `
  SELECT o.id, o.order_no, o.total, o.created_at, c.name, c.email
  FROM orders o JOIN customers c ON c.id = o.customer_id
  WHERE o.deleted = 0 AND o.is_import = 0 AND o.id > ? ORDER BY o.id LIMIT ${PAGE_ROWS}`;
const MARK = "UPDATE orders SET is_import = 1 WHERE id IN (?)";
const NOTE = "moved from the old shop, where it had been since it was placed; its history stays there and is not moved";

const task = JSON.parse(process.argv[2]);
const api = new URL(task.api);
const http = new Pool(api.origin, { connections: task.in_flight, pipelining: 1 });
const database = mysql.createPool({
  host: task.database.host,
  port: task.database.port,
  user: task.database.user,
  password: task.database.password,
  database: task.database.name,
  connectionLimit: 4,
  dateStrings: true,
});

function body([, orderNo, total, createdAt, name, email]) {
  return JSON.stringify({
    orderNo,
    total: Number(total),
    buyer: { name, email: email.toLowerCase() },
    createdAt: `${createdAt.replace(" ", "T")}+08:00`,
    note: NOTE,
  });
}

async function post(row) {
  const answer = await http.request({
    path: api.pathname,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: body(row),
  });
  const said = await answer.body.json();
  if (answer.statusCode >= 300 || said.code !== 0) {
    throw new Error(`order ${row[0]}: ${answer.statusCode} ${JSON.stringify(said)}`);
  }
}

async function readPage(after) {
  const [rows] = await database.query({ sql: PAGE, values: [after], rowsAsArray: true });
  return rows;
}

// Marks what has been accepted, a batch at a time; two batches may be on their way to the database.
class Marker {
  #keys = [];
  #running = new Set();

  async add(key) {
    this.#keys.push(key);
    if (this.#keys.length >= BATCH_ROWS) await this.#flush(2);
  }

  async end() {
    await this.#flush(Infinity);
    await Promise.all(this.#running);
  }

  async #flush(most) {
    if (this.#keys.length === 0) return;
    const statement = database.query(MARK, [this.#keys.splice(0)]).finally(() => this.#running.delete(statement));
    this.#running.add(statement);
    while (this.#running.size > most) await Promise.race(this.#running);
  }
}

// The rows one after another; the next page is read while this one is sent.
class Rows {
  #page = [];
  #position = 0;
  #coming = readPage(0);
  #turning = null;

  async next() {
    while (this.#position >= this.#page.length) {
      if (this.#coming === null) return undefined;
      this.#turning ??= this.#turn();
      await this.#turning;
    }
    return this.#page[this.#position++];
  }

  async #turn() {
    this.#page = await this.#coming;
    this.#position = 0;
    this.#coming = this.#page.length === 0 ? null : readPage(this.#page.at(-1)[0]);
    this.#turning = null;
  }
}

const rows = new Rows();
const marker = new Marker();

async function send() {
  for (let row = await rows.next(); row !== undefined; row = await rows.next()) {
    await post(row);
    await marker.add(row[0]);
  }
}

await Promise.all(Array.from({ length: task.in_flight }, send));
await marker.end();
await http.close();
await database.end();
