-- name: forget_others
DELETE FROM knowledge.passage
 WHERE kind = %(kind)s
   AND NOT EXISTS (SELECT 1 FROM unnest(%(modules)s::text[], %(words)s::text[]) AS kept (module, words)
                    WHERE kept.module = passage.module AND kept.words = passage.words);

-- name: keep_passages
INSERT INTO knowledge.passage (kind, module, title, words, language, model, vector)
SELECT %(kind)s, passage.module, passage.title, passage.words, passage.language, passage.model, passage.vector::vector
  FROM unnest(%(modules)s::text[], %(titles)s::text[], %(words)s::text[], %(languages)s::text[], %(models)s::text[], %(vectors)s::text[])
       AS passage (module, title, words, language, model, vector)
ON CONFLICT (kind, module, words) DO UPDATE
   SET title = excluded.title, language = excluded.language, model = excluded.model, vector = excluded.vector, updated_at = now()
 WHERE (passage.title, passage.language, passage.model) IS DISTINCT FROM (excluded.title, excluded.language, excluded.model);
