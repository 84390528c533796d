-- What a provider says an answer cost beyond what was held ready for it. It is spent already, so it is booked whatever is left: the next call finds
-- the budget used up, in this turn or in any other.
CREATE FUNCTION actions.book_overrun(p_run uuid, p_scope text, p_subject text, p_tokens bigint, p_micro_money bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF atlas.zone() IS DISTINCT FROM 'executor' THEN RAISE EXCEPTION 'only the executor keeps budgets' USING ERRCODE = '42501'; END IF;
    IF p_tokens < 0 OR p_micro_money < 0 THEN RAISE EXCEPTION 'an expense is never less than nothing' USING ERRCODE = '22023'; END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO actions.budget_spent AS spent (scope, subject, day, tokens, micro_money)
    SELECT one.scope, one.subject, (clock_timestamp() AT TIME ZONE 'UTC')::date, p_tokens, p_micro_money
      FROM (VALUES (1, 'run', p_run::text), (2, p_scope, p_subject), (3, 'operator_day', '*')) AS one (nth, scope, subject) ORDER BY one.nth
        ON CONFLICT (scope, subject, day) DO UPDATE SET tokens = spent.tokens + excluded.tokens, micro_money = spent.micro_money + excluded.micro_money;
END $$;
GRANT EXECUTE ON FUNCTION actions.book_overrun TO bedrock_executor;
