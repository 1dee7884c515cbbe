-- A small shop for the demo. Every person, card and address here is invented; the cards are test numbers.
CREATE TABLE customers (
    id      integer PRIMARY KEY,
    name    text NOT NULL,
    email   text NOT NULL,
    phone   text NOT NULL,
    notes   text,
    credit_limit numeric(10, 2) NOT NULL
);
CREATE TABLE payments (
    id          integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    card        text NOT NULL,
    amount      numeric(10, 2) NOT NULL,
    paid_at     timestamptz NOT NULL
);
INSERT INTO customers VALUES
    (1, 'Ada Marlow',   'ada.marlow@example.com',   '+1 415 555 0132', 'prefers e-mail, also at ada@example.org', 2500),
    (2, 'Bo Lindqvist', 'bo.lindqvist@example.com', '+46 8 555 010 20', NULL, 900),
    (3, 'Chen Wei',     'chen.wei@example.net',     '+86 10 5550 1234', 'card on file 4111 1111 1111 1111', 1200),
    (4, 'Dana Okafor',  'dana.okafor@example.org',  '+234 1 555 0199', 'asked for an invoice', 400),
    (5, 'Eli Novak',    'eli.novak@example.com',    '+420 222 555 013', NULL, 3000);
INSERT INTO payments VALUES
    (101, 1, '4111111111111111', 120.00, '2026-03-02 09:15:00+00'),
    (102, 1, '4111111111111111',  18.50, '2026-03-09 11:40:00+00'),
    (103, 3, '5555555555554444', 310.00, '2026-03-11 16:05:00+00'),
    (104, 4, '378282246310005',   64.20, '2026-03-15 08:30:00+00'),
    (105, 5, '6011111111111117', 999.99, '2026-03-20 19:55:00+00');
