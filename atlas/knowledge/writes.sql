-- name: forget_others
DELETE FROM knowledge.passage
 WHERE kind = %(kind)s
   AND NOT EXISTS (SELECT 1 FROM unnest(%(modules)s::text[], %(words)s::text[]) AS kept (module, words)
                    WHERE kept.module = passage.module AND kept.words = passage.words);

-- name: keep_passages
INSERT INTO knowledge.passage (kind, module, title, words, language, model, vector, is_public, reviewed_on)
SELECT %(kind)s, passage.module, passage.title, passage.words, passage.language, passage.model, passage.vector::vector, passage.is_public, passage.reviewed_on
  FROM unnest(%(modules)s::text[], %(titles)s::text[], %(words)s::text[], %(languages)s::text[], %(models)s::text[], %(vectors)s::text[],
              %(are_public)s::boolean[], %(reviewed_ons)s::date[])
       AS passage (module, title, words, language, model, vector, is_public, reviewed_on)
ON CONFLICT (kind, module, words) DO UPDATE
   SET title = excluded.title, language = excluded.language, model = excluded.model, vector = excluded.vector,
       is_public = excluded.is_public, reviewed_on = excluded.reviewed_on, updated_at = now()
 WHERE (passage.title, passage.language, passage.model, passage.is_public, passage.reviewed_on)
       IS DISTINCT FROM (excluded.title, excluded.language, excluded.model, excluded.is_public, excluded.reviewed_on);

-- name: learn_solved
INSERT INTO knowledge.solved (job_id, model, vector, document)
SELECT job.id, %(model)s, learned.vector::vector, to_tsvector('english'::regconfig, job.kind || ' ' || job.findings)
  FROM unnest(%(jobs)s::bigint[], %(vectors)s::text[]) AS learned (job_id, vector)
  JOIN field_service.job ON job.id = learned.job_id
ON CONFLICT (job_id) DO UPDATE SET model = excluded.model, vector = excluded.vector, document = excluded.document, learned_at = now();
