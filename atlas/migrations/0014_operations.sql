-- What watches the house asks a few counts every few seconds: each by an index of its own, so that asking costs the same in ten years.
CREATE INDEX notice_in_doubt ON helpdesk.notice (id) WHERE state = 'in_doubt';
CREATE INDEX errand_in_doubt ON actions.errand (id) WHERE state = 'in_doubt';
CREATE INDEX action_finished ON actions.action (finished_at) WHERE finished_at IS NOT NULL;
-- What is over is told as a trace, a few seconds' worth at a time.
CREATE INDEX notice_sent ON helpdesk.notice (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX errand_finished ON actions.errand (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX message_by_time ON helpdesk.message (at);
CREATE INDEX incident_opened ON itsm.incident (opened_at);

-- Which migrations this database has: whoever starts compares it with those it brings.
CREATE FUNCTION atlas.migrations() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT name FROM public.migration ORDER BY name $$;
GRANT EXECUTE ON FUNCTION atlas.migrations() TO bedrock_staff, bedrock_intake, bedrock_executor;
