-- name: failing_rates
-- The British scheme as it began in 2019 and as it was uprated in 2025, in pence; confirm with the regulator before relying on it.
INSERT INTO billing.failing_rate (rule, segment, valid_from, amount_minor, free_working_days, most_days)
SELECT rate.rule, 'residential', rate.valid_from::date, rate.amount_minor, CASE rate.rule WHEN 'late_repair' THEN 2 ELSE 0 END,
       CASE WHEN rate.rule <> 'missed_visit' THEN 60 END
  FROM (VALUES ('late_repair', '2019-04-01', 800), ('missed_visit', '2019-04-01', 2500), ('late_start', '2019-04-01', 500),
               ('late_repair', '2025-04-01', 1034), ('missed_visit', '2025-04-01', 3231), ('late_start', '2025-04-01', 646))
    AS rate (rule, valid_from, amount_minor);

-- name: holidays
INSERT INTO billing.holiday (day, name) VALUES
    ('2026-12-25', 'Christmas Day'), ('2026-12-28', 'Boxing Day (substitute)'), ('2027-01-01', 'New Year''s Day'), ('2027-03-26', 'Good Friday'),
    ('2027-03-29', 'Easter Monday'), ('2027-05-03', 'Early May bank holiday'), ('2027-05-31', 'Spring bank holiday'),
    ('2027-08-30', 'Summer bank holiday'), ('2027-12-27', 'Christmas Day (substitute)'), ('2027-12-28', 'Boxing Day (substitute)');

-- name: no_leak_looks
DELETE FROM billing.leak_look;

-- name: splices_numbered
SELECT setval('cmdb.splice_number', (SELECT max(splice_id) FROM cmdb.splice_end));
