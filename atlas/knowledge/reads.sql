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
     WHERE passage.kind = 'article' AND NOT passage.is_retired AND passage.document @@ asked.terms
     ORDER BY 2 LIMIT %(ranked)s
), by_meaning AS (
    SELECT passage.id, row_number() OVER (ORDER BY passage.vector <=> %(vector)s::vector, passage.id) AS rank
      FROM knowledge.passage
     WHERE passage.kind = 'article' AND NOT passage.is_retired AND passage.model = %(model)s AND 1 - (passage.vector <=> %(vector)s::vector) >= %(least)s
     ORDER BY 2 LIMIT %(ranked)s
)
SELECT passage.id AS passage_id, passage.module, passage.title, passage.words, passage.is_public, passage.reviewed_on, passage.version,
       coalesce(1.0 / (%(rank_offset)s + by_words.rank), 0)::float8 + coalesce(1.0 / (%(rank_offset)s + by_meaning.rank), 0)::float8 AS score
  FROM by_words
  FULL JOIN by_meaning USING (id)
  JOIN knowledge.passage ON passage.id = coalesce(by_words.id, by_meaning.id)
 ORDER BY score DESC, passage.id
 LIMIT %(most)s;

-- name: article_shelf
SELECT passage.id AS passage_id, passage.module, passage.title, passage.words, passage.is_public, passage.reviewed_on, passage.version, passage.is_retired
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND NOT passage.is_retired
 ORDER BY passage.reviewed_on NULLS FIRST, passage.title;

-- name: articles_alike
SELECT one.id AS passage_id, other.id AS other_id
  FROM knowledge.passage AS one
  JOIN knowledge.passage AS other ON other.kind = 'article' AND other.id > one.id AND other.model = one.model
 WHERE one.kind = 'article' AND NOT one.is_retired AND NOT other.is_retired AND 1 - (other.vector <=> one.vector) >= %(alike)s
 ORDER BY one.id, other.id;

-- name: article
SELECT passage.id AS passage_id, passage.module, passage.title, passage.words, passage.is_public, passage.reviewed_on, passage.version, passage.is_retired
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND passage.id = %(passage_id)s;

-- name: retired_articles
SELECT passage.id AS passage_id, passage.module, passage.title, passage.words, passage.is_public, passage.reviewed_on, passage.version, passage.is_retired
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND passage.is_retired
 ORDER BY passage.title, passage.id;

-- name: article_versions
SELECT kept.version, kept.module, kept.title, kept.words, kept.is_public, kept.is_retired, kept.written_at, kept.action_id,
       CASE WHEN kept.version > 0 THEN coalesce(member.name, action.proposer) ELSE '' END AS written_by
  FROM knowledge.article_version AS kept
  JOIN actions.action ON action.id = kept.action_id
  LEFT JOIN staff.member ON 'staff:' || member.id = action.proposer
 WHERE kept.passage_id = %(passage_id)s
 ORDER BY kept.version DESC;

-- name: unlearned_articles
SELECT passage.id AS passage_id, passage.version, passage.title, passage.words
  FROM knowledge.passage
 WHERE passage.kind = 'article' AND NOT passage.is_retired AND passage.version > 0 AND passage.model <> %(model)s
 ORDER BY passage.id
 LIMIT %(most)s;

-- name: unlearned_jobs
SELECT job.id AS job_id, job.kind, job.findings
  FROM field_service.job
 WHERE job.state = 'completed' AND job.findings ~ '\w{3,}\W+\w{2,}'
   AND NOT EXISTS (SELECT 1 FROM knowledge.solved WHERE solved.job_id = job.id AND solved.model = %(model)s)
 ORDER BY job.completed_at DESC, job.id DESC
 LIMIT %(most)s;

-- name: solved_like
WITH asked AS (
    SELECT replace(plainto_tsquery('english', %(question)s)::text, '&', '|')::tsquery AS terms
), by_words AS (
    SELECT solved.job_id, row_number() OVER (ORDER BY ts_rank_cd(solved.document, asked.terms) DESC, solved.job_id DESC) AS rank
      FROM knowledge.solved, asked
     WHERE solved.document @@ asked.terms
     ORDER BY 2 LIMIT %(ranked)s
), by_meaning AS (
    SELECT solved.job_id, row_number() OVER (ORDER BY solved.vector <=> %(vector)s::vector, solved.job_id DESC) AS rank
      FROM knowledge.solved
     WHERE solved.model = %(model)s AND 1 - (solved.vector <=> %(vector)s::vector) >= %(least)s
     ORDER BY 2 LIMIT %(ranked)s
)
SELECT job.id AS job_id, job.kind, job.incident_id, incident.cause, device.name AS device, job.findings, job.completed_at,
       coalesce(1.0 / (%(rank_offset)s + by_words.rank), 0)::float8 + coalesce(1.0 / (%(rank_offset)s + by_meaning.rank), 0)::float8 AS score
  FROM by_words
  FULL JOIN by_meaning USING (job_id)
  JOIN field_service.job ON job.id = coalesce(by_words.job_id, by_meaning.job_id)
  LEFT JOIN itsm.incident ON incident.id = job.incident_id
  LEFT JOIN cmdb.device ON device.id = job.device_id
 WHERE job.findings <> ''
 ORDER BY score DESC, job.id DESC
 LIMIT %(most)s;
