-- name: client_backends
SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid;

-- name: postmaster
SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int;

-- name: beat
UPDATE gis.area SET latitude = latitude WHERE name = 'Crash';

-- name: make_devices
WITH place AS (INSERT INTO gis.area (name, latitude, longitude) VALUES ('Crash', 50, -3) RETURNING id)
INSERT INTO cmdb.device (name, kind, area_id)
SELECT 'crash-' || number, 'olt', place.id FROM place, generate_series(0, %(devices)s - 1) AS number;

-- name: kept
SELECT operation_key FROM actions.action WHERE operation_key LIKE 'crash-%%'
UNION ALL
SELECT managed_object FROM nms.alarm WHERE managed_object LIKE 'crash %%';

-- name: log_written
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0');

-- name: propose
SELECT action_id, is_new
  FROM actions.propose('note', '{}', '{}', sha256(convert_to(%(operation)s::text, 'UTF8')), %(operation)s::text, NULL, 'written while PostgreSQL crashes', '[]',
                       %(correlation_id)s::uuid, NULL, NULL);
