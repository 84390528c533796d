-- Articles to answer from: found by their words and by what they mean, and some of them for colleagues only.
ALTER TABLE knowledge.passage
    ADD COLUMN is_public    boolean NOT NULL DEFAULT true,
    ADD COLUMN reviewed_on  date,
    ADD COLUMN document     tsvector GENERATED ALWAYS AS (setweight(to_tsvector('english'::regconfig, title), 'A') || setweight(to_tsvector('english'::regconfig, words), 'B')) STORED;
COMMENT ON COLUMN knowledge.passage.is_public IS 'false: for colleagues only';
COMMENT ON COLUMN knowledge.passage.reviewed_on IS 'when somebody last saw to it that it is true';
CREATE INDEX passage_document ON knowledge.passage USING gin (document) WHERE kind = 'article';
ALTER POLICY customer ON knowledge.passage USING ((SELECT atlas.zone()) = 'customer' AND is_public);
