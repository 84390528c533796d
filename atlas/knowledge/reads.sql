-- Exact on purpose: an approximate index under a filter answered with 3 of 10 rows, and there are thousands of passages, not millions.
-- name: nearest
SELECT passage.id AS passage_id, passage.module, passage.title, passage.words, passage.language,
       1 - (passage.vector <=> %(vector)s::vector) AS nearness
  FROM knowledge.passage
 WHERE passage.kind = %(kind)s AND passage.model = %(model)s AND (%(language)s::text IS NULL OR passage.language = %(language)s)
 ORDER BY passage.vector <=> %(vector)s::vector, passage.id
 LIMIT %(most)s;

-- name: passages_of
SELECT count(*) FROM knowledge.passage WHERE passage.kind = %(kind)s AND passage.model = %(model)s;

-- name: known_vectors
SELECT passage.words, passage.vector::real[] AS vector FROM knowledge.passage WHERE passage.kind = %(kind)s AND passage.model = %(model)s;
