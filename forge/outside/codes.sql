-- name: seed_of_code
SELECT code.seed FROM helpdesk.one_time_code AS code WHERE code.id = %(code_id)s;
