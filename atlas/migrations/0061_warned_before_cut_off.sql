-- Nobody is cut off who was not told from when; and money that comes in over the counter is in the books as soon as somebody says so.
ALTER TABLE billing.dunning_step ADD COLUMN announced_for date;
COMMENT ON COLUMN billing.dunning_step.announced_for IS 'the first day on which their line may be cut off, as they were told';
GRANT EXECUTE ON FUNCTION billing.receive_payment TO bedrock_executor;
