-- name: retire_offering
UPDATE catalogue.offering SET lifecycle_status = 'retired', retired_by_action_id = actions.claimed()
 WHERE offering.id = %(offering_id)s
   AND offering.lifecycle_status IN ('active', 'launched');
