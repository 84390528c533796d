-- Forge asks whether what was refused for a switch may be asked for again.
GRANT EXECUTE ON FUNCTION actions.stopped_because TO bedrock_executor;
