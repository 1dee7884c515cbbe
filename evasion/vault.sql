-- One canary of sixteen different letters in every kind of place that a value can stand in.
CREATE TYPE locked AS (n int, word text);
CREATE DOMAIN hushed AS text;
CREATE TABLE vault (id int PRIMARY KEY, label text, secret text, short varchar(40), sealed hushed, extra jsonb, loose json,
    words text[], raw bytea, pair locked, doc xml);
INSERT INTO vault SELECT n, 'label ' || n, c, c, c, jsonb_build_object('a', c, 'b', jsonb_build_array(c)),
    json_build_object('a', c), ARRAY[c, 'other'], convert_to(c, 'UTF8'), ROW(n, c)::locked, xmlelement(name a, c)
    FROM generate_series(1, 2) n, (VALUES ('qzjxkvwpyhbmgfdt')) v(c);
CREATE TABLE scratch (id int, note text);
INSERT INTO scratch VALUES (1, 'one'), (2, 'two');
CREATE VIEW near AS SELECT id, secret AS s, extra AS e FROM vault;
CREATE VIEW far AS SELECT id, concat(s, '!') AS s FROM near;
CREATE MATERIALIZED VIEW kept AS SELECT id, reverse(secret) AS s FROM vault;
CREATE TABLE heir () INHERITS (vault);
INSERT INTO heir SELECT 3, label, secret, short, sealed, extra, loose, words, raw, pair, doc FROM vault WHERE id = 1;
CREATE FUNCTION echo(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION of_row(vault) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.secret';
CREATE FUNCTION all_rows() RETURNS SETOF vault LANGUAGE sql AS 'SELECT * FROM vault';
CREATE FUNCTION gossip() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(secret) FROM vault); END $$;
