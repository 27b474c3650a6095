"""A small old shop, and queries of every shape over it. Each shows a column `id` that identifies its rows."""

SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, qty INTEGER NOT NULL, note VARCHAR(80))",
    """CREATE TABLE items (order_id INTEGER NOT NULL, line INTEGER NOT NULL, sku VARCHAR(20), qty INTEGER,
       PRIMARY KEY (order_id, line))""",
    "INSERT INTO customers VALUES (1, 'ann@example.com'), (2, 'bo@example.com'), (3, 'cy@example.com')",
    """INSERT INTO orders VALUES (1, 1, 5, 'a'), (2, 1, 0, '50% off?'), (3, 2, 7, ':name'), (4, 3, 1, NULL),
       (5, NULL, 9, 'x;y'), (8, 2, 2, 'it''s'), (9, 3, 3, 'b'), (11, 1, 4, 'c'), (12, 2, 6, 'd'), (30, 3, 8, 'e'),
       (31, 1, 1, 'f'), (77, 2, 0, 'g')""",
    """INSERT INTO items VALUES (1, 1, 'p', 1), (1, 2, 'q', 2), (2, 1, 'p', 1), (3, 1, 'r', 4), (3, 2, 'p', 1),
       (3, 3, 'q', 1), (8, 1, 'r', 2), (12, 4, 'q', 9)""",
)

# A condition on the key may stand in their own WHERE.
INSIDE = {
    "a whole table": "SELECT * FROM orders",
    "a join": "SELECT o.id, o.qty, c.email FROM orders o JOIN customers c ON c.id = o.customer_id",
    "a bare name over a join": "SELECT line, id FROM orders JOIN items ON order_id = id WHERE line = 1",
    "a whole path as name": """SELECT orders.qty, email, orders.id AS id
        FROM orders JOIN customers c ON c.id = customer_id""",
    "an outer join": "SELECT o.id, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
    "a star and a column": "SELECT o.*, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
    "an OR": "SELECT id, qty FROM orders WHERE qty > 6 OR note = 'a'",
    "an order of its own": "SELECT o.id, o.qty FROM orders o WHERE o.qty > 0 ORDER BY o.qty DESC, o.id",
    "an alias": "SELECT o.id AS id, o.id * 2 AS twice FROM orders AS o",
    "comments and a semicolon": """-- first
        SELECT id, /* in; between */ qty FROM orders WHERE qty > 0 -- last one; ?
        ;  -- end""",
    "a comment before the order": "SELECT id FROM orders WHERE qty > 1 -- why\n ORDER BY qty",
    "signs in texts": """SELECT id, note, '%s ? :x % "q" `b`' AS t
        FROM orders WHERE note LIKE '50%' OR note IN (':name', 'it''s', 'x;y')""",
    "a GROUP BY with the key": """SELECT o.id, COUNT(*) AS n, SUM(i.qty) AS q
        FROM orders o JOIN items i ON i.order_id = o.id GROUP BY o.id HAVING SUM(i.qty) > 1""",
    "a GROUP BY another name": """SELECT i.order_id AS id, MAX(o.qty) AS q
        FROM orders o JOIN items i ON i.order_id = o.id GROUP BY i.order_id""",
    "a WITH": """WITH big AS (SELECT id, qty, customer_id FROM orders WHERE qty > 2)
        SELECT big.id, c.email FROM big JOIN customers c ON c.id = big.customer_id""",
    "subqueries": """SELECT o.id, (SELECT MAX(i.qty) FROM items i WHERE i.order_id = o.id) AS m
        FROM orders o WHERE EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id)""",
    "a derived table": "SELECT t.id, t.q FROM (SELECT o.id, o.qty AS q FROM orders o WHERE o.qty > 1) t WHERE t.q < 9",
    "backquotes": "SELECT `o`.`id`, `o`.`qty` AS `the qty` FROM `orders` AS `o` WHERE `o`.`qty` > 1",
    "CASE and BETWEEN": """SELECT id, CASE WHEN qty > 3 THEN 'many' ELSE 'few' END AS much
        FROM orders WHERE qty BETWEEN 1 AND 8""",
    "no rows": "SELECT id, qty FROM orders WHERE qty > 1000",
}

# There it would mean something else, or cannot stand.
AROUND = {
    "DISTINCT": """SELECT DISTINCT o.id, c.email
        FROM orders o JOIN items i ON i.order_id = o.id JOIN customers c ON c.id = o.customer_id""",
    "UNION ALL": "SELECT id, qty FROM orders WHERE id < 9 UNION ALL SELECT id + 100, 0 FROM customers",
    "UNION": "SELECT id FROM orders UNION SELECT id FROM customers",
    "a window": "SELECT id, qty, ROW_NUMBER() OVER (ORDER BY qty, id) AS place FROM orders",
    "a window in a GROUP BY": """SELECT o.id, SUM(SUM(i.qty)) OVER (ORDER BY o.id) AS running
        FROM orders o JOIN items i ON i.order_id = o.id GROUP BY o.id""",
    "a LIMIT": "SELECT id, qty FROM orders ORDER BY qty DESC, id LIMIT 5",
    "a LIMIT with OFFSET": "SELECT id, qty FROM orders ORDER BY id LIMIT 4 OFFSET 3",
    "an aggregate of all": "SELECT MAX(id) AS id, COUNT(*) AS n FROM orders",
    "an expression as key": "SELECT id + 1000 AS id, qty FROM orders",
    "a key that another column is named like": """SELECT 9 - customer_id AS customer_id, customer_id AS id
        FROM orders WHERE orders.id IN (1, 3, 4)""",
    "a GROUP BY by place": """SELECT o.customer_id AS id, COUNT(*) AS n
        FROM orders o WHERE o.customer_id IS NOT NULL GROUP BY 1""",
}
