-- Each attempt of a step is kept once. Code that knew of one attempt asks for this constraint by its columns; until it is gone no warning is said again.
ALTER TABLE billing.dunning_step DROP CONSTRAINT dunning_step_customer_id_oldest_due_on_step_key;
