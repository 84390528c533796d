-- name: move_premise
UPDATE gis.premise SET latitude = %(latitude)s, longitude = %(longitude)s, corrected_by_action_id = actions.claimed()
 WHERE premise.id = %(premise_id)s
   AND premise.latitude = %(was_latitude)s
   AND premise.longitude = %(was_longitude)s;
