-- An incident may be planned work: a device in its maintenance window, and what hangs from it.
ALTER TABLE itsm.incident DROP CONSTRAINT incident_cause_check;
ALTER TABLE itsm.incident ADD CONSTRAINT incident_cause_check
    CHECK (cause IN ('feeder', 'distribution', 'drop', 'power', 'device', 'card', 'upstream', 'monitoring', 'degradation', 'planned', 'unknown'));
CREATE INDEX maintenance_window_by_end ON nms.maintenance_window (ends_at, device_id);
