-- How far each writer of the doors has come. Written first in every batch: a batch whose commit was never answered finds itself here, and is
-- not counted twice. A number of ours and not PostgreSQL's, for a transaction's number that a crash lost is given out again.
CREATE TABLE nms.writer (
    id         uuid PRIMARY KEY,
    batch      bigint NOT NULL CHECK (batch > 0),
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN nms.writer.batch IS 'the last one that was committed; each writer counts its own';

CALL atlas.protect('nms.writer');
GRANT SELECT, INSERT, UPDATE, DELETE ON nms.writer TO bedrock_intake;
