-- Articles that colleagues write in the console: each version is kept with the order that made it, and what is found is the last of them.
ALTER TABLE knowledge.passage ALTER COLUMN vector DROP NOT NULL;
ALTER TABLE knowledge.passage
    ADD COLUMN version    int NOT NULL DEFAULT 0,
    ADD COLUMN is_retired boolean NOT NULL DEFAULT false,
    ADD COLUMN of_file    text NOT NULL DEFAULT '';
COMMENT ON COLUMN knowledge.passage.vector IS 'NULL: nobody made one of these words yet, they are found as words alone';
COMMENT ON COLUMN knowledge.passage.version IS '0: as a file of the operator''s says it; else the version of knowledge.article_version that is shown';
COMMENT ON COLUMN knowledge.passage.of_file IS 'the title of the file that it took the place of: the next start does not bring that back';
ALTER POLICY customer ON knowledge.passage USING ((SELECT atlas.zone()) = 'customer' AND is_public AND NOT is_retired);

CREATE TABLE knowledge.article_version (
    passage_id  bigint NOT NULL REFERENCES knowledge.passage ON DELETE CASCADE,
    version     int NOT NULL CHECK (version >= 0),
    module      text NOT NULL,
    title       text NOT NULL CHECK (title <> ''),
    words       text NOT NULL CHECK (words <> ''),
    is_public   boolean NOT NULL,
    is_retired  boolean NOT NULL DEFAULT false,
    written_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    action_id   bigint NOT NULL DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (passage_id, version)
);
COMMENT ON TABLE knowledge.article_version IS 'what an article said at each time: only ever added to, so that what was cited can be read';
COMMENT ON COLUMN knowledge.article_version.version IS '0 is what the file said before somebody wrote over it';

-- Who may say what our house says: the same people as the console's room lets write.
CREATE FUNCTION knowledge.is_written_by_a_lead() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE author text;
BEGIN
    SELECT action.proposer INTO author FROM actions.action WHERE action.id = (SELECT actions.claimed());
    IF author IS NULL OR author NOT LIKE 'staff:%' OR NOT EXISTS (
        SELECT FROM actions.held_roles(split_part(author, ':', 2)::bigint) AS held (role)
         WHERE held.role IN ('care_lead', 'billing_lead', 'noc_lead', 'operations_director'))
    THEN RAISE EXCEPTION '% may not write articles', coalesce(author, 'nobody') USING ERRCODE = '42501'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER written_by_a_lead BEFORE INSERT ON knowledge.article_version FOR EACH ROW
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION knowledge.is_written_by_a_lead();

-- What is found is what somebody wrote, word for word, whoever touches the row.
CREATE FUNCTION knowledge.says_what_was_written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN RETURN NULL; END IF;
    IF NOT EXISTS (SELECT FROM knowledge.article_version AS kept
                    WHERE kept.passage_id = NEW.id AND kept.version = NEW.version AND NEW.version >= OLD.version
                      AND (kept.module, kept.title, kept.words, kept.is_public, kept.is_retired)
                          = (NEW.module, NEW.title, NEW.words, NEW.is_public, NEW.is_retired))
    THEN RAISE EXCEPTION 'article % says what nobody wrote', NEW.id USING ERRCODE = '42501'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER says_what_was_written BEFORE UPDATE ON knowledge.passage FOR EACH ROW
    WHEN (OLD.version > 0 OR NEW.version > 0) EXECUTE FUNCTION knowledge.says_what_was_written();
-- A start that finds no file of it, of whatever release, leaves it where it is. Erasure takes one that names somebody, and its versions with it.
CREATE TRIGGER stays_as_written BEFORE DELETE ON knowledge.passage FOR EACH ROW
    WHEN (OLD.version > 0 AND current_user = 'bedrock_executor') EXECUTE FUNCTION knowledge.says_what_was_written();

CALL atlas.protect('knowledge.article_version');
CALL actions.guard(ARRAY['knowledge.article_version']::regclass[]);
GRANT INSERT ON knowledge.article_version TO bedrock_executor;
CALL atlas.announce_changes(ARRAY['knowledge.article_version']::regclass[]);

INSERT INTO actions.may_write (effect, action)
VALUES ('knowledge.article_version', 'write_article'), ('knowledge.article_version', 'retire_article'),
       ('knowledge.passage', 'write_article'), ('knowledge.passage', 'retire_article');
