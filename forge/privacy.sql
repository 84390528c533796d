-- Whoever holds the conversation's lock is in the middle of a turn: it is taken the next night.
-- name: expire_checkpoints
WITH expired AS (
    SELECT latest.thread_id
      FROM (SELECT kept.thread_id, max((kept.checkpoint ->> 'ts')::timestamptz) AS at FROM checkpoints.checkpoints AS kept GROUP BY kept.thread_id) AS latest
     WHERE latest.at < %(before)s AND pg_try_advisory_xact_lock(hashtextextended(latest.thread_id, 0))
     ORDER BY latest.at
     LIMIT %(most)s
), writes AS (
    DELETE FROM checkpoints.checkpoint_writes AS gone USING expired WHERE gone.thread_id = expired.thread_id
), blobs AS (
    DELETE FROM checkpoints.checkpoint_blobs AS gone USING expired WHERE gone.thread_id = expired.thread_id
), bookmarks AS (
    DELETE FROM checkpoints.checkpoints AS gone USING expired WHERE gone.thread_id = expired.thread_id
)
SELECT count(*) FROM expired;

-- name: note_copy
SELECT actions.note_at_door(%(actor)s, 'copied', jsonb_build_object('customer', %(customer_id)s::bigint, 'rows', %(rows)s::bigint));
