-- Articles to answer from, found by their words and by what they mean, some of them for colleagues only; and what solved a fault before.
ALTER TABLE knowledge.passage
    ADD COLUMN is_public    boolean NOT NULL DEFAULT true,
    ADD COLUMN reviewed_on  date,
    ADD COLUMN document     tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english'::regconfig, title), 'A') || setweight(to_tsvector('english'::regconfig, words), 'B')) STORED;
COMMENT ON COLUMN knowledge.passage.is_public IS 'false: for colleagues only';
COMMENT ON COLUMN knowledge.passage.reviewed_on IS 'when somebody last saw to it that it is true';
ALTER POLICY customer ON knowledge.passage USING ((SELECT atlas.zone()) = 'customer' AND is_public);

-- No words here: they stay in the job, and go with it when somebody is erased.
CREATE TABLE knowledge.solved (
    job_id      bigint PRIMARY KEY REFERENCES field_service.job,
    model       text NOT NULL,
    vector      vector(384) NOT NULL,
    document    tsvector NOT NULL,
    learned_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE knowledge.solved IS 'what an engineer found and did, to be found again by whoever has the same fault';
COMMENT ON COLUMN knowledge.solved.model IS 'what made the vector; vectors of different models are never compared';
CREATE INDEX solved_document ON knowledge.solved USING gin (document);
CALL atlas.protect('knowledge.solved');
GRANT INSERT, UPDATE ON knowledge.solved TO bedrock_executor;
