-- A password that somebody else chose is known to two: it is changed at the first sign-in, and opens nothing after three days.
ALTER TABLE staff.member ADD COLUMN password_given_at timestamptz;
COMMENT ON COLUMN staff.member.password_given_at IS 'when somebody else set the password; NULL once it is their own';
GRANT UPDATE (password_given_at) ON staff.member TO bedrock_executor;
