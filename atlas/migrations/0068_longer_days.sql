-- What one customer may cost in a day, measured by a long conversation: 200 turns (an evening with a line that keeps failing), each of up to
-- three modules with a tool and two calls of a model, which read about 5,000 tokens a call. Money stays as it was: it is what a day may cost.
-- Whoever set a figure of their own keeps it.
UPDATE actions.budget SET most = 800 WHERE scope = 'customer_day' AND measure = 'tool_calls' AND most = 400;
UPDATE actions.budget SET most = 1400 WHERE scope = 'customer_day' AND measure = 'model_calls' AND most = 200;
UPDATE actions.budget SET most = 7000000 WHERE scope = 'customer_day' AND measure = 'tokens' AND most = 1000000;
