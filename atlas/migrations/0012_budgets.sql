-- What a conversation may cost: model calls, tool calls, tokens, money and seconds, of one run, of one person in a day, and of the operator in a
-- day. Counted before each call, in a transaction of its own, so that what is over its budget is never even tried.
CREATE TABLE actions.budget (
    scope   text NOT NULL,
    measure text NOT NULL,
    most    bigint NOT NULL CHECK (most > 0),
    PRIMARY KEY (scope, measure)
);
COMMENT ON COLUMN actions.budget.most IS 'money in millionths of the operator''s one currency';
INSERT INTO actions.budget (scope, measure, most)
SELECT scope, measure, most
  FROM (VALUES ('run',           ARRAY[24,      48,      200000,    500000,     120000]),
               ('customer_day',  ARRAY[200,     400,     1000000,   2000000,    3600000]),
               ('staff_day',     ARRAY[1000,    4000,    8000000,   20000000,   36000000]),
               ('strangers_day', ARRAY[2000,    8000,    10000000,  20000000,   36000000]),
               ('operator_day',  ARRAY[200000,  1000000, 800000000, 1000000000, 2000000000])) AS one (scope, mosts),
       unnest(ARRAY['model_calls', 'tool_calls', 'tokens', 'micro_money', 'milliseconds'], mosts) AS each (measure, most);

CREATE TABLE actions.budget_spent (
    scope        text NOT NULL,
    subject      text NOT NULL,
    day          date NOT NULL,
    model_calls  bigint NOT NULL DEFAULT 0,
    tool_calls   bigint NOT NULL DEFAULT 0,
    tokens       bigint NOT NULL DEFAULT 0,
    micro_money  bigint NOT NULL DEFAULT 0,
    milliseconds bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, subject, day)
);
COMMENT ON COLUMN actions.budget_spent.subject IS 'the run''s id, the principal''s reference, or *; the day is the database''s, in UTC';

CREATE TYPE actions.expense AS (model_calls bigint, tool_calls bigint, tokens bigint, micro_money bigint, milliseconds bigint);

-- Books the expense against all three budgets, or raises 54000 (program limit exceeded) naming the one that would be passed, and books nothing. Rows are
-- locked in one order. Losing the last milliseconds of counting in a crash is cheaper than a flush before every call.
CREATE FUNCTION actions.spend(p_run uuid, p_scope text, p_subject text, p_expense actions.expense) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    budget  record;
    s       actions.budget_spent;
    beyond  text;
BEGIN
    IF atlas.zone() IS DISTINCT FROM 'executor' THEN RAISE EXCEPTION 'only the executor keeps budgets' USING ERRCODE = '42501'; END IF;
    IF least(p_expense.model_calls, p_expense.tool_calls, p_expense.tokens, p_expense.micro_money, p_expense.milliseconds) < 0
       OR num_nulls(p_expense.model_calls, p_expense.tool_calls, p_expense.tokens, p_expense.micro_money, p_expense.milliseconds) > 0
    THEN RAISE EXCEPTION 'an expense is never less than nothing' USING ERRCODE = '22023'; END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR budget IN SELECT one.scope, one.subject
                    FROM (VALUES (1, 'run', p_run::text), (2, p_scope, p_subject), (3, 'operator_day', '*')) AS one (nth, scope, subject) ORDER BY one.nth
    LOOP
        INSERT INTO actions.budget_spent AS spent (scope, subject, day, model_calls, tool_calls, tokens, micro_money, milliseconds)
        VALUES (budget.scope, budget.subject, v_today, p_expense.model_calls, p_expense.tool_calls, p_expense.tokens, p_expense.micro_money,
                p_expense.milliseconds)
            ON CONFLICT (scope, subject, day) DO UPDATE
           SET model_calls = spent.model_calls + excluded.model_calls, tool_calls = spent.tool_calls + excluded.tool_calls,
               tokens = spent.tokens + excluded.tokens, micro_money = spent.micro_money + excluded.micro_money,
               milliseconds = spent.milliseconds + excluded.milliseconds
        RETURNING spent.* INTO s;
        IF (SELECT count(*) FROM actions.budget AS known WHERE known.scope = budget.scope) < 5
        THEN RAISE EXCEPTION 'there is no budget for %', budget.scope USING ERRCODE = '54000'; END IF;
        -- What is asked for now counts: a budget that is used up stands in the way of nothing that costs none of it.
        SELECT most.measure INTO beyond
          FROM actions.budget AS most
          JOIN (VALUES ('model_calls', s.model_calls, p_expense.model_calls), ('tool_calls', s.tool_calls, p_expense.tool_calls),
                       ('tokens', s.tokens, p_expense.tokens), ('micro_money', s.micro_money, p_expense.micro_money),
                       ('milliseconds', s.milliseconds, p_expense.milliseconds)) AS now (measure, spent, asked) USING (measure)
         WHERE most.scope = budget.scope AND now.spent > most.most AND now.asked > 0 LIMIT 1;
        IF beyond IS NOT NULL THEN RAISE EXCEPTION '% of %', beyond, budget.scope USING ERRCODE = '54000'; END IF;
    END LOOP;
END $$;

-- Runs are over within minutes; their rows are of no use two days later.
CREATE FUNCTION actions.forget_runs() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM actions.budget_spent WHERE scope = 'run' AND day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 1 $$;

CALL atlas.protect('actions.budget');
CALL atlas.protect('actions.budget_spent');
GRANT EXECUTE ON FUNCTION actions.spend, actions.forget_runs TO bedrock_executor;
