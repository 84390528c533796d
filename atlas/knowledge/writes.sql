-- What a colleague wrote stays, and so does what it took the place of: gone.
-- name: forget_others
DELETE FROM knowledge.passage
 WHERE kind = %(kind)s AND version = 0
   AND (NOT EXISTS (SELECT 1 FROM unnest(%(modules)s::text[], %(words)s::text[]) AS kept (module, words)
                     WHERE kept.module = passage.module AND kept.words = passage.words)
        OR EXISTS (SELECT 1 FROM knowledge.passage AS written
                    WHERE written.kind = passage.kind AND written.version > 0 AND lower(passage.title) IN (lower(written.of_file), lower(written.title))));

-- name: keep_passages
INSERT INTO knowledge.passage (kind, module, title, words, language, model, vector, is_public, reviewed_on)
SELECT %(kind)s, passage.module, passage.title, passage.words, passage.language, passage.model, passage.vector::vector, passage.is_public, passage.reviewed_on
  FROM unnest(%(modules)s::text[], %(titles)s::text[], %(words)s::text[], %(languages)s::text[], %(models)s::text[], %(vectors)s::text[],
              %(are_public)s::boolean[], %(reviewed_ons)s::date[])
       AS passage (module, title, words, language, model, vector, is_public, reviewed_on)
 WHERE NOT EXISTS (SELECT 1 FROM knowledge.passage AS written
                    WHERE written.kind = %(kind)s AND written.version > 0 AND lower(passage.title) IN (lower(written.of_file), lower(written.title)))
ON CONFLICT (kind, module, words) DO UPDATE
   SET title = excluded.title, language = excluded.language, model = excluded.model, vector = excluded.vector,
       is_public = excluded.is_public, reviewed_on = excluded.reviewed_on, updated_at = now()
 WHERE passage.version = 0 AND (passage.title, passage.language, passage.model, passage.is_public, passage.reviewed_on)
       IS DISTINCT FROM (excluded.title, excluded.language, excluded.model, excluded.is_public, excluded.reviewed_on);

-- name: learn_solved
INSERT INTO knowledge.solved (job_id, model, vector, document)
SELECT job.id, %(model)s, learned.vector::vector, to_tsvector('english'::regconfig, job.kind || ' ' || job.findings)
  FROM unnest(%(jobs)s::bigint[], %(vectors)s::text[]) AS learned (job_id, vector)
  JOIN field_service.job ON job.id = learned.job_id
ON CONFLICT (job_id) DO UPDATE SET model = excluded.model, vector = excluded.vector, document = excluded.document, learned_at = now();

-- One article is written at a time: two of one name would contradict one another.
-- name: lock_articles
SELECT pg_advisory_xact_lock(hashtextextended('knowledge.article', 0));

-- name: article_like
SELECT passage.title FROM knowledge.passage
 WHERE passage.kind = 'article' AND passage.id <> %(passage_id)s
   AND ((NOT passage.is_retired AND lower(passage.title) = lower(%(title)s)) OR (passage.module = %(module)s AND passage.words = %(words)s))
 LIMIT 1;

-- name: begin_article
INSERT INTO knowledge.passage (kind, module, title, words, model, is_public)
VALUES ('article', %(module)s, %(title)s, %(words)s, '', %(is_public)s)
RETURNING id;

-- What a file said is kept before somebody writes over it.
-- name: keep_as_filed
INSERT INTO knowledge.article_version (passage_id, version, module, title, words, is_public, action_id)
SELECT passage.id, 0, passage.module, passage.title, passage.words, passage.is_public, actions.claimed()
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND passage.id = %(passage_id)s AND passage.version = 0;

-- name: write_version
INSERT INTO knowledge.article_version (passage_id, version, module, title, words, is_public, action_id)
SELECT passage.id, passage.version + 1, %(module)s, %(title)s, %(words)s, %(is_public)s, actions.claimed()
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND passage.id = %(passage_id)s AND passage.version = %(after)s
RETURNING version;

-- name: retire_version
INSERT INTO knowledge.article_version (passage_id, version, module, title, words, is_public, is_retired, action_id)
SELECT passage.id, passage.version + 1, passage.module, passage.title, passage.words, passage.is_public, true, actions.claimed()
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND passage.id = %(passage_id)s AND passage.version = %(after)s AND NOT passage.is_retired
RETURNING version;

-- Words that are new have no vector until somebody makes one; they are found as words from here on.
-- name: show_version
UPDATE knowledge.passage
   SET module = kept.module, title = kept.title, words = kept.words, is_public = kept.is_public, is_retired = kept.is_retired,
       version = kept.version, reviewed_on = %(today)s, updated_at = clock_timestamp(),
       of_file = CASE WHEN passage.version = 0 AND %(is_filed)s THEN passage.title ELSE passage.of_file END,
       model = CASE WHEN (kept.title, kept.words) = (passage.title, passage.words) THEN passage.model ELSE '' END,
       vector = CASE WHEN (kept.title, kept.words) = (passage.title, passage.words) THEN passage.vector END
  FROM knowledge.article_version AS kept
 WHERE passage.id = %(passage_id)s AND kept.passage_id = passage.id AND kept.version = %(version)s;

-- name: learn_article
UPDATE knowledge.passage SET model = %(model)s, vector = %(vector)s::vector
 WHERE id = %(passage_id)s AND kind = 'article' AND version = %(version)s;
