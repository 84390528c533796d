-- name: is_known
SELECT to_regprocedure('privacy.erase_again(bigint, timestamptz, text[], text[])') IS NOT NULL;

-- name: keeps_erasures
SELECT to_regclass('privacy.erasure') IS NOT NULL;

-- name: erasures_after
SELECT erasure.id, erasure.customer_id, customer.customer_since, erasure.erased_at, erasure.because
  FROM privacy.erasure
  JOIN crm.customer ON customer.id = erasure.customer_id
 WHERE erasure.id > %(after)s
 ORDER BY erasure.id;

-- Since then another may have been given the number: nobody is erased in their place.
-- name: is_to_erase_again
SELECT EXISTS (SELECT FROM crm.customer WHERE id = %(customer_id)s AND customer_since = %(customer_since)s)
   AND NOT EXISTS (SELECT FROM privacy.erasure WHERE customer_id = %(customer_id)s AND erased_at = %(erased_at)s);

-- name: erase_again
SELECT privacy.erase_again(%(customer_id)s, %(erased_at)s, %(because)s, %(threads)s);
