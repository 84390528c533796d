-- How often an alarm went away and came back within minutes. From the third time on it flaps: one visible state, until it is quiet.
ALTER TABLE nms.alarm ADD COLUMN reopened int NOT NULL DEFAULT 0;
ALTER TABLE nms.alarm ADD COLUMN reopened_at timestamptz;
COMMENT ON COLUMN nms.alarm.reopened IS 'times in a row that it was raised again soon after its clear; 0 once it was quiet';
