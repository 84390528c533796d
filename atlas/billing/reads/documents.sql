-- name: paper_head
SELECT invoice.id AS invoice_id, invoice.number, invoice.customer_id, customer.name, customer.language, coalesce(home.address, '{}') AS address,
       invoice.issued_at, invoice.due_on, invoice.period_from, invoice.period_to, coalesce((SELECT currency.code FROM billing.currency), 'GBP') AS currency
  FROM billing.invoice
  JOIN crm.customer ON customer.id = invoice.customer_id
  LEFT JOIN LATERAL (SELECT array_remove(ARRAY[nullif(premise.unit, ''), premise.number || ' ' || premise.street, premise.town, premise.postcode], NULL) AS address
                       FROM crm.subscriber JOIN gis.premise ON premise.id = subscriber.premise_id
                      WHERE subscriber.customer_id = customer.id ORDER BY subscriber.id LIMIT 1) AS home ON true
 WHERE CASE WHEN %(invoice_id)s::bigint IS NULL THEN invoice.number = %(number)s ELSE invoice.id = %(invoice_id)s END AND invoice.issued_at IS NOT NULL
 ORDER BY invoice.id LIMIT 1;

-- name: paper_lines
SELECT line.label, sum(line.amount_minor)::bigint AS net, sum(line.tax_minor)::bigint AS tax
  FROM billing.invoice_line AS line
 WHERE line.invoice_id = %(invoice_id)s
 GROUP BY line.label
 ORDER BY min(line.id);

-- name: kept_document
SELECT document.pdf FROM billing.invoice_document AS document WHERE document.invoice_id = %(invoice_id)s;
