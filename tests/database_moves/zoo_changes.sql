-- What an application does to the zoo; {generation} is a number.
INSERT INTO app.orders (customer, share, net) SELECT 'new {generation}-' || n, 5, n FROM generate_series(1, 20) AS n;
UPDATE app.orders SET net = net + 1, feeling = 'sad' WHERE id % 5 = {generation} % 5;
DELETE FROM app.orders WHERE id % 17 = {generation} % 17;
INSERT INTO app.events (at, region, kind, body) SELECT '2023-12-25'::date + n, 'eu', 1, 'new {generation}' FROM generate_series(1, 20) AS n;
UPDATE app.events SET at = '2024-03-03', region = 'us' WHERE at = '2023-12-26';
UPDATE app.keyless SET b = 'changed {generation}' WHERE a = 1;
DELETE FROM app.keyless WHERE ctid = (SELECT min(ctid) FROM app.keyless WHERE a = 2);
UPDATE app.by_index SET a = a + 100000, b = 'moved' WHERE a % 7 = {generation} % 7 AND a < 100000;
INSERT INTO app.odd_keys VALUES ('new', '{generation}', 'n{generation}', 'x');
UPDATE app.types SET t = t || '{generation}', r = 0.1 WHERE id > 2;
UPDATE app.egg SET hen = hen WHERE id < 10;
INSERT INTO app.notes (what, how) VALUES ('change', '{generation}');
DELETE FROM app.event_refs WHERE n = {generation};
INSERT INTO app.child VALUES (1000 + {generation}, 'c', 'w');
SELECT nextval('app.free'), nextval('app.cycling');
