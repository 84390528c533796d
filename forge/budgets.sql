-- name: spend
SELECT actions.spend(%(run)s::uuid, %(scope)s, %(subject)s,
                     ROW(%(model_calls)s::bigint, %(tool_calls)s::bigint, %(tokens)s::bigint, %(micro_money)s::bigint,
                         %(milliseconds)s::bigint)::actions.expense);

-- name: forget_runs
SELECT actions.forget_runs();

-- name: book_overrun
SELECT actions.book_overrun(%(run)s::uuid, %(scope)s, %(subject)s, %(tokens)s, %(micro_money)s);
