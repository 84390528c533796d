-- name: keep_document
INSERT INTO billing.invoice_document (invoice_id, pdf) VALUES (%(invoice_id)s, %(pdf)s) ON CONFLICT (invoice_id) DO NOTHING;
