-- Letters are a channel, and fraud is why a line is suspended: `goes_by` and `suspended_because` say what there is.
ALTER TABLE helpdesk.notice DROP CONSTRAINT notice_channel_check;
ALTER TABLE crm.subscriber DROP CONSTRAINT subscriber_suspended_for_check;
