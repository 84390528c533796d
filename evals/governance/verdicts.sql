-- name: decided
WITH asked AS MATERIALIZED (
    SELECT one.nth, actions.decided(one.request ->> 'action', one.request -> 'facts', one.request -> 'spent') AS verdict
      FROM jsonb_array_elements(%(requests)s::jsonb) WITH ORDINALITY AS one (request, nth)
)
SELECT NULL::text AS state, (verdict).answer, (verdict).rule, (verdict).reason, (verdict).approvers, (verdict).how_many, (verdict).approve_within,
       (verdict).execute_within, (verdict).tell, NULL::jsonb AS spent
  FROM asked
 ORDER BY nth;
