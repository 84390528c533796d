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

-- Any of the question's words, the rarer and the nearer to one another the better; and what lies near by meaning. Reciprocal ranks are added.
-- name: articles_about
WITH asked AS (
    SELECT replace(plainto_tsquery('english', %(question)s)::text, '&', '|')::tsquery AS terms
), by_words AS (
    SELECT passage.id, row_number() OVER (ORDER BY ts_rank_cd(passage.document, asked.terms) DESC, passage.id) AS rank
      FROM knowledge.passage, asked
     WHERE passage.kind = 'article' AND passage.document @@ asked.terms
     ORDER BY 2 LIMIT %(ranked)s
), by_meaning AS (
    SELECT passage.id, row_number() OVER (ORDER BY passage.vector <=> %(vector)s::vector, passage.id) AS rank
      FROM knowledge.passage
     WHERE passage.kind = 'article' AND passage.model = %(model)s AND 1 - (passage.vector <=> %(vector)s::vector) >= %(least)s
     ORDER BY 2 LIMIT %(ranked)s
)
SELECT passage.id AS passage_id, passage.module, passage.title, passage.words, passage.is_public, passage.reviewed_on,
       coalesce(1.0 / (%(rank_offset)s + by_words.rank), 0)::float8 + coalesce(1.0 / (%(rank_offset)s + by_meaning.rank), 0)::float8 AS score
  FROM by_words
  FULL JOIN by_meaning USING (id)
  JOIN knowledge.passage ON passage.id = coalesce(by_words.id, by_meaning.id)
 ORDER BY score DESC, passage.id
 LIMIT %(most)s;
