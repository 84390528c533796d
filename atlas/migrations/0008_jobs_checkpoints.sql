-- Background work (procrastinate's own tables) and the bookmarks of the graphs (LangGraph's own tables), each in a schema of its own.
CREATE SCHEMA jobs;
SET LOCAL search_path = jobs, public;
-- include: procrastinate
SET LOCAL search_path = public;

GRANT USAGE ON SCHEMA jobs TO bedrock_customer, bedrock_staff, bedrock_intake, bedrock_executor;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO bedrock_executor;
GRANT ALL ON ALL SEQUENCES IN SCHEMA jobs TO bedrock_executor;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO bedrock_executor;

-- Defers by name in the caller's transaction. With a queueing lock a burst leaves one job: if one is still waiting it is held until this transaction
-- commits (so that whoever takes it sees our rows) and announced again; if it was just taken, a new one is made.
CREATE FUNCTION jobs.defer(p_name text, p_arguments jsonb, p_lock text, p_queueing_lock text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_catalog, pg_temp
AS $$
DECLARE job bigint;
BEGIN
    INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    VALUES (split_part(p_name, '.', 1), p_name, 0, p_lock, p_queueing_lock, p_arguments, p_at)
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE SET priority = jobs.procrastinate_jobs.priority
    RETURNING id INTO job;
    PERFORM pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', job)::text);
    RETURN job;
END $$;
GRANT EXECUTE ON FUNCTION jobs.defer TO bedrock_customer, bedrock_staff, bedrock_intake, bedrock_executor;

-- Whoever leaves work for the world outside wakes whoever does it, in the same transaction; a burst is one job.
CREATE FUNCTION jobs.wake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = jobs, pg_catalog, pg_temp
AS $$ BEGIN PERFORM jobs.defer(TG_ARGV[0], '{}', NULL, TG_ARGV[0], NULL); RETURN NULL; END $$;
CREATE TRIGGER wake_outbox AFTER INSERT ON helpdesk.notice FOR EACH STATEMENT EXECUTE FUNCTION jobs.wake('forge.outbox');
CREATE TRIGGER wake_errands AFTER INSERT ON actions.errand FOR EACH STATEMENT EXECUTE FUNCTION jobs.wake('forge.errands');

CREATE SCHEMA checkpoints;
GRANT USAGE ON SCHEMA checkpoints TO bedrock_executor;
CREATE TABLE checkpoints.checkpoint_migrations (v integer PRIMARY KEY);
INSERT INTO checkpoints.checkpoint_migrations SELECT generate_series(0, 9);
CREATE TABLE checkpoints.checkpoints (
    thread_id            text NOT NULL,
    checkpoint_ns        text NOT NULL DEFAULT '',
    checkpoint_id        text NOT NULL,
    parent_checkpoint_id text,
    type                 text,
    checkpoint           jsonb NOT NULL,
    metadata             jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id)
);
CREATE TABLE checkpoints.checkpoint_blobs (
    thread_id     text NOT NULL,
    checkpoint_ns text NOT NULL DEFAULT '',
    channel       text NOT NULL,
    version       text NOT NULL,
    type          text NOT NULL,
    blob          bytea,
    PRIMARY KEY (thread_id, checkpoint_ns, channel, version)
);
CREATE TABLE checkpoints.checkpoint_writes (
    thread_id     text NOT NULL,
    checkpoint_ns text NOT NULL DEFAULT '',
    checkpoint_id text NOT NULL,
    task_id       text NOT NULL,
    idx           integer NOT NULL,
    channel       text NOT NULL,
    type          text,
    blob          bytea NOT NULL,
    task_path     text NOT NULL DEFAULT '',
    PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA checkpoints TO bedrock_executor;
