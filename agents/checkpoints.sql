-- Of a conversation whose turn is over: its last checkpoint, and what that refers to. One statement; the library's own needs one for each channel.
-- name: forget_earlier
WITH head AS (
    SELECT checkpoint_id, checkpoint
      FROM checkpoints.checkpoints
     WHERE thread_id = %(thread)s AND checkpoint_ns = ''
     ORDER BY checkpoint_id DESC
     LIMIT 1
), earlier AS (
    DELETE FROM checkpoints.checkpoints USING head
     WHERE thread_id = %(thread)s AND (checkpoints.checkpoint_ns <> '' OR checkpoints.checkpoint_id <> head.checkpoint_id)
), without_parent AS (
    UPDATE checkpoints.checkpoints SET parent_checkpoint_id = NULL FROM head
     WHERE thread_id = %(thread)s AND checkpoint_ns = '' AND checkpoints.checkpoint_id = head.checkpoint_id AND parent_checkpoint_id IS NOT NULL
), writes AS (
    DELETE FROM checkpoints.checkpoint_writes USING head
     WHERE thread_id = %(thread)s AND (checkpoint_ns <> '' OR checkpoint_writes.checkpoint_id <> head.checkpoint_id)
)
DELETE FROM checkpoints.checkpoint_blobs USING head
 WHERE thread_id = %(thread)s
   AND (checkpoint_ns <> '' OR version IS DISTINCT FROM head.checkpoint -> 'channel_versions' ->> channel);
