-- name: backends
SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid;

-- name: terminate
SELECT pid
  FROM (SELECT pid, row_number() OVER (ORDER BY pid) - 1 AS place, count(*) OVER () AS backends
          FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS one
 WHERE place = floor(%(which)s::float8 * backends) AND pg_terminate_backend(pid);
