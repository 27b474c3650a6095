"""The tables of the old shop, as ten years have left them: see the comments for what a migration trips over."""

from __future__ import annotations

TABLES = (
    # birthday: whoever did not say got 0000-00-00, later ones NULL. email: as people typed it.
    """CREATE TABLE customers (
        id INT UNSIGNED PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NOT NULL, phone VARCHAR(40) NULL,
        birthday DATE NULL DEFAULT '0000-00-00', newsletter TINYINT(1) NOT NULL DEFAULT 0, registered_at DATETIME NOT NULL,
        deleted TINYINT NOT NULL DEFAULT 0,
        updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
    # Never converted: the oldest table of the shop is still latin1.
    """CREATE TABLE addresses (
        id INT UNSIGNED PRIMARY KEY, customer_id INT UNSIGNED NOT NULL, kind ENUM('billing', 'shipping') NOT NULL,
        street VARCHAR(200) NOT NULL, postcode VARCHAR(12) NULL, city VARCHAR(100) NOT NULL, country CHAR(2) NOT NULL,
        KEY customer_id (customer_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = latin1""",
    # attributes: JSON, kept as text. discontinued_on: 0000-00-00 means that it is still sold.
    """CREATE TABLE products (
        id INT UNSIGNED PRIMARY KEY, sku VARCHAR(20) CHARACTER SET latin1 NOT NULL, name VARCHAR(200) NOT NULL,
        price DECIMAL(10, 2) NOT NULL, weight_kg DECIMAL(8, 3) NULL, attributes TEXT NULL,
        discontinued_on DATE NOT NULL DEFAULT '0000-00-00', UNIQUE KEY sku (sku)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
    # shipped_at: 0000-00-00 00:00:00 until it is. updated_at: what a careless marker of rows would spoil.
    """CREATE TABLE orders (
        id BIGINT UNSIGNED PRIMARY KEY, order_no VARCHAR(20) NOT NULL, customer_id INT UNSIGNED NOT NULL,
        status ENUM('open', 'paid', 'shipped', 'cancelled') NOT NULL, currency CHAR(3) NOT NULL,
        shipping DECIMAL(8, 2) NOT NULL, total DECIMAL(12, 2) NOT NULL, note VARCHAR(500) NULL,
        placed_at DATETIME NOT NULL, shipped_at DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',
        deleted TINYINT NOT NULL DEFAULT 0,
        updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        KEY customer_id (customer_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
    """CREATE TABLE order_items (
        order_id BIGINT UNSIGNED NOT NULL, line SMALLINT UNSIGNED NOT NULL, product_id INT UNSIGNED NOT NULL,
        quantity INT UNSIGNED NOT NULL, unit_price DECIMAL(10, 2) NOT NULL, PRIMARY KEY (order_id, line)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
    # amount: below zero where money went back. reference: latin1, with euro signs.
    """CREATE TABLE payments (
        id BIGINT UNSIGNED PRIMARY KEY, order_id BIGINT UNSIGNED NOT NULL, method VARCHAR(20) NOT NULL,
        amount DECIMAL(12, 2) NOT NULL, paid_at DATETIME NOT NULL, reference VARCHAR(60) CHARACTER SET latin1 NULL,
        KEY order_id (order_id)
    ) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4""",
)

INSERT_CUSTOMERS = (
    "INSERT INTO customers (id, name, email, phone, birthday, newsletter, registered_at, deleted, updated_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
INSERT_ADDRESSES = (
    "INSERT INTO addresses (id, customer_id, kind, street, postcode, city, country) VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
INSERT_PRODUCTS = (
    "INSERT INTO products (id, sku, name, price, weight_kg, attributes, discontinued_on)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
INSERT_ORDERS = (
    "INSERT INTO orders (id, order_no, customer_id, status, currency, shipping, total, note, placed_at, shipped_at,"
    " deleted, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
INSERT_ITEMS = "INSERT INTO order_items (order_id, line, product_id, quantity, unit_price) VALUES (%s, %s, %s, %s, %s)"
INSERT_PAYMENTS = (
    "INSERT INTO payments (id, order_id, method, amount, paid_at, reference) VALUES (%s, %s, %s, %s, %s, %s)"
)
