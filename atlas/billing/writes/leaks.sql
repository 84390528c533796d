-- name: take_leak_looks
SELECT billing.take_leak_looks(%(most)s);

-- name: record_leaks
SELECT %(lines)s::int AS lines, recorded.found::int AS found, recorded.gone::int AS gone FROM billing.record_leaks(%(subscriber_ids)s::bigint[]) AS recorded;
