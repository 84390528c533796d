-- name: about
SELECT notice.purpose, notice.language, notice.customer_id FROM helpdesk.notice WHERE notice.key = %(key)s;

-- name: reference
SELECT letter.reference FROM helpdesk.letter WHERE letter.key = %(key)s;

-- name: print_letter
INSERT INTO helpdesk.letter (key, notice_key, address, pages, pdf)
VALUES (%(key)s, %(notice_key)s, %(address)s, %(pages)s, %(pdf)s)
    ON CONFLICT (key) DO NOTHING;
