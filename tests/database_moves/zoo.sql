-- A database with everything that has broken some tool that moves databases. Its owner runs this;
-- {long} is a name of 63 bytes, {rows} a number of rows, {big} a number of bytes.
SET search_path = pg_catalog;
SET TimeZone = 'UTC';

CREATE SCHEMA app;
CREATE SCHEMA "App";
CREATE SCHEMA "select";
CREATE SCHEMA {long};
CREATE SCHEMA empty_schema;
COMMENT ON SCHEMA app IS 'it''s the "application''s" %s; -- \ schema';
GRANT USAGE ON SCHEMA app TO pg_monitor;

ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Types
CREATE TYPE app.mood AS ENUM ('sad', 'so-so', 'it''s "fine"', 'happy');
ALTER TYPE app.mood ADD VALUE 'ecstatic' BEFORE 'happy';
CREATE TYPE app."Pair of" AS (x integer, "the Y" text COLLATE "C");
CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = app.spans);
CREATE DOMAIN app.percent AS numeric(5, 2) DEFAULT 0 CONSTRAINT "in range" CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN app.percents AS app.percent[];
COMMENT ON TYPE app.mood IS 'how it feels';
COMMENT ON DOMAIN app.percent IS 'of a hundred';
CREATE COLLATION app.plain (locale = 'C');

-- Commit
-- Functions
CREATE FUNCTION app.shout(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT
    RETURN upper(t) || '!';
CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql SET search_path = app, pg_temp AS $body$
BEGIN
    -- Name: not_a_table; Type: TABLE; Schema: public; Owner: nobody
    INSERT INTO app.notes (what, how) VALUES (TG_NAME, TG_OP || ';' || E'\n');
    RETURN NULL;
END
$body$;
CREATE FUNCTION app.stamp() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.touched := coalesce(NEW.touched, 0) + 1; RETURN NEW; END';
CREATE PROCEDURE app.nothing(INOUT a integer) LANGUAGE plpgsql AS 'BEGIN a := a + 1; END';
CREATE AGGREGATE app.total(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0');
CREATE OPERATOR app.|+| (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
GRANT EXECUTE ON FUNCTION app.shout(text) TO PUBLIC;
COMMENT ON FUNCTION app.shout(text) IS 'louder';

-- Sequences
CREATE SEQUENCE app.free INCREMENT 7 START 100 CACHE 5;
CREATE SEQUENCE app.cycling AS smallint MINVALUE -3 MAXVALUE 3 CYCLE;
CREATE SEQUENCE app.downward INCREMENT -1 MINVALUE -9000 START -1;
CREATE SEQUENCE app.untouched START 42;
COMMENT ON SEQUENCE app.free IS 'owned by nobody';
GRANT USAGE ON SEQUENCE app.free TO pg_monitor;

-- Identity, serial, generated columns; triggers of all modes; row-level security
CREATE TABLE app.orders (
    id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 3) PRIMARY KEY,
    number serial UNIQUE,
    customer text NOT NULL CHECK (customer <> ''),
    feeling app.mood DEFAULT 'so-so',
    share app.percent NOT NULL,
    net numeric(12, 2) NOT NULL,
    gross numeric(12, 2) GENERATED ALWAYS AS (net * 1.19) STORED,
    touched integer,
    dropped integer,
    at timestamptz NOT NULL DEFAULT '2024-02-29 12:00:00.123456+00',
    CONSTRAINT "net & share" CHECK (net >= 0 OR share > 0) NO INHERIT
);
ALTER TABLE app.orders DROP COLUMN dropped;
ALTER TABLE app.orders ADD COLUMN "added, later" jsonb DEFAULT '{"a": [1, null, "é"]}' NOT NULL;
ALTER TABLE app.orders ALTER COLUMN customer SET STATISTICS 321;
ALTER TABLE app.orders ALTER COLUMN customer SET STORAGE EXTERNAL;
ALTER TABLE app.orders SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE app.orders IS 'orders';
COMMENT ON COLUMN app.orders."added, later" IS 'a column''s comment';
COMMENT ON CONSTRAINT "net & share" ON app.orders IS 'a check''s comment';
CREATE INDEX orders_open ON app.orders (at DESC NULLS LAST) INCLUDE (net) WHERE feeling <> 'sad';
CREATE INDEX orders_loud ON app.orders (app.shout(customer), (net + 1)) WITH (fillfactor = 60);
ALTER INDEX app.orders_loud ALTER COLUMN 2 SET STATISTICS 555;
CREATE INDEX orders_json ON app.orders USING gin ("added, later" jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX orders_pattern ON app.orders (customer text_pattern_ops);
CREATE INDEX orders_brin ON app.orders USING brin (at timestamptz_minmax_multi_ops (values_per_range = 16));
CREATE INDEX orders_hash ON app.orders USING hash (customer);
COMMENT ON INDEX app.orders_open IS 'an index''s comment';
ALTER TABLE app.orders CLUSTER ON orders_loud;
CREATE STATISTICS app.orders_related (dependencies, ndistinct, mcv) ON customer, net FROM app.orders;
COMMENT ON STATISTICS app.orders_related IS 'what goes with what';
ALTER STATISTICS app.orders_related SET STATISTICS 77;
ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own rows" ON app.orders AS PERMISSIVE FOR SELECT TO pg_monitor USING (customer = current_user);
CREATE POLICY limits ON app.orders AS RESTRICTIVE FOR INSERT TO PUBLIC WITH CHECK (net < 1e9);
COMMENT ON POLICY limits ON app.orders IS 'a policy''s comment';
GRANT SELECT (customer, net), UPDATE (net) ON app.orders TO pg_monitor;
GRANT INSERT ON app.orders TO pg_read_all_data WITH GRANT OPTION;

CREATE TABLE app.notes (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, what text, how text);
CREATE TRIGGER a_before BEFORE INSERT OR UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.stamp();
CREATE TRIGGER "always on" AFTER UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE TRIGGER on_replica AFTER DELETE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE TRIGGER switched_off AFTER INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE TRIGGER on_statement AFTER TRUNCATE ON app.orders FOR EACH STATEMENT EXECUTE FUNCTION app.note();
CREATE CONSTRAINT TRIGGER deferred_note AFTER INSERT ON app.orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.net > 900) EXECUTE FUNCTION app.note();
ALTER TABLE app.orders ENABLE ALWAYS TRIGGER "always on";
ALTER TABLE app.orders ENABLE REPLICA TRIGGER on_replica;
ALTER TABLE app.orders DISABLE TRIGGER switched_off;
COMMENT ON TRIGGER "always on" ON app.orders IS 'a trigger''s comment';

CREATE TABLE app.secrets (id integer PRIMARY KEY, owner name NOT NULL, body text);
ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON app.secrets USING (owner = current_user);

-- Every type; values at the edge
CREATE TABLE app.types (
    id integer PRIMARY KEY,
    b boolean, i2 smallint, i4 integer, i8 bigint, r real, d double precision, n numeric,
    c char(7), v varchar(40), t text, nm name, by bytea,
    dt date, tm time, tmz time with time zone, ts timestamp, tsz timestamptz, iv interval,
    u uuid, ip inet, net cidr, mac macaddr, bt bit(5), vb bit varying,
    m money, js json, jb jsonb, tv tsvector, tq tsquery,
    p point, pl polygon, rng int4range, tsr tstzrange, mr int8multirange, fs app.span,
    e app.mood, es app.mood[], pr app."Pair of", prs app."Pair of"[], pc app.percent, pcs app.percents,
    ia integer[][], ta text[]
);
ALTER TABLE app.types ALTER COLUMN by SET STORAGE EXTERNAL;
INSERT INTO app.types VALUES
 (1, true, -32768, -2147483648, -9223372036854775808, 'NaN', 'NaN', 'NaN',
  'a', E'tab\t nl\n cr\r bs\\ ', E'\u0001\u4e2d\U0001F600''"', 'name', '\x00ff27225c',
  'infinity', '24:00:00', '23:59:59.999999-15:59', '-infinity', 'infinity', '-178000000 years 3 mons -1 days +00:00:00.000001',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'fe80::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'',
  '-92233720368547758.08', '{"a":1, "a" : 2 }', '{"a": 1e400, "": [null, "\\u00e9"]}',
  'a:1A,2B cat', 'a & !b <-> c', '(1e300,-0)', '((0,0),(1,1),(1,0))', 'empty', '[2024-01-01,infinity)',
  '{[1,3),[7,9]}', '[NaN,NaN]', 'it''s "fine"', ARRAY['sad', NULL]::app.mood[], '(1,"a ""q"", \\")', ARRAY['(,)', NULL]::app."Pair of"[],
  99.99, '{1.5,100}', '[-1:0][2:3]={{1,2},{3,4}}', ARRAY['NULL', NULL, '', '{a,"b}', E'\\']),
 (2, false, 32767, 2147483647, 9223372036854775807, 'Infinity', '-Infinity', 'Infinity',
  '', '', '', '', '', '4713-01-01 BC', '00:00', '00:00+15:59', '294276-12-31 23:59:59.999999', '4713-01-01 00:00:00+00 BC', '0',
  '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::/0', 'ff:ff:ff:ff:ff:ff', B'00000', B'1',
  '0', 'null', 'null', '', '', '(0,0)', '((0,0))', '(,)', '(,)', '{}', '(,)', 'sad', '{}', '(,)', '{}', 0, '{}', '{}', '{}');
INSERT INTO app.types (id, b, i2, i4, i8, r, d, n) VALUES
 (3, NULL, NULL, NULL, NULL, 1.1754944e-38, 0.1::float8 + 0.2::float8, 1e-1000),
 (4, NULL, NULL, NULL, NULL, '-0', '-0', 123456789012345678901234567890.123456789),
 (5, NULL, NULL, NULL, NULL, NULL, 5e-324, '-Infinity');
INSERT INTO app.types (id, by, t) SELECT 6, decode(repeat('00ff5c27', {big} / 4), 'hex'), repeat('é\', 20000);

-- Names: the same in several schemas, keywords, 63 bytes, quotes
CREATE TABLE "App".orders (id integer PRIMARY KEY, note text);
CREATE TABLE "App"."Orders" (id integer PRIMARY KEY, note text);
CREATE TABLE "select".orders (id integer PRIMARY KEY, note text);
CREATE TABLE "select"."table" (
    "select" integer NOT NULL, "from" text NOT NULL, "where" text, "user" text DEFAULT current_user, "order" serial,
    PRIMARY KEY ("from", "select")
);
CREATE TABLE {long}.{long} ({long} integer PRIMARY KEY, "a ""b"" 'c' %s {{}} $1 \ ;--" text, "	tab" text);
CREATE INDEX "an ""index"" %s; --" ON {long}.{long} ("a ""b"" 'c' %s {{}} $1 \ ;--");
CREATE VIEW "select"."view" AS SELECT "select", "from" AS "column" FROM "select"."table";
INSERT INTO "App".orders SELECT g, 'App' FROM generate_series(1, {rows}) AS g;
INSERT INTO "App"."Orders" SELECT g, 'App Orders' FROM generate_series(1, {rows}) AS g;
INSERT INTO "select".orders SELECT g, 'select' FROM generate_series(1, {rows}) AS g;
INSERT INTO "select"."table" SELECT g, g::text, 'x' FROM generate_series(1, {rows}) AS g;
INSERT INTO {long}.{long} SELECT g, g::text, NULL FROM generate_series(1, {rows}) AS g;

-- Keys: none, full, by a unique index, several columns, text under odd collations
CREATE TABLE app.keyless (a integer, b text, d double precision);
ALTER TABLE app.keyless REPLICA IDENTITY FULL;
INSERT INTO app.keyless SELECT g % 10, CASE WHEN g % 3 = 0 THEN NULL ELSE 'x' END, g / 3.0 FROM generate_series(1, {rows}) AS g;
INSERT INTO app.keyless VALUES (NULL, NULL, 'NaN'), (NULL, NULL, 'NaN'), (1, 'doubled', 1), (1, 'doubled', 1);
CREATE TABLE app.by_index (a integer NOT NULL, b text, c integer NOT NULL);
CREATE UNIQUE INDEX "by index" ON app.by_index (c, a);
ALTER TABLE app.by_index REPLICA IDENTITY USING INDEX "by index";
INSERT INTO app.by_index SELECT g, 'x', -g FROM generate_series(1, {rows}) AS g;
CREATE TABLE app.odd_keys (
    "C" text COLLATE "C" NOT NULL, posix text COLLATE "POSIX" NOT NULL, own text COLLATE app.plain, usual varchar(30),
    PRIMARY KEY (posix, "C"), CONSTRAINT "nulls are one" UNIQUE NULLS NOT DISTINCT (own, usual) INCLUDE (posix)
);
INSERT INTO app.odd_keys SELECT chr(g + 40) || g, chr(400 - g % 100) || E'\t' || g, g, NULL FROM generate_series(1, {rows}) AS g;
CREATE TABLE app.no_columns ();
ALTER TABLE app.no_columns REPLICA IDENTITY FULL;
CREATE TABLE app.empty (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), v integer);

-- Foreign keys: circular, deferrable, to itself; exclusion; deferrable keys
CREATE TABLE app.hen (id integer PRIMARY KEY, egg integer, mother integer REFERENCES app.hen ON DELETE SET NULL);
CREATE TABLE app.egg (id integer PRIMARY KEY, hen integer NOT NULL REFERENCES app.hen DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE app.hen ADD CONSTRAINT "from egg" FOREIGN KEY (egg) REFERENCES app.egg ON UPDATE CASCADE DEFERRABLE;
INSERT INTO app.hen SELECT g, NULL, CASE WHEN g > 1 THEN g - 1 END FROM generate_series(1, {rows}) AS g;
INSERT INTO app.egg SELECT g, g FROM generate_series(1, {rows}) AS g;
UPDATE app.hen SET egg = id;
CREATE TABLE app.lines (
    order_id bigint NOT NULL REFERENCES app.orders ON DELETE CASCADE, line integer NOT NULL, what text,
    CONSTRAINT lines_pk PRIMARY KEY (order_id, line) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE app.lines REPLICA IDENTITY FULL;
ALTER TABLE app.lines ADD CONSTRAINT "not checked" CHECK (line < 1000) NOT VALID;
CREATE TABLE app.rooms (
    id integer PRIMARY KEY, room circle, during tstzrange,
    CONSTRAINT "one at a time" EXCLUDE USING gist (room WITH &&, during WITH &&) WHERE (id > 0) DEFERRABLE
);
INSERT INTO app.rooms SELECT g, circle(point(g * 10, 0), 1), tstzrange('2024-01-01', '2024-01-02') FROM generate_series(1, {rows}) AS g;

-- Inheritance, partitions by range, list and hash, sub-partitions, a default, one detached
CREATE TABLE app.parent (id integer PRIMARY KEY, v text);
CREATE TABLE app.child (w text) INHERITS (app.parent);
ALTER TABLE app.child ADD PRIMARY KEY (id);
INSERT INTO app.parent VALUES (1, 'parent');
INSERT INTO app.child VALUES (2, 'child', 'w');
CREATE TABLE app.events (
    at date NOT NULL, region text NOT NULL, id bigint GENERATED BY DEFAULT AS IDENTITY, kind integer DEFAULT 0, body text,
    CONSTRAINT events_pk PRIMARY KEY (at, region, id)
) PARTITION BY RANGE (at);
CREATE TABLE app.events_2023 PARTITION OF app.events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE app.events_2024 PARTITION OF app.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (region);
CREATE TABLE app."events 2024 eu" PARTITION OF app.events_2024 FOR VALUES IN ('eu', 'é') PARTITION BY HASH (id);
CREATE TABLE app.events_2024_eu_0 PARTITION OF app."events 2024 eu" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE "App".events_2024_eu_1 PARTITION OF app."events 2024 eu" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.events_2024_rest (body text, id bigint NOT NULL, at date NOT NULL, kind integer, region text NOT NULL);
ALTER TABLE app.events_2024 ATTACH PARTITION app.events_2024_rest DEFAULT;
CREATE TABLE app.events_2022 PARTITION OF app.events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE INDEX events_kind ON app.events (kind) WHERE kind > 0;
CREATE INDEX events_2023_only ON app.events_2023 (body);
CREATE UNIQUE INDEX "events unique" ON app.events (id, at, region);
CREATE TABLE app.event_kinds (kind integer PRIMARY KEY);
INSERT INTO app.event_kinds SELECT generate_series(0, 9);
ALTER TABLE app.events ADD FOREIGN KEY (kind) REFERENCES app.event_kinds;
CREATE TABLE app.event_refs (at date, region text, id bigint, n integer PRIMARY KEY, FOREIGN KEY (at, region, id) REFERENCES app.events);
CREATE TRIGGER events_note AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.note();
INSERT INTO app.events (at, region, kind, body)
    SELECT '2022-06-01'::date + g % 900, (ARRAY['eu', 'é', 'us', 'asia'])[1 + g % 4], g % 10, 'event ' || g FROM generate_series(1, {rows}) AS g;
INSERT INTO app.event_refs SELECT at, region, id, row_number() OVER () FROM app.events;
ALTER TABLE app.events ALTER CONSTRAINT events_kind_fkey DEFERRABLE;
DELETE FROM app.event_refs WHERE at < '2023-01-01';
ALTER TABLE app.events DETACH PARTITION app.events_2022;

-- Rules, views on views, materialized views on views, a view that needs a primary key
CREATE TABLE app.ruled (id integer PRIMARY KEY, v text);
CREATE RULE "no delete" AS ON DELETE TO app.ruled DO INSTEAD NOTHING;
CREATE RULE copy_note AS ON INSERT TO app.ruled DO ALSO INSERT INTO app.notes (what, how) VALUES ('rule', NEW.v);
COMMENT ON RULE "no delete" ON app.ruled IS 'a rule''s comment';
INSERT INTO app.ruled SELECT g, 'r' FROM generate_series(1, 3) AS g;
CREATE VIEW app.first_view WITH (security_barrier) AS SELECT id, customer, net FROM app.orders WHERE net > 1 WITH LOCAL CHECK OPTION;
CREATE VIEW app.a_second_view AS SELECT customer, sum(net) AS net FROM app.first_view GROUP BY customer;
CREATE VIEW app.by_key AS SELECT o.id, o.customer, count(l.*) AS lines FROM app.orders AS o LEFT JOIN app.lines AS l ON l.order_id = o.id GROUP BY o.id;
CREATE RECURSIVE VIEW app.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE VIEW app.writable AS SELECT id, v FROM app.ruled;
CREATE FUNCTION app.instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER instead INSTEAD OF UPDATE ON app.by_key FOR EACH ROW EXECUTE FUNCTION app.instead();
ALTER VIEW app.first_view ALTER COLUMN net SET DEFAULT 5;
COMMENT ON VIEW app.first_view IS 'a view''s comment';
GRANT SELECT ON app.first_view TO pg_monitor;
CREATE MATERIALIZED VIEW app.z_matview AS SELECT customer, net FROM app.a_second_view;
CREATE UNIQUE INDEX z_matview_key ON app.z_matview (customer);
CREATE MATERIALIZED VIEW app.a_matview AS SELECT count(*) AS n, sum(net) AS net FROM app.z_matview;
CREATE MATERIALIZED VIEW app.unfilled AS SELECT 1 AS one WITH NO DATA;
CREATE MATERIALIZED VIEW app.matview_by_key AS SELECT id, count(*) AS n, customer FROM app.orders GROUP BY id;
CREATE INDEX matview_by_key_n ON app.matview_by_key (n);
COMMENT ON MATERIALIZED VIEW app.z_matview IS 'a materialized view''s comment';
CREATE FUNCTION app.needs_key() RETURNS SETOF app.orders LANGUAGE sql BEGIN ATOMIC SELECT * FROM app.orders GROUP BY id; END;

-- Text search, in the owner's own words
CREATE TEXT SEARCH DICTIONARY app.plain_words (TEMPLATE = simple, accept = false);
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION app.words ALTER MAPPING FOR asciiword WITH app.plain_words, simple;

-- Rows
INSERT INTO app.orders (customer, feeling, share, net, at)
    SELECT 'customer ' || g, (enum_range(NULL::app.mood))[1 + g % 5], g % 101, g * 1.01, '2024-01-01'::timestamptz + g * interval '1 hour'
      FROM generate_series(1, {rows}) AS g;
INSERT INTO app.lines SELECT id, n, 'line' FROM app.orders, generate_series(1, 2) AS n;
UPDATE app.orders SET net = net + 1 WHERE id % 2 = 0;
SELECT nextval('app.free'), nextval('app.cycling'), nextval('app.downward') FROM generate_series(1, 5);
REFRESH MATERIALIZED VIEW app.z_matview;
REFRESH MATERIALIZED VIEW app.a_matview;
REFRESH MATERIALIZED VIEW app.matview_by_key;
