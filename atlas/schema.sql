-- The whole schema of Atlas. Written by `make schema` from the migrations; change those, never this page.
-- Every table has the row policies owner, staff, intake and executor (atlas.protect); what a customer may see is said below it.

-- atlas ------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE atlas.zone_key (
    zone text NOT NULL,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL,
    PRIMARY KEY (zone)
);

-- function atlas.announce() RETURNS trigger
-- function atlas.announce_changes(IN tables regclass[])
-- function atlas.announce_update() RETURNS trigger
-- function atlas.assurance() RETURNS integer
-- function atlas.customer_id() RETURNS bigint
-- function atlas.migrations() RETURNS SETOF text SECURITY DEFINER
-- function atlas.principal_part(part integer) RETURNS text SECURITY DEFINER
-- function atlas.protect(IN t regclass, IN customer_rule text)
-- function atlas.session() RETURNS bytea
-- function atlas.staff_id() RETURNS bigint
-- function atlas.verified_customer_id() RETURNS bigint
-- function atlas.zone() RETURNS text

-- actions ----------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE actions.action (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    arguments jsonb NOT NULL,
    facts jsonb NOT NULL,
    digest bytea NOT NULL,
    operation_key text NOT NULL,  -- proposing the same operation again finds this row: law 5
    proposer text NOT NULL,
    proposed_for bigint,  -- the customer who benefits, where it is one
    proposed_at timestamp with time zone NOT NULL DEFAULT now(),
    reason text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '[]'::jsonb,
    correlation_id uuid NOT NULL,
    incident_id bigint,
    state text NOT NULL DEFAULT 'proposed'::text,
    rule text,
    verdict_reason text,
    matrix_digest text,
    approver_roles text[] NOT NULL DEFAULT '{}'::text[],
    approvals_needed integer NOT NULL DEFAULT 0,
    judged_at timestamp with time zone,
    approve_by timestamp with time zone,
    execute_within interval,
    execute_by timestamp with time zone,  -- from the verdict where it is allowed, from the last approval where it waits
    ruled_at timestamp with time zone,
    claimed_xid xid8,
    finished_at timestamp with time zone,
    outcome jsonb,
    failure text,
    rests_on jsonb NOT NULL DEFAULT '[]'::jsonb,  -- rows it was thought out over, each with its version then: [table, id, version]
    seal bytea,  -- SHA-256 of what was proposed, by the database itself: whatever is edited afterwards is not carried out
    part text,  -- which part of the system spoke for the proposer, as agent:billing
    supersedes_id bigint,
    conversation_id bigint DEFAULT helpdesk.own_conversation_id(),  -- as the signed principal of a customer has it; NULL where nobody was in one
    PRIMARY KEY (id),
    UNIQUE (operation_key),
    CHECK ((approvals_needed >= 0)),
    CHECK ((state = ANY (ARRAY['proposed'::text, 'refused'::text, 'allowed'::text, 'waiting'::text, 'approved'::text, 'rejected'::text, 'expired'::text, 'executing'::text, 'done'::text, 'failed'::text, 'superseded'::text]))),
    FOREIGN KEY (conversation_id) REFERENCES helpdesk.conversation(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id),
    FOREIGN KEY (supersedes_id) REFERENCES actions.action(id)
);
CREATE INDEX action_by_correlation ON actions.action USING btree (correlation_id);
CREATE INDEX action_configuring ON actions.action USING btree ((((arguments ->> 'line'::text))::bigint)) WHERE (name = 'configure_line'::text);
CREATE INDEX action_finished ON actions.action USING btree (finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX action_of_incident ON actions.action USING btree (incident_id) WHERE (incident_id IS NOT NULL);
CREATE INDEX action_spent ON actions.action USING btree (name, proposer, judged_at);
CREATE INDEX action_unfinished ON actions.action USING btree (state) WHERE (state = ANY (ARRAY['proposed'::text, 'allowed'::text, 'waiting'::text, 'approved'::text, 'executing'::text]));
CREATE INDEX action_went_alone ON actions.action USING btree (name, judged_at) WHERE ((approvals_needed = 0) AND (state = ANY (ARRAY['allowed'::text, 'executing'::text, 'done'::text])));
--   row policy customer: (proposed_for = ( SELECT atlas.customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON actions.action FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON actions.action REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_assurance BEFORE INSERT ON actions.action FOR EACH ROW WHEN ((SESSION_USER = 'bedrock_customer'::name)) EXECUTE FUNCTION actions.require_assurance()

CREATE TABLE actions.assurance_needed (
    action text NOT NULL,
    level integer NOT NULL,
    PRIMARY KEY (action),
    CHECK (((level >= 0) AND (level <= 3)))
);

CREATE TABLE actions.audit (
    stream text NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    event text NOT NULL,
    action_id bigint,
    correlation_id uuid,
    detail jsonb NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX audit_of_action ON actions.audit USING btree (action_id, seq) WHERE (action_id IS NOT NULL);

CREATE TABLE actions.audit_head (
    stream text NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (stream)
);

-- what an entry of the trail said in words; the entry holds their hash, so that they can be erased and not exchanged
CREATE TABLE actions.audit_words (
    stream text NOT NULL,
    seq bigint NOT NULL,
    action_id bigint,
    actor text NOT NULL,
    salt uuid NOT NULL DEFAULT gen_random_uuid(),
    words jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX words_of_action ON actions.audit_words USING btree (action_id) WHERE (action_id IS NOT NULL);

CREATE TABLE actions.break_glass (
    id bigint NOT NULL GENERATED AS IDENTITY,
    staff_id bigint NOT NULL,
    role text NOT NULL,
    reason text NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    alarmed integer NOT NULL,
    action_id bigint NOT NULL,
    PRIMARY KEY (id),
    CHECK (((ends_at > opened_at) AND (ends_at <= (opened_at + '01:00:00'::interval)))),
    CHECK ((alarmed > 0)),
    CHECK ((length(btrim(reason)) >= 10)),
    CHECK ((role <> 'auditor'::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX break_glass_open ON actions.break_glass USING btree (staff_id, ends_at);
--   trigger announce AFTER INSERT OR DELETE ON actions.break_glass FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON actions.break_glass REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE actions.budget (
    scope text NOT NULL,
    measure text NOT NULL,
    most bigint NOT NULL,  -- money in millionths of the operator's one currency
    PRIMARY KEY (scope, measure),
    CHECK ((most > 0))
);

CREATE TABLE actions.budget_spent (
    scope text NOT NULL,
    subject text NOT NULL,  -- the run's id, the principal's reference, or *; the day is the database's, in UTC
    day date NOT NULL,
    model_calls bigint NOT NULL DEFAULT 0,
    tool_calls bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    micro_money bigint NOT NULL DEFAULT 0,
    milliseconds bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, subject, day)
);

-- a fortnight's leave at most: whoever is away for longer gives up the role, and somebody else is given it
CREATE TABLE actions.delegation (
    id bigint NOT NULL GENERATED AS IDENTITY,
    grantor_id bigint NOT NULL,
    delegate_id bigint NOT NULL,
    role text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    granted_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamp with time zone,
    PRIMARY KEY (id),
    CHECK (((ends_at > starts_at) AND (ends_at <= (starts_at + '14 days'::interval)))),
    CHECK ((delegate_id <> grantor_id)),
    CHECK ((reason <> ''::text)),
    CHECK ((role <> 'auditor'::text)),
    FOREIGN KEY (delegate_id) REFERENCES staff.member(id),
    FOREIGN KEY (grantor_id) REFERENCES staff.member(id)
);
CREATE INDEX delegation_of_delegate ON actions.delegation USING btree (delegate_id, ends_at);
CREATE INDEX delegation_of_grantor ON actions.delegation USING btree (grantor_id, ends_at);
--   trigger announce AFTER INSERT OR DELETE ON actions.delegation FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON actions.delegation REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE actions.errand (
    id bigint NOT NULL GENERATED AS IDENTITY,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    port text NOT NULL,
    operation text NOT NULL,
    arguments jsonb NOT NULL,
    key text NOT NULL,
    state text NOT NULL DEFAULT 'queued'::text,
    attempts integer NOT NULL DEFAULT 0,
    leased_until timestamp with time zone,
    queued_at timestamp with time zone NOT NULL DEFAULT now(),
    finished_at timestamp with time zone,
    answer jsonb,
    not_before timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (key),
    CHECK ((port = ANY (ARRAY['prober'::text, 'provisioner'::text, 'payments'::text]))),
    CHECK ((state = ANY (ARRAY['queued'::text, 'leased'::text, 'done'::text, 'failed'::text, 'in_doubt'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id)
);
CREATE INDEX errand_about_session ON actions.errand USING btree (((((arguments -> 'session'::text) ->> 'accounting'::text))::bigint)) WHERE (port = 'provisioner'::text);
CREATE INDEX errand_finished ON actions.errand USING btree (finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX errand_in_doubt ON actions.errand USING btree (id) WHERE (state = 'in_doubt'::text);
CREATE INDEX errand_of_action ON actions.errand USING btree (action_id);
CREATE INDEX errand_waiting ON actions.errand USING btree (id) WHERE (state = ANY (ARRAY['queued'::text, 'leased'::text]));
--   trigger announce AFTER INSERT OR DELETE ON actions.errand FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON actions.errand REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON actions.errand REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON actions.errand FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON actions.errand REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.errands_stay_within()
--   trigger wake_errands AFTER INSERT ON actions.errand FOR EACH STATEMENT EXECUTE FUNCTION jobs.wake('forge.errands')

CREATE TABLE actions.hard_limit (
    action text NOT NULL,
    disconnects boolean NOT NULL,
    ever actions.measures NOT NULL,
    alone actions.measures,  -- the most without a person; NULL: never without one
    PRIMARY KEY (action)
);

CREATE TABLE actions.kill_switch (
    scope text NOT NULL,
    name text NOT NULL,  -- of the action, agent or channel; * is all of them
    is_on boolean NOT NULL,  -- on: stopped
    reason text NOT NULL,
    by text NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, name),
    CHECK ((name <> ''::text)),
    CHECK ((reason <> ''::text)),
    CHECK ((scope = ANY (ARRAY['action'::text, 'agent'::text, 'channel'::text])))
);
--   trigger announce AFTER INSERT OR DELETE ON actions.kill_switch FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON actions.kill_switch REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE actions.matrix_allowance (
    action text NOT NULL,
    place integer NOT NULL,
    rule text NOT NULL,
    actions text[] NOT NULL,
    per text NOT NULL,
    within interval NOT NULL,
    answer text NOT NULL,
    reason text NOT NULL,
    money_up_to bigint,
    customers_up_to bigint,
    devices_up_to bigint,
    actions_up_to bigint,
    approvers text[] NOT NULL,
    how_many integer NOT NULL,
    expires_in interval NOT NULL,
    execute_within interval NOT NULL,
    PRIMARY KEY (action, place),
    CHECK ((answer = ANY (ARRAY['allowed'::text, 'allowed_and_told'::text, 'needs_approval'::text, 'refused'::text]))),
    CHECK ((per = ANY (ARRAY['proposer'::text, 'customer'::text, 'device'::text, 'operator'::text])))
);

CREATE TABLE actions.matrix_in_force (
    only_one boolean NOT NULL DEFAULT true,
    digest text NOT NULL,
    source text NOT NULL DEFAULT ''::text,  -- the file as the operator wrote it: whoever judges by another reads this one
    loaded_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (only_one),
    CHECK (only_one)
);
--   trigger announce AFTER INSERT OR DELETE ON actions.matrix_in_force FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON actions.matrix_in_force REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE actions.matrix_row (
    action text NOT NULL,
    place integer NOT NULL,  -- the first row that covers the facts decides
    rule text NOT NULL,
    answer text NOT NULL,
    reason text NOT NULL,
    by text[] NOT NULL,
    money_up_to bigint,
    money_each_up_to bigint,
    customers_up_to bigint,
    devices_up_to bigint,
    crews_up_to bigint,
    device_tier_up_to integer,
    least_confidence double precision,
    hours text NOT NULL,
    incident_confirmed boolean,
    vulnerable boolean,
    emergency_line boolean,
    disputed boolean,
    approvers text[] NOT NULL,
    how_many integer NOT NULL,
    tell text[] NOT NULL,
    expires_in interval NOT NULL,
    execute_within interval NOT NULL,
    PRIMARY KEY (action, place),
    CHECK ((answer = ANY (ARRAY['allowed'::text, 'allowed_and_told'::text, 'needs_approval'::text, 'refused'::text]))),
    CHECK ((hours = ANY (ARRAY['any'::text, 'waking'::text, 'quiet'::text])))
);

-- which critical effects an action may have, by its name; only a migration says so
CREATE TABLE actions.may_write (
    action text NOT NULL,
    effect text NOT NULL,  -- a table, PORT.OPERATION of an errand, or billing.journal.KIND
    PRIMARY KEY (action, effect)
);

CREATE TABLE actions.recorded_call (
    key text NOT NULL,
    port text NOT NULL,
    operation text NOT NULL,
    arguments jsonb NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    times integer NOT NULL DEFAULT 1,
    PRIMARY KEY (key)
);

CREATE TABLE actions.ruling (
    action_id bigint NOT NULL,
    staff_id bigint NOT NULL,
    on_behalf_of bigint NOT NULL,  -- whose authority it was: their own, or that of whoever lent them the role
    is_approval boolean NOT NULL,
    note text NOT NULL DEFAULT ''::text,
    digest_seen bytea NOT NULL,
    ruled_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (action_id, staff_id),
    UNIQUE (action_id, on_behalf_of),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (on_behalf_of) REFERENCES staff.member(id),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);

CREATE TABLE actions.sequence (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    key text NOT NULL,  -- asking for the same thing again finds this row: law 5
    arguments jsonb NOT NULL,
    reason text NOT NULL,
    correlation_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'running'::text,
    started_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    deadline timestamp with time zone NOT NULL,  -- by this database's clock; what is not done by then is undone
    next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),  -- nobody need look before; also how long whoever works on it has it for themselves
    ended_at timestamp with time zone,
    why text,
    fallen_at timestamp with time zone,  -- a step failed that a person can mend: since then it waits in the repair queue, until its deadline
    PRIMARY KEY (id),
    UNIQUE (kind, key),
    CHECK ((state = ANY (ARRAY['running'::text, 'undoing'::text, 'done'::text, 'undone'::text, 'in_doubt'::text, 'fallen_out'::text])))
);
CREATE INDEX sequence_due ON actions.sequence USING btree (next_at) WHERE (state = ANY (ARRAY['running'::text, 'undoing'::text, 'fallen_out'::text]));
CREATE INDEX sequence_fallen_out ON actions.sequence USING btree (fallen_at) WHERE (state = 'fallen_out'::text);
--   trigger as_what_it_is BEFORE INSERT ON actions.sequence FOR EACH ROW WHEN (((new.kind = ANY (ARRAY['line_start'::text, 'line_end'::text, 'plan_move'::text, 'add_on_start'::text, 'add_on_end'::text])) AND (new.key ~ '^[0-9]{1,18}$'::text))) EXECUTE FUNCTION actions.order_is_carried_out_as_what_it_is()
--   trigger wake_sequences AFTER INSERT ON actions.sequence FOR EACH STATEMENT EXECUTE FUNCTION jobs.wake('forge.sequences')

CREATE TABLE actions.sequence_step (
    id bigint NOT NULL GENERATED AS IDENTITY,
    sequence_id bigint NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    failures integer NOT NULL DEFAULT 0,  -- attempts that failed, in the direction that it is going
    action_id bigint,
    undo_action_id bigint,
    outcome jsonb NOT NULL DEFAULT '{}'::jsonb,
    failure text,
    changed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    after text[] NOT NULL DEFAULT '{}'::text[],  -- the steps that must be done before this one
    began_at timestamp with time zone,
    cause text,  -- of a failure: data, inventory, downstream, partner, timeout
    PRIMARY KEY (id),
    UNIQUE (sequence_id, "position"),
    CHECK (("position" > 0)),
    CHECK ((state = ANY (ARRAY['waiting'::text, 'doing'::text, 'done'::text, 'failed'::text, 'undoing'::text, 'undone'::text, 'in_doubt'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (sequence_id) REFERENCES actions.sequence(id),
    FOREIGN KEY (undo_action_id) REFERENCES actions.action(id)
);

-- function actions.actor() RETURNS text
-- function actions.append_audit(p_actor text, p_event text, p_action_id bigint, p_correlation_id uuid, p_detail jsonb) RETURNS void SECURITY DEFINER
-- function actions.approvers(a actions.action) RETURNS TABLE(staff_id bigint, role text)
-- function actions.are_a_pair(one bigint, other bigint, since timestamp with time zone) RETURNS boolean
-- function actions.ask(p_name text, p_arguments jsonb, p_facts jsonb, p_digest bytea, p_operation_key text, p_proposed_for bigint, p_reason text, p_evidence jsonb, p_correlation_id uuid, p_incident_id bigint, p_supersedes_id bigint, p_rests_on jsonb, p_matrix_digest text, OUT action_id bigint, OUT is_new boolean, OUT state text, OUT answer text, OUT rule text, OUT reason text, OUT approvers text[], OUT how_many integer, OUT approve_within interval, OUT execute_within interval, OUT tell text[], OUT spent jsonb) RETURNS record SECURITY DEFINER
-- function actions.audit_hash(stream text, seq bigint, at timestamp with time zone, actor text, event text, action_id bigint, correlation_id uuid, detail jsonb, previous bytea) RETURNS bytea
-- function actions.authorities(p_staff_id bigint) RETURNS TABLE(role text, holder_id bigint)
-- function actions.authority_for(p_staff_id bigint, a actions.action) RETURNS bigint
-- function actions.barred(p_name text, p_facts jsonb, m actions.measures, p_answer text, most actions.hard_limit) RETURNS actions.verdict
-- function actions.beyond(m actions.measures, most actions.measures) RETURNS text
-- function actions.book_overrun(p_run uuid, p_scope text, p_subject text, p_tokens bigint, p_micro_money bigint) RETURNS void SECURITY DEFINER
-- function actions.break_the_glass(p_role text, p_reason text, p_for interval) RETURNS bigint SECURITY DEFINER
-- function actions.claim(p_action_id bigint, p_digest bytea) RETURNS void SECURITY DEFINER
-- function actions.claimed() RETURNS bigint SECURITY DEFINER
-- function actions.covering(p_name text, p_facts jsonb, m actions.measures) RETURNS actions.matrix_row
-- function actions.decided(p_name text, p_facts jsonb, p_spent jsonb) RETURNS actions.verdict
-- function actions.delegate(p_delegate_id bigint, p_role text, p_starts_at timestamp with time zone, p_ends_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function actions.effects_of(p_action_id bigint, p_most integer) RETURNS TABLE(place text, content jsonb)
-- function actions.errands_stay_within() RETURNS trigger SECURITY DEFINER
-- function actions.finish(p_state text, p_outcome jsonb, p_failure text) RETURNS void SECURITY DEFINER
-- function actions.forget_runs() RETURNS void SECURITY DEFINER
-- function actions.gains(p_reference text, a actions.action) RETURNS boolean
-- function actions.guard(IN tables regclass[])
-- function actions.held_roles(p_staff_id bigint) RETURNS SETOF text
-- function actions.hold_matrix(p_digest text) RETURNS void
-- function actions.is_approved(a actions.action) RETURNS boolean
-- function actions.is_fresh() RETURNS boolean
-- function actions.is_grave(p_facts jsonb) RETURNS boolean
-- function actions.is_plain(p_key text, p_value jsonb) RETURNS boolean
-- function actions.is_stopped(p_scope text, p_name text) RETURNS boolean SECURITY DEFINER
-- function actions.judge(p_action_id bigint, p_matrix_digest text, p_take boolean, OUT state text, OUT answer text, OUT rule text, OUT reason text, OUT approvers text[], OUT how_many integer, OUT approve_within interval, OUT execute_within interval, OUT tell text[], OUT spent jsonb) RETURNS record SECURITY DEFINER
-- function actions.judged_again(p_action_id bigint, p_facts jsonb, p_matrix_digest text, OUT verdict actions.verdict, OUT spent jsonb, OUT has_moved boolean) RETURNS record SECURITY DEFINER
-- function actions.measured(p_facts jsonb) RETURNS actions.measures
-- function actions.mend_the_glass(p_break_glass_id bigint) RETURNS boolean SECURITY DEFINER
-- function actions.must_be_judged(p_effect text, p_customers bigint[]) RETURNS void SECURITY DEFINER
-- function actions.note_at_door(p_actor text, p_event text, p_detail jsonb) RETURNS void SECURITY DEFINER
-- function actions.odd_type(p_facts jsonb) RETURNS text
-- function actions.oddity(p_name text, p_facts jsonb) RETURNS text
-- function actions.order_is_carried_out_as_what_it_is() RETURNS trigger SECURITY DEFINER
-- function actions.partial_because(p_staff_id bigint, a actions.action) RETURNS text
-- function actions.propose(p_name text, p_arguments jsonb, p_facts jsonb, p_digest bytea, p_operation_key text, p_proposed_for bigint, p_reason text, p_evidence jsonb, p_correlation_id uuid, p_incident_id bigint, p_supersedes_id bigint, p_rests_on jsonb, OUT action_id bigint, OUT is_new boolean) RETURNS record SECURITY DEFINER
-- function actions.put_in_force(p_matrix jsonb, p_digest text, p_source text) RETURNS void SECURITY DEFINER
-- function actions.refuse(p_action_id bigint, p_rule text, p_reason text, p_matrix_digest text) RETURNS boolean SECURITY DEFINER
-- function actions.refused(p_rule text, p_reason text) RETURNS actions.verdict
-- function actions.require_assurance() RETURNS trigger SECURITY DEFINER
-- function actions.require_claim() RETURNS trigger SECURITY DEFINER
-- function actions.revoke_delegation(p_delegation_id bigint) RETURNS boolean SECURITY DEFINER
-- function actions.rule(p_action_id bigint, p_is_approval boolean, p_digest_seen bytea, p_note text) RETURNS text SECURITY DEFINER
-- function actions.seal_of(a actions.action) RETURNS bytea
-- function actions.settle(p_kind text, p_id bigint, p_happened boolean, p_note text) RETURNS boolean SECURITY DEFINER
-- function actions.signed_in_at() RETURNS timestamp with time zone SECURITY DEFINER
-- function actions.spend(p_run uuid, p_scope text, p_subject text, p_expense actions.expense) RETURNS void SECURITY DEFINER
-- function actions.spent(a actions.action) RETURNS jsonb
-- function actions.standing(p_action_id bigint, OUT signed_in_ago interval, OUT own_roles text[], OUT household bigint, OUT stands_with bigint[], OUT gaining bigint[]) RETURNS record SECURITY DEFINER
-- function actions.stopped_because(a actions.action) RETURNS text
-- function actions.strictness(p_answer text) RETURNS integer
-- function actions.switch(p_scope text, p_name text, p_is_on boolean, p_reason text) RETURNS void SECURITY DEFINER
-- function actions.tier_of(p_kind text) RETURNS integer
-- function actions.versioned(p_rests_on jsonb) RETURNS jsonb
-- function actions.withdraw(p_action_id bigint, p_state text, p_why text) RETURNS boolean SECURITY DEFINER
-- function actions.words_hash(p_salt uuid, p_words jsonb) RETURNS text

-- staff ------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE staff.api_token (
    id bigint NOT NULL GENERATED AS IDENTITY,
    token_hash bytea NOT NULL,
    name text NOT NULL,
    staff_id bigint NOT NULL,
    scopes text[] NOT NULL DEFAULT '{}'::text[],
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    PRIMARY KEY (id),
    UNIQUE (token_hash),
    CHECK ((name <> ''::text)),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);

CREATE TABLE staff.attempt (
    scope text NOT NULL,
    key bytea NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    counted_until timestamp with time zone NOT NULL,
    refused_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    PRIMARY KEY (scope, key),
    CHECK ((scope = ANY (ARRAY['account'::text, 'code'::text, 'address'::text, 'whole'::text])))
);
CREATE INDEX attempt_lapses ON staff.attempt USING btree (counted_until);

CREATE TABLE staff.member (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    email text NOT NULL,
    phone text,
    language text NOT NULL DEFAULT 'en'::text,
    password_hash text,
    is_active boolean NOT NULL DEFAULT true,
    customer_id bigint,  -- their own household with us, where they have one: they neither propose nor approve what it gains by
    password_changed_at timestamp with time zone,
    password_given_at timestamp with time zone,  -- when somebody else set the password; NULL once it is their own
    PRIMARY KEY (id),
    UNIQUE (email),
    CHECK ((email = lower(email))),
    CHECK ((name <> ''::text)),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX member_who_is_customer ON staff.member USING btree (customer_id) WHERE (customer_id IS NOT NULL);
--   trigger end_sessions AFTER UPDATE OF is_active ON staff.member FOR EACH ROW WHEN ((NOT new.is_active)) EXECUTE FUNCTION staff.end_sessions()

CREATE TABLE staff.outside_account (
    issuer text NOT NULL,
    subject text NOT NULL,
    staff_id bigint NOT NULL,
    linked_by text NOT NULL,
    linked_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);

CREATE TABLE staff.passkey (
    credential_id bytea NOT NULL,
    id bigint NOT NULL GENERATED AS IDENTITY,
    staff_id bigint NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    name text NOT NULL,
    is_backed_up boolean NOT NULL,
    added_at timestamp with time zone NOT NULL DEFAULT now(),
    last_used_at timestamp with time zone,
    PRIMARY KEY (credential_id),
    UNIQUE (id),
    CHECK ((name <> ''::text)),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX passkey_of_member ON staff.passkey USING btree (staff_id);

CREATE TABLE staff.recovery_code (
    code_hash bytea NOT NULL,
    staff_id bigint NOT NULL,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (code_hash),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX recovery_code_of_member ON staff.recovery_code USING btree (staff_id);

CREATE TABLE staff.role_held (
    staff_id bigint NOT NULL,
    role text NOT NULL,
    valid_from timestamp with time zone NOT NULL DEFAULT now(),
    valid_until timestamp with time zone,
    PRIMARY KEY (staff_id, role),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
--   trigger end_sessions AFTER INSERT OR DELETE OR UPDATE ON staff.role_held FOR EACH ROW EXECUTE FUNCTION staff.end_sessions()

CREATE TABLE staff.session (
    token_hash bytea NOT NULL,
    staff_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL DEFAULT now(),
    fresh_at timestamp with time zone NOT NULL DEFAULT now(),  -- when the person last proved who they are; money and disconnections are ruled on only soon after
    expires_at timestamp with time zone NOT NULL,
    id bigint NOT NULL GENERATED AS IDENTITY,
    last_used_at timestamp with time zone NOT NULL DEFAULT now(),
    proved_by text[] NOT NULL DEFAULT '{password}'::text[],  -- with what: password, totp, recovery_code, passkey, oidc
    address text NOT NULL DEFAULT ''::text,
    browser text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (token_hash),
    UNIQUE (id),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX session_of_member ON staff.session USING btree (staff_id);

CREATE TABLE staff.shift (
    id bigint NOT NULL GENERATED AS IDENTITY,
    staff_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    PRIMARY KEY (id),
    CHECK ((ends_at > starts_at)),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX shift_of_member ON staff.shift USING btree (staff_id, starts_at);

CREATE TABLE staff.totp (
    staff_id bigint NOT NULL,
    sealed_secret bytea NOT NULL,
    last_step bigint NOT NULL DEFAULT 0,  -- the time step of the last code that was taken: that code and any before it are refused (RFC 6238, 5.2)
    enrolled_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (staff_id),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);

CREATE TABLE staff.unfinished_proof (
    token_hash bytea NOT NULL,
    purpose text NOT NULL,
    staff_id bigint,
    sealed bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    PRIMARY KEY (token_hash),
    CHECK ((purpose = ANY (ARRAY['second_factor'::text, 'passkey_sign_in'::text, 'passkey_again'::text, 'passkey_new'::text, 'totp_new'::text, 'oidc'::text]))),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX unfinished_proof_lapses ON staff.unfinished_proof USING btree (expires_at);

-- function staff.count_attempt(p_scope text, p_key bytea, p_free integer, p_window interval, p_first interval, p_longest interval) RETURNS interval SECURITY DEFINER
-- function staff.end_sessions() RETURNS trigger SECURITY DEFINER
-- function staff.token_holder(p_token_hash bytea, OUT token_id bigint, OUT name text, OUT staff_id bigint, OUT scopes text[]) RETURNS SETOF record SECURITY DEFINER

-- knowledge --------------------------------------------------------------------------------------------------------------------------------

-- what an article said at each time: only ever added to, so that what was cited can be read
CREATE TABLE knowledge.article_version (
    passage_id bigint NOT NULL,
    version integer NOT NULL,  -- 0 is what the file said before somebody wrote over it
    module text NOT NULL,
    title text NOT NULL,
    words text NOT NULL,
    is_public boolean NOT NULL,
    is_retired boolean NOT NULL DEFAULT false,
    written_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (passage_id, version),
    CHECK ((title <> ''::text)),
    CHECK ((version >= 0)),
    CHECK ((words <> ''::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (passage_id) REFERENCES knowledge.passage(id) ON DELETE CASCADE
);
--   trigger announce AFTER INSERT OR DELETE ON knowledge.article_version FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON knowledge.article_version REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON knowledge.article_version REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON knowledge.article_version FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger written_by_a_lead BEFORE INSERT ON knowledge.article_version FOR EACH ROW WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION knowledge.is_written_by_a_lead()

CREATE TABLE knowledge.passage (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    module text NOT NULL,
    title text NOT NULL DEFAULT ''::text,
    words text NOT NULL,
    language text NOT NULL DEFAULT 'en'::text,
    model text NOT NULL,  -- what made the vector; vectors of different models are never compared
    vector vector(384),  -- NULL: nobody made one of these words yet, they are found as words alone
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    is_public boolean NOT NULL DEFAULT true,  -- false: for colleagues only
    reviewed_on date,  -- when somebody last saw to it that it is true
    document tsvector GENERATED ALWAYS AS ((setweight(to_tsvector('english'::regconfig, title), 'A'::"char") || setweight(to_tsvector('english'::regconfig, words), 'B'::"char"))) STORED,
    version integer NOT NULL DEFAULT 0,  -- 0: as a file of the operator's says it; else the version of knowledge.article_version that is shown
    is_retired boolean NOT NULL DEFAULT false,
    of_file text NOT NULL DEFAULT ''::text,  -- the title of the file that it took the place of: the next start does not bring that back
    PRIMARY KEY (id),
    UNIQUE (kind, module, words),
    CHECK ((kind = ANY (ARRAY['example'::text, 'article'::text]))),
    CHECK ((words <> ''::text))
);
CREATE INDEX passage_document ON knowledge.passage USING gin (document) WHERE (kind = 'article'::text);
--   row policy customer: ((( SELECT atlas.zone() AS zone) = 'customer'::text) AND is_public AND (NOT is_retired))
--   trigger says_what_was_written BEFORE UPDATE ON knowledge.passage FOR EACH ROW WHEN (((old.version > 0) OR (new.version > 0))) EXECUTE FUNCTION knowledge.says_what_was_written()
--   trigger stays_as_written BEFORE DELETE ON knowledge.passage FOR EACH ROW WHEN (((old.version > 0) AND (CURRENT_USER = 'bedrock_executor'::name))) EXECUTE FUNCTION knowledge.says_what_was_written()

-- what an engineer found and did, to be found again by whoever has the same fault
CREATE TABLE knowledge.solved (
    job_id bigint NOT NULL,
    model text NOT NULL,  -- what made the vector; vectors of different models are never compared
    vector vector(384) NOT NULL,
    document tsvector NOT NULL,
    learned_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id),
    FOREIGN KEY (job_id) REFERENCES field_service.job(id)
);
CREATE INDEX solved_document ON knowledge.solved USING gin (document);

-- function knowledge.is_written_by_a_lead() RETURNS trigger SECURITY DEFINER
-- function knowledge.says_what_was_written() RETURNS trigger SECURITY DEFINER

-- privacy ----------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE privacy.erasure (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    erased_at timestamp with time zone NOT NULL DEFAULT now(),
    because text[] NOT NULL,  -- why something was left: contract, debt, hold
    is_whole boolean NOT NULL GENERATED ALWAYS AS ((cardinality(because) = 0)) STORED,
    removed jsonb NOT NULL,
    ledger_until date,  -- until then the law wants the books kept; whose they were they no longer say
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX erasure_of_customer ON privacy.erasure USING btree (customer_id, id);
--   trigger require_claim_after AFTER INSERT ON privacy.erasure REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON privacy.erasure FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE privacy.legal_hold (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    reason text NOT NULL,
    placed_at timestamp with time zone NOT NULL DEFAULT now(),
    lifted_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((reason <> ''::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE UNIQUE INDEX one_hold_at_a_time ON privacy.legal_hold USING btree (customer_id) WHERE (lifted_at IS NULL);
--   trigger require_claim_after AFTER INSERT ON privacy.legal_hold REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON privacy.legal_hold FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON privacy.legal_hold FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- every table that says something of a customer
CREATE TABLE privacy.place (
    place text NOT NULL,
    position integer NOT NULL,  -- erasure goes through the places in this order: what refers to a row before the row
    whose text[] NOT NULL DEFAULT '{}'::text[],  -- how a row is known to be somebody's: COLUMN (it holds the customer's number), COLUMN = TABLE.COLUMN (of a row that is theirs), or COLUMN = customer:* (it holds customer:NUMBER)
    erasure text NOT NULL,
    needed_for text[] NOT NULL DEFAULT '{}'::text[],  -- what is a reason to leave it for now: a contract in force, an unpaid bill, a legal hold
    because text NOT NULL,
    PRIMARY KEY (place),
    CHECK ((erasure = ANY (ARRAY['delete'::text, 'rewrite'::text, 'keep'::text]))),
    CHECK ((needed_for <@ ARRAY['contract'::text, 'debt'::text, 'hold'::text]))
);

CREATE TABLE privacy.retention_proof (
    rule text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    removed bigint NOT NULL,
    oldest_left timestamp with time zone,
    PRIMARY KEY (rule, applied_at),
    CHECK ((removed >= 0))
);

CREATE TABLE privacy.retention_rule (
    rule text NOT NULL,
    position integer NOT NULL,
    place text NOT NULL,
    since text NOT NULL,  -- the column from which the time is counted
    only_if text,  -- COLUMN in A B: rows in another state are not over yet
    keep interval NOT NULL,
    how text NOT NULL,  -- rewrite: as the map says for an erasure; elsewhere: a job of its own does it; kept: only shown
    basis text NOT NULL,
    PRIMARY KEY (rule),
    CHECK ((basis <> ''::text)),
    CHECK ((how = ANY (ARRAY['delete'::text, 'rewrite'::text, 'elsewhere'::text, 'kept'::text]))),
    CHECK ((keep > '00:00:00'::interval))
);

-- what becomes of a column at an erasure; swept: only what names the person is taken out, whosever row it is
CREATE TABLE privacy.treatment (
    place text NOT NULL,
    name text NOT NULL,
    treatment text NOT NULL,
    PRIMARY KEY (place, name, treatment),
    CHECK ((treatment = ANY (ARRAY['blank'::text, 'erased'::text, 'null'::text, 'empty'::text, 'numbered'::text, 'pseudonym'::text, 'no'::text, 'swept'::text, 'swept_row'::text])))
);

-- function privacy.apply_retention(p_rule text, p_most integer) RETURNS bigint SECURITY DEFINER
-- function privacy.assignments(p_place text, p_pseudonym text) RETURNS text
-- function privacy.collected(p_customer_id bigint) RETURNS TABLE(place text, content jsonb)
-- function privacy.condition(p_place text) RETURNS text
-- function privacy.erase(p_customer_id bigint, p_threads text[]) RETURNS jsonb SECURITY DEFINER
-- function privacy.erase_again(p_customer_id bigint, p_erased_at timestamp with time zone, p_because text[], p_threads text[]) RETURNS bigint
-- function privacy.erase_rows(p_customer_id bigint, p_threads text[], p_action bigint, p_because text[]) RETURNS jsonb
-- function privacy.forget_threads(p_threads text[]) RETURNS void
-- function privacy.known_values(p_customer_id bigint) RETURNS SETOF text
-- function privacy.over(p_rule privacy.retention_rule) RETURNS text
-- function privacy.prove_retention(p_rule text, p_removed bigint) RETURNS void SECURITY DEFINER
-- function privacy.reasons_to_keep(p_customer_id bigint) RETURNS text[]
-- function privacy.still_says(p_place text) RETURNS text
-- function privacy.stop_what_is_under_way(p_customer_id bigint, p_except bigint) RETURNS void
-- function privacy.sweep(p_values text[]) RETURNS jsonb
-- function privacy.unplace(p_customer_id bigint) RETURNS void

-- catalogue --------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE catalogue.access_policy (
    offering_version_id bigint NOT NULL,
    rate_limit text NOT NULL,
    session_timeout_s integer NOT NULL DEFAULT 86400,
    address_pool text NOT NULL,
    line_profile text NOT NULL DEFAULT ''::text,  -- the OLT's line profile, the CMTS's or the sector's service class
    service_profile text NOT NULL DEFAULT ''::text,
    dhcp_class text NOT NULL DEFAULT ''::text,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (offering_version_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id)
);
--   trigger add_nothing BEFORE INSERT ON catalogue.access_policy FOR EACH ROW WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.access_policy REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.access_policy FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.add_on_held (
    id bigint NOT NULL GENERATED AS IDENTITY,
    subscriber_id bigint NOT NULL,
    offering_version_id bigint NOT NULL,
    held_from date NOT NULL,
    held_until date,  -- the first day without it; none while it is held
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    order_id bigint,
    ended_by_order_id bigint,  -- its own end, another plan that it does not go with, or the end of the line
    allotment_id bigint,  -- the address that came with it, where it brings one
    PRIMARY KEY (id),
    CHECK ((held_until >= held_from)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (allotment_id) REFERENCES cmdb.allotment(id) NOT VALID,
    FOREIGN KEY (ended_by_order_id) REFERENCES oms.product_order(id) NOT VALID,
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id),
    FOREIGN KEY (order_id) REFERENCES oms.product_order(id) NOT VALID,
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE UNIQUE INDEX add_on_once ON catalogue.add_on_held USING btree (subscriber_id, offering_version_id) WHERE (held_until IS NULL);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))
--   trigger require_claim_after AFTER INSERT ON catalogue.add_on_held REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.add_on_held FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON catalogue.add_on_held FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON catalogue.add_on_held REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.line_stays_within()
--   trigger stay_within_changed AFTER UPDATE ON catalogue.add_on_held REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.line_stays_within()

CREATE TABLE catalogue.bundle_part (
    bundle_id bigint NOT NULL,
    part_id bigint NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (bundle_id, part_id),
    CHECK ((bundle_id <> part_id)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (bundle_id) REFERENCES catalogue.offering(id),
    FOREIGN KEY (part_id) REFERENCES catalogue.offering(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger refuse_circles BEFORE INSERT OR UPDATE ON catalogue.bundle_part FOR EACH ROW EXECUTE FUNCTION catalogue.refuse_circles()
--   trigger require_claim_after AFTER INSERT ON catalogue.bundle_part REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.bundle_part FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.offered_service (
    offering_version_id bigint NOT NULL,
    cfs_id bigint NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (offering_version_id, cfs_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (cfs_id) REFERENCES catalogue.specification(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger add_nothing BEFORE INSERT ON catalogue.offered_service FOR EACH ROW WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()
--   trigger keep_what_was_sold BEFORE DELETE OR UPDATE ON catalogue.offered_service FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.offered_service REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.offered_service FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.offering (
    id bigint NOT NULL GENERATED AS IDENTITY,
    code text NOT NULL,
    name text NOT NULL,
    technology text NOT NULL,
    segment text NOT NULL,
    lifecycle_status text NOT NULL DEFAULT 'launched'::text,
    retired_by_action_id bigint,
    category text NOT NULL DEFAULT 'base'::text,
    worst_credit_class text,  -- sold to this class and better (A is best); none: to everybody
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (code),
    CHECK ((category = ANY (ARRAY['base'::text, 'add_on'::text, 'standalone'::text, 'bundle'::text]))),
    CHECK ((lifecycle_status = ANY (ARRAY['in_study'::text, 'in_design'::text, 'in_test'::text, 'active'::text, 'launched'::text, 'retired'::text, 'obsolete'::text]))),
    CHECK ((segment = ANY (ARRAY['residential'::text, 'business'::text]))),
    CHECK ((technology = ANY (ARRAY['fibre'::text, 'fixed_wireless'::text, 'docsis'::text, 'any'::text]))),
    CHECK ((worst_credit_class = ANY (ARRAY['A'::text, 'B'::text, 'C'::text, 'D'::text, 'E'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (retired_by_action_id) REFERENCES actions.action(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger require_claim_after AFTER INSERT ON catalogue.offering REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.offering FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON catalogue.offering FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.offering_version (
    id bigint NOT NULL GENERATED AS IDENTITY,
    offering_id bigint NOT NULL,
    valid_from date NOT NULL,
    valid_to date,
    down_kbps integer NOT NULL,
    up_kbps integer NOT NULL,
    contract_months integer NOT NULL DEFAULT 0,
    sla_id bigint,
    made_by xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- the only transaction that may add to what is on sale
    termination_fee_minor bigint NOT NULL DEFAULT 0,  -- for each month of the contract that is left, without tax
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (offering_id, valid_from),
    CHECK ((contract_months >= 0)),
    CHECK ((down_kbps > 0)),
    CHECK ((termination_fee_minor >= 0)),
    CHECK ((up_kbps > 0)),
    CHECK ((valid_to > valid_from)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (offering_id) REFERENCES catalogue.offering(id),
    FOREIGN KEY (sla_id) REFERENCES catalogue.sla(id),
    EXCLUDE USING gist (int8range(offering_id, offering_id, '[]'::text) WITH &&, daterange(valid_from, valid_to) WITH &&)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger keep_what_was_sold BEFORE DELETE OR UPDATE OF id, offering_id, valid_from, down_kbps, up_kbps, contract_months, sla_id, termination_fee_minor, made_by ON catalogue.offering_version FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.offering_version REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.offering_version FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON catalogue.offering_version FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.plan_change (
    from_id bigint NOT NULL,
    to_id bigint NOT NULL,
    timing text NOT NULL,
    fee_minor bigint NOT NULL DEFAULT 0,  -- without tax
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (from_id, to_id),
    CHECK ((fee_minor >= 0)),
    CHECK ((from_id <> to_id)),
    CHECK ((timing = ANY (ARRAY['immediate'::text, 'next_bill'::text, 'end_of_term'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (from_id) REFERENCES catalogue.offering(id),
    FOREIGN KEY (to_id) REFERENCES catalogue.offering(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger require_claim_after AFTER INSERT ON catalogue.plan_change REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.plan_change FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.price (
    id bigint NOT NULL GENERATED AS IDENTITY,
    offering_version_id bigint NOT NULL,
    kind text NOT NULL,
    label text NOT NULL,
    amount_minor bigint NOT NULL,
    tax_category text NOT NULL DEFAULT 'standard'::text,
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    charged text NOT NULL DEFAULT 'in_advance'::text,
    meter text NOT NULL DEFAULT ''::text,  -- of usage: what is counted, as in data or calls_international; the name that usage records carry
    unit text NOT NULL DEFAULT ''::text,  -- of usage: one unit counted, as in MB, second or message
    per_units bigint NOT NULL DEFAULT 1,  -- of usage: amount_minor buys so many units, beyond the allowance
    allowance_units bigint NOT NULL DEFAULT 0,
    is_rolled_over boolean NOT NULL DEFAULT false,
    tiering text NOT NULL DEFAULT 'graduated'::text,  -- graduated: each unit at the rate of the tier it falls in; volume: all at the rate of the tier reached
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    every_months integer NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    UNIQUE (offering_version_id, kind, label),
    CHECK (((kind = 'usage'::text) OR ((allowance_units = 0) AND (per_units = 1) AND (NOT is_rolled_over)))),
    CHECK ((allowance_units >= 0)),
    CHECK ((amount_minor > 0)),
    CHECK ((charged = ANY (ARRAY['in_advance'::text, 'in_arrears'::text]))),
    CHECK ((every_months = ANY (ARRAY[1, 2, 3, 6, 12, 24]))),
    CHECK ((kind = ANY (ARRAY['recurring'::text, 'one_off'::text, 'usage'::text]))),
    CHECK ((per_units > 0)),
    CHECK ((tiering = ANY (ARRAY['graduated'::text, 'volume'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger add_nothing BEFORE INSERT ON catalogue.price FOR EACH ROW WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()
--   trigger keep_how_often BEFORE UPDATE OF every_months ON catalogue.price FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold()
--   trigger keep_what_was_sold BEFORE DELETE OR UPDATE OF offering_version_id, kind, amount_minor, tax_category, is_tax_inclusive, charged, meter, unit, per_units, allowance_units, is_rolled_over, tiering ON catalogue.price FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.price REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.price FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.price_phase (
    price_id bigint NOT NULL,
    ordinal integer NOT NULL,
    kind text NOT NULL DEFAULT 'discount'::text,
    months integer NOT NULL,
    amount_minor bigint NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (price_id, ordinal),
    CHECK ((amount_minor >= 0)),
    CHECK ((kind = ANY (ARRAY['trial'::text, 'discount'::text, 'fixed_term'::text]))),
    CHECK ((months > 0)),
    CHECK ((ordinal > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (price_id) REFERENCES catalogue.price(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger add_nothing BEFORE INSERT ON catalogue.price_phase FOR EACH ROW WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()
--   trigger keep_what_was_sold BEFORE DELETE OR UPDATE ON catalogue.price_phase FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.price_phase REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.price_phase FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.price_tier (
    price_id bigint NOT NULL,
    from_units bigint NOT NULL,
    amount_minor bigint NOT NULL,
    per_units bigint NOT NULL DEFAULT 1,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    entry_minor bigint NOT NULL DEFAULT 0,  -- charged once a period, with the first unit above from_units
    PRIMARY KEY (price_id, from_units),
    CHECK ((amount_minor >= 0)),
    CHECK ((entry_minor >= 0)),
    CHECK ((from_units >= 0)),
    CHECK ((per_units > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (price_id) REFERENCES catalogue.price(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger add_nothing BEFORE INSERT ON catalogue.price_tier FOR EACH ROW WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()
--   trigger keep_what_was_sold BEFORE DELETE OR UPDATE ON catalogue.price_tier FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.price_tier REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.price_tier FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- of those, a version takes what is of its technology, or of any
CREATE TABLE catalogue.realisation (
    cfs_id bigint NOT NULL,
    rfs_id bigint NOT NULL,
    PRIMARY KEY (cfs_id, rfs_id),
    FOREIGN KEY (cfs_id) REFERENCES catalogue.specification(id),
    FOREIGN KEY (rfs_id) REFERENCES catalogue.specification(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

-- requires: one of those named; excludes: none of them, read both ways; included_in: comes with them, so is not sold beside them
CREATE TABLE catalogue.relation (
    offering_id bigint NOT NULL,
    kind text NOT NULL,
    other_id bigint NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (offering_id, kind, other_id),
    CHECK ((kind = ANY (ARRAY['requires'::text, 'excludes'::text, 'included_in'::text]))),
    CHECK ((offering_id <> other_id)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (offering_id) REFERENCES catalogue.offering(id),
    FOREIGN KEY (other_id) REFERENCES catalogue.offering(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger require_claim_after AFTER INSERT ON catalogue.relation REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.relation FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.reply_item (
    offering_version_id bigint NOT NULL,
    ordinal integer NOT NULL,
    attribute text NOT NULL,
    op text NOT NULL DEFAULT ':='::text,
    value text NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (offering_version_id, ordinal),
    CHECK (((value <> ''::text) AND (value !~ '[[:cntrl:]]'::text))),
    CHECK ((attribute ~ '^[A-Za-z0-9][A-Za-z0-9.-]{1,63}$'::text)),
    CHECK ((op = ANY (ARRAY[':='::text, '='::text, '+='::text]))),
    CHECK ((ordinal > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id)
);
--   trigger add_nothing BEFORE INSERT ON catalogue.reply_item FOR EACH ROW WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()
--   trigger require_claim_after AFTER INSERT ON catalogue.reply_item REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.reply_item FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.resource_need (
    rfs_id bigint NOT NULL,
    ordinal integer NOT NULL,  -- the order in which they are got hold of, over all services of one offering
    kind text NOT NULL,
    model text NOT NULL DEFAULT ''::text,  -- what sort: an ONT, a /56, a static address; empty: any
    needed text NOT NULL DEFAULT 'always'::text,
    PRIMARY KEY (rfs_id, ordinal),
    CHECK ((kind = ANY (ARRAY['visit'::text, 'access_port'::text, 'cpe'::text, 'vlan'::text, 'ipv4'::text, 'ipv6_prefix'::text, 'radius_credential'::text, 'access_profile'::text]))),
    CHECK ((needed = ANY (ARRAY['always'::text, 'without_drop'::text]))),
    CHECK ((ordinal > 0)),
    FOREIGN KEY (rfs_id) REFERENCES catalogue.specification(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE catalogue.sla (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    repair_hours integer NOT NULL,
    is_around_the_clock boolean NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name),
    CHECK ((repair_hours > 0))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE catalogue.sold_in (
    offering_id bigint NOT NULL,
    area_id bigint NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (offering_id, area_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (offering_id) REFERENCES catalogue.offering(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger require_claim_after AFTER INSERT ON catalogue.sold_in REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON catalogue.sold_in FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE catalogue.specification (
    id bigint NOT NULL GENERATED AS IDENTITY,
    code text NOT NULL,
    kind text NOT NULL,
    technology text NOT NULL DEFAULT 'any'::text,
    name text NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (code),
    CHECK ((kind = ANY (ARRAY['cfs'::text, 'rfs'::text]))),
    CHECK ((technology = ANY (ARRAY['fibre'::text, 'fixed_wireless'::text, 'docsis'::text, 'any'::text])))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE catalogue.tax_category (
    code text NOT NULL,
    title text NOT NULL,
    PRIMARY KEY (code)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

-- function catalogue.add_nothing_to_what_was_sold() RETURNS trigger
-- function catalogue.is_open_to(p_version bigint) RETURNS boolean
-- function catalogue.keep_what_was_sold() RETURNS trigger
-- function catalogue.refuse_circles() RETURNS trigger

-- gis --------------------------------------------------------------------------------------------------------------------------------------

-- a zone that people would name: outages are told, and child tickets opened, by area
CREATE TABLE gis.area (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name),
    CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision)))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

-- a building of several units; consent: the landlord's, without which nothing is laid in it
CREATE TABLE gis.building (
    id bigint NOT NULL GENERATED AS IDENTITY,
    area_id bigint NOT NULL,
    name text NOT NULL,
    landlord text NOT NULL DEFAULT ''::text,
    consent text NOT NULL DEFAULT 'not_needed'::text,
    consent_changed_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    landlord_id bigint,  -- the landlord's own record, where we have one: their copy holds the building and their erasure takes their name out of it
    PRIMARY KEY (id),
    UNIQUE (area_id, name),
    CHECK ((consent = ANY (ARRAY['not_needed'::text, 'missing'::text, 'asked'::text, 'given'::text, 'refused'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (landlord_id) REFERENCES crm.customer(id)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)
--   trigger require_claim_to_add BEFORE INSERT ON gis.building FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON gis.building FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE gis.coverage (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    technology text NOT NULL,
    down_kbps integer NOT NULL,
    up_kbps integer NOT NULL,
    ready_on date,  -- planned: ready for service on that day; none: ready
    geometry jsonb NOT NULL,
    south double precision NOT NULL,
    west double precision NOT NULL,
    north double precision NOT NULL,
    east double precision NOT NULL,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (name),
    CHECK (((geometry ->> 'type'::text) = ANY (ARRAY['Polygon'::text, 'MultiPolygon'::text]))),
    CHECK ((down_kbps > 0)),
    CHECK ((east > west)),
    CHECK ((north > south)),
    CHECK ((technology = ANY (ARRAY['fibre'::text, 'fixed_wireless'::text, 'docsis'::text]))),
    CHECK ((up_kbps > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id)
);
CREATE INDEX coverage_by_box ON gis.coverage USING btree (south, north);
--   trigger require_claim_to_add BEFORE INSERT ON gis.coverage FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON gis.coverage FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE gis.drop (
    premise_id bigint NOT NULL,
    device_id bigint NOT NULL,
    length_m integer NOT NULL,
    laid_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (premise_id, device_id),
    CHECK ((length_m >= 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES gis.serving_point(device_id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id)
);
CREATE INDEX drop_of_device ON gis.drop USING btree (device_id);
--   row policy customer: (premise_id IN ( SELECT subscriber.premise_id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))
--   trigger require_claim_after AFTER INSERT ON gis.drop REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON gis.drop FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE gis.lead (
    id bigint NOT NULL GENERATED AS IDENTITY,
    premise_id bigint,
    written text NOT NULL,  -- the address as it was said
    postcode text NOT NULL DEFAULT ''::text,
    customer_id bigint,
    wanted_kbps integer,
    reason text NOT NULL,  -- why they could not be served, when they asked
    recorded_at timestamp with time zone NOT NULL DEFAULT now(),
    key text NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (key),
    CHECK (((written <> ''::text) AND (length(written) <= 300))),
    CHECK ((wanted_kbps > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id)
);
CREATE INDEX lead_by_postcode ON gis.lead USING btree (postcode);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger require_claim_after AFTER INSERT ON gis.lead REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON gis.lead FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE gis.premise (
    id bigint NOT NULL GENERATED AS IDENTITY,
    area_id bigint NOT NULL,
    unit text NOT NULL DEFAULT ''::text,
    number text NOT NULL,
    street text NOT NULL,
    town text NOT NULL,
    postcode text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    corrected_by_action_id bigint,
    building_id bigint,
    external_id text,  -- the national register's key, as uprn:100012345 or fabric:1000000001; none for what is too new to have one
    is_provisional boolean NOT NULL DEFAULT false,  -- we made it up from what somebody said: to be confirmed, and never filed with a regulator
    kind text NOT NULL DEFAULT 'residential'::text,
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (external_id),
    UNIQUE (postcode, street, number, unit),
    CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CHECK ((NOT ((latitude = (0)::double precision) AND (longitude = (0)::double precision)))),
    CHECK ((kind = ANY (ARRAY['residential'::text, 'business'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (building_id) REFERENCES gis.building(id),
    FOREIGN KEY (corrected_by_action_id) REFERENCES actions.action(id)
);
CREATE INDEX premise_by_position ON gis.premise USING btree (latitude, longitude);
CREATE INDEX premise_by_street ON gis.premise USING btree (lower(street));
CREATE INDEX premise_of_area ON gis.premise USING btree (area_id);
CREATE INDEX premise_of_building ON gis.premise USING btree (building_id) WHERE (building_id IS NOT NULL);
--   row policy customer: (id IN ( SELECT subscriber.premise_id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))))
--   trigger require_claim_to_add BEFORE INSERT ON gis.premise FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON gis.premise FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE gis.reservation (
    id bigint NOT NULL GENERATED AS IDENTITY,
    device_id bigint NOT NULL,
    port integer NOT NULL,
    premise_id bigint NOT NULL,
    key text NOT NULL,  -- whom it is held for, as order:31: asked for twice it is one reservation
    reserved_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_as text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK (((ended_at IS NULL) = (ended_as IS NULL))),
    CHECK ((ended_as = ANY (ARRAY['taken_up'::text, 'released'::text, 'expired'::text]))),
    CHECK ((expires_at > reserved_at)),
    CHECK ((port > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES gis.serving_point(device_id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id)
);
CREATE INDEX reservation_of_premise ON gis.reservation USING btree (premise_id) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX one_holder_per_port ON gis.reservation USING btree (device_id, port) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX one_port_per_key ON gis.reservation USING btree (key) WHERE (ended_at IS NULL);
--   trigger announce AFTER INSERT OR DELETE ON gis.reservation FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON gis.reservation REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON gis.reservation REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON gis.reservation FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON gis.reservation FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE gis.serving_point (
    device_id bigint NOT NULL,
    technology text NOT NULL,
    ports integer NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    down_kbps integer NOT NULL,  -- the most that it gives to one line
    up_kbps integer NOT NULL,
    reach_m integer NOT NULL,  -- the longest drop; of a sector the furthest subscriber module
    azimuth_deg integer,
    beamwidth_deg integer,
    split integer,  -- of a splitter: how many ways the light is shared, 1:N; none: it is not shared
    budget_db real NOT NULL DEFAULT 28,  -- the optics' class: 28 is GPON B+ (ITU-T G.984.2, amendment 1)
    ready_on date,  -- not in service before that day; none: it is
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (device_id),
    CHECK (((azimuth_deg >= 0) AND (azimuth_deg <= 359))),
    CHECK (((azimuth_deg IS NULL) = (beamwidth_deg IS NULL))),
    CHECK (((beamwidth_deg >= 1) AND (beamwidth_deg <= 360))),
    CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CHECK ((NOT ((latitude = (0)::double precision) AND (longitude = (0)::double precision)))),
    CHECK ((budget_db > (0)::double precision)),
    CHECK ((down_kbps > 0)),
    CHECK ((ports > 0)),
    CHECK ((reach_m > 0)),
    CHECK ((split = ANY (ARRAY[2, 4, 8, 16, 32, 64, 128]))),
    CHECK ((technology = ANY (ARRAY['fibre'::text, 'fixed_wireless'::text, 'docsis'::text]))),
    CHECK ((up_kbps > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id)
);
CREATE INDEX serving_point_by_position ON gis.serving_point USING btree (latitude, longitude);
--   trigger note_changes AFTER UPDATE ON gis.serving_point REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cmdb.note_changes('device_id')

-- function gis.coverage_around(p_latitude double precision, p_longitude double precision) RETURNS TABLE(id bigint, name text, technology text, down_kbps integer, up_kbps integer, ready_on date, geometry jsonb) SECURITY DEFINER
-- function gis.coverage_planned(p_latitude double precision, p_longitude double precision, p_today date) RETURNS TABLE(name text, technology text, ready_on date, away_km integer) SECURITY DEFINER
-- function gis.kept_for_orders(p_device bigint, p_but_for_premise bigint) RETURNS bigint SECURITY DEFINER
-- function gis.place_of(p_premise bigint) RETURNS TABLE(premise_id bigint, unit text, number text, street text, town text, postcode text, area_id bigint, area text, latitude double precision, longitude double precision, kind text, is_provisional boolean, building text, consent text) SECURITY DEFINER
-- function gis.plant_around(p_premise bigint, p_latitude double precision, p_longitude double precision) RETURNS TABLE(device_id bigint, name text, kind text, technology text, area text, ports integer, lines bigint, reserved bigint, reserved_here bigint, latitude double precision, longitude double precision, down_kbps integer, up_kbps integer, reach_m integer, azimuth_deg integer, beamwidth_deg integer, split integer, budget_db real, ready_on date, operational_state text, drop_m integer, feeder_m integer, is_fed boolean, incidents bigint, median_power_dbm real, installs_failed bigint, installs_failed_on_light bigint) SECURITY DEFINER
-- function gis.premises_like(p_postcode text, p_streets text[], p_building text, p_most integer) RETURNS TABLE(id bigint, unit text, number text, street text, town text, postcode text, area text, building text, is_provisional boolean) SECURITY DEFINER
-- function gis.street_names() RETURNS SETOF text SECURITY DEFINER
-- function gis.technologies_drawn() RETURNS SETOF text SECURITY DEFINER

-- crm --------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE crm.consent (
    customer_id bigint NOT NULL,
    purpose text NOT NULL,
    channel text NOT NULL,
    is_given boolean NOT NULL,
    recorded_at timestamp with time zone NOT NULL DEFAULT now(),
    source text NOT NULL,
    action_id bigint,
    PRIMARY KEY (customer_id, purpose, channel),
    CHECK ((channel = ANY (ARRAY['sms'::text, 'whatsapp'::text, 'voice'::text, 'email'::text]))),
    CHECK ((purpose = ANY (ARRAY['service'::text, 'billing'::text, 'marketing'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger stay_within AFTER INSERT ON crm.consent REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()
--   trigger stay_within_changed AFTER UPDATE ON crm.consent REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()

CREATE TABLE crm.contact (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,  -- E.164 for sms, whatsapp and voice; lower-case for email
    is_preferred boolean NOT NULL DEFAULT false,
    quiet_from time without time zone,
    quiet_until time without time zone,
    changed_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (customer_id, channel, address),
    CHECK ((channel = ANY (ARRAY['sms'::text, 'whatsapp'::text, 'voice'::text, 'email'::text]))),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX contact_by_address ON crm.contact USING btree (address);
CREATE UNIQUE INDEX one_preferred_contact ON crm.contact USING btree (customer_id) WHERE is_preferred;
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger stay_within AFTER INSERT ON crm.contact REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()
--   trigger stay_within_changed AFTER UPDATE ON crm.contact REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()

CREATE TABLE crm.customer (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    name text NOT NULL,
    given_name text NOT NULL DEFAULT ''::text,
    language text NOT NULL DEFAULT 'en'::text,
    timezone text NOT NULL DEFAULT 'Europe/London'::text,
    state text NOT NULL DEFAULT 'active'::text,
    is_vulnerable boolean NOT NULL DEFAULT false,
    vulnerability text NOT NULL DEFAULT ''::text,  -- what to bear in mind: medical equipment, telecare alarm, ...
    has_emergency_line boolean NOT NULL DEFAULT false,
    customer_since date NOT NULL,
    version integer NOT NULL DEFAULT 1,
    birth_date date,
    is_sanctioned boolean NOT NULL DEFAULT false,  -- found on a list of sanctions or of fraud: their orders are held
    merged_into_id bigint,  -- the record under which this person is kept on; their bills stay where they were issued
    action_id bigint DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((kind = ANY (ARRAY['individual'::text, 'organisation'::text]))),
    CHECK ((language = ANY (ARRAY['en'::text, 'es'::text, 'de'::text, 'fr'::text, 'hi'::text]))),
    CHECK ((merged_into_id <> id)),
    CHECK ((name <> ''::text)),
    CHECK ((state = ANY (ARRAY['prospect'::text, 'active'::text, 'former'::text, 'deceased'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (merged_into_id) REFERENCES crm.customer(id)
);
CREATE INDEX customer_by_name ON crm.customer USING btree (lower(name));
CREATE INDEX customer_by_name_key ON crm.customer USING btree (crm.name_key(name));
CREATE INDEX customer_merged_into ON crm.customer USING btree (merged_into_id) WHERE (merged_into_id IS NOT NULL);
--   row policy customer: (id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON crm.customer FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON crm.customer REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON crm.customer REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON crm.customer FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON crm.customer REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.customer_stays_within()
--   trigger stay_within_changed AFTER UPDATE ON crm.customer REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.customer_stays_within()

CREATE TABLE crm.interaction (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT now(),
    kind text NOT NULL,
    channel text,
    summary text NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX interaction_of_customer ON crm.interaction USING btree (customer_id, at DESC);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger require_claim_after AFTER INSERT ON crm.interaction REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON crm.interaction FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stays BEFORE DELETE OR UPDATE ON crm.interaction FOR EACH ROW EXECUTE FUNCTION crm.timeline_stays()
--   trigger stays_whole BEFORE TRUNCATE ON crm.interaction FOR EACH STATEMENT EXECUTE FUNCTION crm.timeline_stays()

CREATE TABLE crm.merge (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,  -- who is kept
    absorbed_id bigint NOT NULL,
    was_state text NOT NULL,
    moved_minor bigint NOT NULL,  -- what the absorbed record owed (negative: was owed) when it came over
    merged_at timestamp with time zone NOT NULL,
    undone_at timestamp with time zone,
    undone_by_action_id bigint,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((absorbed_id <> customer_id)),
    CHECK ((undone_at >= merged_at)),
    FOREIGN KEY (absorbed_id) REFERENCES crm.customer(id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (undone_by_action_id) REFERENCES actions.action(id)
);
CREATE UNIQUE INDEX absorbed_once ON crm.merge USING btree (absorbed_id) WHERE (undone_at IS NULL);
--   trigger stay_within AFTER INSERT ON crm.merge REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.merges_stay_within()
--   trigger stay_within_changed AFTER UPDATE ON crm.merge REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.merges_stay_within()

CREATE TABLE crm.merge_row (
    merge_id bigint NOT NULL,
    place text NOT NULL,
    row_id bigint NOT NULL,
    PRIMARY KEY (merge_id, place, row_id),
    FOREIGN KEY (merge_id) REFERENCES crm.merge(id)
);

CREATE TABLE crm.moved_number (
    id bigint NOT NULL GENERATED AS IDENTITY,
    address text NOT NULL,
    kind text NOT NULL,  -- other_holder: whoever has it now is not whom it was on file for
    noticed_at timestamp with time zone NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((address <> ''::text)),
    CHECK ((kind = ANY (ARRAY['sim'::text, 'ported'::text, 'other_holder'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id)
);
CREATE INDEX moved_number_by_address ON crm.moved_number USING btree (address, noticed_at DESC);
--   trigger require_claim_after AFTER INSERT ON crm.moved_number REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON crm.moved_number FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE crm.party_role (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    may text[] NOT NULL DEFAULT '{}'::text[],  -- what the customer gave them authority for; empty: none, whatever they say
    valid_from timestamp with time zone NOT NULL DEFAULT now(),
    valid_until timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((address <> ''::text)),
    CHECK ((channel = ANY (ARRAY['sms'::text, 'whatsapp'::text, 'voice'::text, 'email'::text]))),
    CHECK ((may <@ ARRAY['be_told'::text, 'order'::text, 'pay'::text, 'everything'::text])),
    CHECK ((name <> ''::text)),
    CHECK ((role = ANY (ARRAY['payer'::text, 'user'::text, 'delegate'::text, 'technical'::text, 'next_of_kin'::text]))),
    CHECK ((valid_until >= valid_from)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX party_role_of_customer ON crm.party_role USING btree (customer_id);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger require_claim_after AFTER INSERT ON crm.party_role REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON crm.party_role FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON crm.party_role REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()
--   trigger stay_within_changed AFTER UPDATE ON crm.party_role REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()

CREATE TABLE crm.subscriber (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    premise_id bigint NOT NULL,
    offering_version_id bigint NOT NULL,
    state text NOT NULL,
    activated_at timestamp with time zone,
    suspended_for text,
    action_id bigint,
    version integer NOT NULL DEFAULT 1,
    restricted_for text,  -- served, but slowly: the step before suspension; who answers RADIUS reads it
    PRIMARY KEY (id),
    UNIQUE (id, customer_id),
    CHECK (((state = 'suspended'::text) = (suspended_for IS NOT NULL))),
    CHECK ((restricted_for = ANY (ARRAY['non_payment'::text, 'fair_use'::text]))),
    CHECK ((state = ANY (ARRAY['created'::text, 'pendingActive'::text, 'active'::text, 'suspended'::text, 'pendingTerminate'::text, 'terminated'::text, 'cancelled'::text, 'aborted'::text]))),
    CHECK ((suspended_for = ANY (ARRAY['non_payment'::text, 'voluntary'::text, 'abuse'::text, 'fraud'::text]))) NOT VALID,
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id)
);
CREATE INDEX subscriber_of_customer ON crm.subscriber USING btree (customer_id);
CREATE INDEX subscriber_of_premise ON crm.subscriber USING btree (premise_id);
--   row policy customer: (customer_id = ( SELECT atlas.customer_id() AS customer_id))
--   trigger keep_pause AFTER UPDATE OF state ON crm.subscriber FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) AND (('suspended'::text = old.state) OR ('suspended'::text = new.state)))) EXECUTE FUNCTION billing.keep_pause()
--   trigger look_again AFTER INSERT ON crm.subscriber REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('id')
--   trigger look_again_changed AFTER UPDATE ON crm.subscriber FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.restricted_for IS DISTINCT FROM new.restricted_for))) EXECUTE FUNCTION billing.look_again('id')
--   trigger stay_within AFTER INSERT ON crm.subscriber REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()
--   trigger stay_within_changed AFTER UPDATE ON crm.subscriber REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()
--   trigger topology_changed AFTER UPDATE OF state ON crm.subscriber FOR EACH STATEMENT EXECUTE FUNCTION cmdb.topology_changed()

-- function crm.customer_stays_within() RETURNS trigger SECURITY DEFINER
-- function crm.follows_customer() RETURNS SETOF regclass SECURITY DEFINER
-- function crm.merge_customers(p_survivor bigint, p_absorbed bigint, p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function crm.merges_stay_within() RETURNS trigger SECURITY DEFINER
-- function crm.name_key(p_name text) RETURNS text
-- function crm.stays_within() RETURNS trigger SECURITY DEFINER
-- function crm.timeline_stays() RETURNS trigger
-- function crm.undo_merge(p_merge bigint, p_at timestamp with time zone) RETURNS void SECURITY DEFINER

-- oms --------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE oms.order_event (
    id bigint NOT NULL GENERATED AS IDENTITY,
    order_id bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT now(),
    state text NOT NULL,
    reason text NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (order_id) REFERENCES oms.product_order(id)
);
CREATE INDEX event_of_order ON oms.order_event USING btree (order_id, id);
--   row policy customer: (order_id IN ( SELECT product_order.id
   FROM oms.product_order
  WHERE (product_order.customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))))
--   trigger require_claim_after AFTER INSERT ON oms.order_event REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON oms.order_event FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE oms.order_item (
    id bigint NOT NULL GENERATED AS IDENTITY,
    order_id bigint NOT NULL,
    position integer NOT NULL,
    action text NOT NULL,
    state text NOT NULL DEFAULT 'acknowledged'::text,
    offering_version_id bigint,
    state_changed_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (order_id, "position"),
    CHECK (("position" > 0)),
    CHECK ((action = ANY (ARRAY['add'::text, 'modify'::text, 'delete'::text, 'noChange'::text]))),
    CHECK ((state = ANY (ARRAY['acknowledged'::text, 'rejected'::text, 'pending'::text, 'held'::text, 'inProgress'::text, 'cancelled'::text, 'completed'::text, 'failed'::text, 'assessingCancellation'::text, 'pendingCancellation'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id),
    FOREIGN KEY (order_id) REFERENCES oms.product_order(id)
);
--   row policy customer: (order_id IN ( SELECT product_order.id
   FROM oms.product_order
  WHERE (product_order.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))
--   trigger require_claim_after AFTER INSERT ON oms.order_item REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON oms.order_item FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON oms.order_item FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE oms.order_visit (
    job_id bigint NOT NULL,
    order_id bigint NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (job_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (job_id) REFERENCES field_service.job(id),
    FOREIGN KEY (order_id) REFERENCES oms.product_order(id)
);
CREATE INDEX visit_of_order ON oms.order_visit USING btree (order_id, job_id);
--   row policy customer: (order_id IN ( SELECT product_order.id
   FROM oms.product_order
  WHERE (product_order.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))
--   trigger require_claim_after AFTER INSERT ON oms.order_visit REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON oms.order_visit FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- as orders kept ports until 0040: counted while one is open, written by nobody; goes with a contraction
CREATE TABLE oms.port_hold (
    order_id bigint NOT NULL,
    device_id bigint NOT NULL,
    until timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (order_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (order_id) REFERENCES oms.product_order(id)
);
CREATE INDEX port_hold_of_device ON oms.port_hold USING btree (device_id) WHERE (ended_at IS NULL);
--   trigger require_claim_after AFTER INSERT ON oms.port_hold REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON oms.port_hold FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON oms.port_hold FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE oms.product_order (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    subscriber_id bigint,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'acknowledged'::text,  -- TMF622
    offering_version_id bigint,
    wanted_on date,
    ordered_at timestamp with time zone NOT NULL DEFAULT now(),
    state_changed_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    key text,  -- whoever sends the same order twice finds the first: law 5
    premise_id bigint,
    monthly_minor bigint,  -- a month's price that was agreed, tax left out
    needs_visit boolean NOT NULL DEFAULT false,
    serial text,  -- the box that is to be used, where somebody named one
    retry_at timestamp with time zone,  -- of what is held: when it is looked at again
    cause_class text,
    past_return_at timestamp with time zone,  -- from then on it cannot be taken back: what is cancelled later is ended by an order of its own
    evidence text,  -- what showed that the line works, as in accounting_start:8f3a or ont_online:HWTC01: billing begins there
    evidence_at timestamp with time zone,
    follows_id bigint,  -- not before that one is completed: the old line of a move
    PRIMARY KEY (id),
    UNIQUE (key),
    CHECK ((cause_class = ANY (ARRAY['data'::text, 'inventory'::text, 'downstream'::text, 'partner'::text, 'timeout'::text, 'credit'::text, 'customer'::text]))),
    CHECK ((follows_id <> id)),
    CHECK ((kind = ANY (ARRAY['add'::text, 'modify'::text, 'move'::text, 'delete'::text, 'add_on'::text, 'end_add_on'::text]))) NOT VALID,
    CHECK ((monthly_minor >= 0)),
    CHECK ((state = ANY (ARRAY['acknowledged'::text, 'rejected'::text, 'pending'::text, 'held'::text, 'inProgress'::text, 'cancelled'::text, 'completed'::text, 'failed'::text, 'partial'::text, 'assessingCancellation'::text, 'pendingCancellation'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (follows_id) REFERENCES oms.product_order(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id),
    FOREIGN KEY (subscriber_id, customer_id) REFERENCES crm.subscriber(id, customer_id) DEFERRABLE
);
CREATE INDEX order_in_flight ON oms.product_order USING btree (state) WHERE (state <> ALL (ARRAY['rejected'::text, 'cancelled'::text, 'completed'::text, 'failed'::text, 'partial'::text]));
CREATE INDEX order_of_customer ON oms.product_order USING btree (customer_id, ordered_at DESC);
CREATE INDEX order_of_subscriber ON oms.product_order USING btree (subscriber_id);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON oms.product_order FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON oms.product_order REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger keep_legal BEFORE UPDATE OF state ON oms.product_order FOR EACH ROW WHEN (((CURRENT_USER = 'bedrock_executor'::name) AND (old.state IS DISTINCT FROM new.state) AND (NOT oms.is_legal(old.state, new.state)))) EXECUTE FUNCTION oms.keep_legal()
--   trigger require_claim_after AFTER INSERT ON oms.product_order REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON oms.product_order FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON oms.product_order FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE oms.quote (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    premise_id bigint,
    offering_version_id bigint NOT NULL,
    monthly_minor bigint NOT NULL,  -- a month's price, tax left out
    quoted_at timestamp with time zone NOT NULL DEFAULT now(),
    stands_until timestamp with time zone NOT NULL,
    ordered_as bigint,  -- the order that was placed from it: there is one at most
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((monthly_minor >= 0)),
    CHECK ((stands_until > quoted_at)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id),
    FOREIGN KEY (ordered_as) REFERENCES oms.product_order(id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id)
);
CREATE INDEX quote_of_customer ON oms.quote USING btree (customer_id, quoted_at);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger require_claim_after AFTER INSERT ON oms.quote REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON oms.quote FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON oms.quote FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- function oms.is_legal(p_now text, p_wanted text) RETURNS boolean
-- function oms.keep_legal() RETURNS trigger

-- billing ----------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE billing.account (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    cycle_day integer NOT NULL,
    payment_method text NOT NULL DEFAULT 'direct_debit'::text,
    PRIMARY KEY (id),
    UNIQUE (customer_id),
    CHECK (((cycle_day >= 1) AND (cycle_day <= 31))),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger require_claim_to_add BEFORE INSERT ON billing.account FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.allocation (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    from_journal_id bigint NOT NULL,
    to_journal_id bigint NOT NULL,
    amount_minor bigint NOT NULL,
    undoes_id bigint,
    allocated_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (undoes_id),
    CHECK (((amount_minor < 0) = (undoes_id IS NOT NULL))),
    CHECK ((amount_minor <> 0)),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (from_journal_id) REFERENCES billing.open_item(journal_id),
    FOREIGN KEY (to_journal_id) REFERENCES billing.open_item(journal_id),
    FOREIGN KEY (undoes_id) REFERENCES billing.allocation(id)
);
CREATE INDEX allocation_from ON billing.allocation USING btree (from_journal_id);
CREATE INDEX allocation_to ON billing.allocation USING btree (to_journal_id);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger allocate_in_caches AFTER INSERT ON billing.allocation REFERENCING NEW TABLE AS allocated FOR EACH STATEMENT EXECUTE FUNCTION billing.allocate_in_caches()
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.allocation FOR EACH ROW EXECUTE FUNCTION billing.is_final()

-- a cache: the sum of postings; its row for receivable is the lock of all that happens to a customer's money
CREATE TABLE billing.balance (
    customer_id bigint NOT NULL,
    ledger_account text NOT NULL,
    amount_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, ledger_account),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))

CREATE TABLE billing.bill_run (
    id bigint NOT NULL GENERATED AS IDENTITY,
    run_type text NOT NULL,
    since date NOT NULL,  -- everybody whose billing day came after it, until billed_on
    billed_on date NOT NULL,
    state text NOT NULL DEFAULT 'drafting'::text,
    accounts bigint NOT NULL DEFAULT 0,
    started_at timestamp with time zone NOT NULL DEFAULT now(),
    ended_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((billed_on > since)),
    CHECK ((run_type = ANY (ARRAY['onCycle'::text, 'offCycle'::text]))),
    CHECK ((state = ANY (ARRAY['drafting'::text, 'drafted'::text, 'issuing'::text, 'done'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id)
);
CREATE UNIQUE INDEX one_run_at_a_time ON billing.bill_run USING btree ((true)) WHERE (state <> 'done'::text);

CREATE TABLE billing.bill_run_batch (
    run_id bigint NOT NULL,
    number integer NOT NULL,
    customer_ids bigint[] NOT NULL,
    drafts integer,  -- how many bills were drafted; none while that is still to do, and likewise issued
    issued integer,
    PRIMARY KEY (run_id, number),
    FOREIGN KEY (run_id) REFERENCES billing.bill_run(id)
);

-- a cache: what the lines of all bills, drafts too, leave billed
CREATE TABLE billing.billed_days (
    charge_id bigint NOT NULL,
    price_id bigint NOT NULL,
    days datemultirange NOT NULL,
    PRIMARY KEY (charge_id, price_id)
);

-- one version of the catalogue charged to one line; a line in use has exactly one that is no add-on
CREATE TABLE billing.charge (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    subscriber_id bigint NOT NULL,
    offering_version_id bigint NOT NULL,
    is_add_on boolean NOT NULL DEFAULT false,
    starts_on date NOT NULL,  -- the first day charged, by the calendar of the customer
    ends_on date,  -- the first day no longer charged; none while it runs. The same as starts_on: never charged at all
    evidence text NOT NULL,  -- what showed that the service worked, as in accounting_start:8f3a or ont_online:HWTC01
    evidence_at timestamp with time zone NOT NULL,
    started_by_order_id bigint,
    stopped_by_order_id bigint,
    stopped_because text NOT NULL DEFAULT ''::text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    phased_from date,  -- from when the phases of its prices and its contract are counted; none: from starts_on
    PRIMARY KEY (id),
    UNIQUE (started_by_order_id, subscriber_id, offering_version_id),
    CHECK ((ends_on >= starts_on)),
    CHECK ((evidence <> ''::text)),
    CHECK ((phased_from <= starts_on)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (offering_version_id) REFERENCES catalogue.offering_version(id),
    FOREIGN KEY (started_by_order_id) REFERENCES oms.product_order(id),
    FOREIGN KEY (stopped_by_order_id) REFERENCES oms.product_order(id),
    FOREIGN KEY (subscriber_id, customer_id) REFERENCES crm.subscriber(id, customer_id) DEFERRABLE
);
CREATE INDEX charge_of_customer ON billing.charge USING btree (customer_id);
CREATE INDEX charge_stopped_by ON billing.charge USING btree (stopped_by_order_id) WHERE (stopped_by_order_id IS NOT NULL);
CREATE UNIQUE INDEX one_add_on_charged ON billing.charge USING btree (subscriber_id, offering_version_id) WHERE ((ends_on IS NULL) AND is_add_on);
CREATE UNIQUE INDEX one_plan_charged ON billing.charge USING btree (subscriber_id) WHERE ((ends_on IS NULL) AND (NOT is_add_on));
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger announce AFTER INSERT OR DELETE ON billing.charge FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON billing.charge REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger is_final BEFORE UPDATE ON billing.charge FOR EACH ROW WHEN (((old.ends_on IS NOT NULL) OR ((((((old.customer_id IS DISTINCT FROM new.customer_id) OR (old.subscriber_id IS DISTINCT FROM new.subscriber_id)) OR (old.offering_version_id IS DISTINCT FROM new.offering_version_id)) OR (old.is_add_on IS DISTINCT FROM new.is_add_on)) OR (old.starts_on IS DISTINCT FROM new.starts_on)) OR (old.evidence_at IS DISTINCT FROM new.evidence_at)))) EXECUTE FUNCTION billing.charge_is_final()
--   trigger is_kept BEFORE DELETE ON billing.charge FOR EACH ROW EXECUTE FUNCTION billing.charge_is_final()
--   trigger look_again AFTER INSERT ON billing.charge REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON billing.charge FOR EACH ROW WHEN ((old.ends_on IS DISTINCT FROM new.ends_on)) EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger require_claim_after AFTER INSERT ON billing.charge REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.charge FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON billing.charge REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()
--   trigger stay_within_changed AFTER UPDATE ON billing.charge REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION crm.stays_within()

CREATE TABLE billing.compensation_rate (
    segment text NOT NULL,
    valid_from date NOT NULL,
    minimum_outage interval NOT NULL,
    flat_minor bigint NOT NULL DEFAULT 0,
    monthly_share_per_day numeric(6,5) NOT NULL DEFAULT 0,
    PRIMARY KEY (segment, valid_from),
    CHECK (((monthly_share_per_day >= (0)::numeric) AND (monthly_share_per_day <= (1)::numeric))),
    CHECK ((flat_minor >= 0)),
    CHECK ((segment = ANY (ARRAY['residential'::text, 'business'::text])))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

-- one row that the operator edits: what a customer cannot know unless we say it
CREATE TABLE billing.convention (
    only_one boolean NOT NULL DEFAULT true,
    change_day text NOT NULL DEFAULT 'new'::text,  -- to which plan the day of a change belongs, and whether the day of a cancellation is charged: new, it is not; old, it is
    suspended_days text NOT NULL DEFAULT 'charged'::text,  -- of reasons that have no row in billing.suspension_policy for that day
    cycle text NOT NULL DEFAULT 'anniversary'::text,  -- anniversary: billed on the day of the month on which the first service started; fixed: everybody on fixed_day
    fixed_day integer NOT NULL DEFAULT 1,
    rounding text NOT NULL DEFAULT 'half_up'::text,
    home_region text NOT NULL DEFAULT 'GB'::text,
    due_after_days integer NOT NULL DEFAULT 14,
    usage_open_days integer NOT NULL DEFAULT 60,  -- how long after a period its late usage is still rated; later it waits for a person
    anomaly_percent integer NOT NULL DEFAULT 50,  -- a bill that differs by more from the last one is looked at before it is issued
    letter_days integer,  -- after so many working days a posted letter counts as delivered; none: nobody posts letters for us, and none are printed
    PRIMARY KEY (only_one),
    CHECK (((due_after_days >= 0) AND (due_after_days <= 365))),
    CHECK (((fixed_day >= 1) AND (fixed_day <= 31))),
    CHECK (((letter_days >= 1) AND (letter_days <= 30))),
    CHECK (((usage_open_days >= 0) AND (usage_open_days <= 3650))),
    CHECK ((anomaly_percent > 0)),
    CHECK ((change_day = ANY (ARRAY['new'::text, 'old'::text]))),
    CHECK ((cycle = ANY (ARRAY['anniversary'::text, 'fixed'::text]))),
    CHECK ((home_region <> ''::text)),
    CHECK ((rounding = ANY (ARRAY['half_up'::text, 'half_even'::text, 'down'::text]))),
    CHECK ((suspended_days = ANY (ARRAY['charged'::text, 'not_charged'::text]))),
    CHECK (only_one)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE billing.credit (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    subscriber_id bigint NOT NULL,
    cause text NOT NULL,  -- what it makes good, as in incident:31; once per subscriber
    amount_minor bigint NOT NULL,
    journal_id bigint NOT NULL,
    formula text NOT NULL,
    granted_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (journal_id),
    UNIQUE (subscriber_id, cause),
    CHECK ((amount_minor > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (journal_id) REFERENCES billing.journal(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON billing.credit FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON billing.credit REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.credit FOR EACH ROW EXECUTE FUNCTION billing.is_final()
--   trigger require_claim_after AFTER INSERT ON billing.credit REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.credit FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.credit_note (
    id bigint NOT NULL GENERATED AS IDENTITY,
    series text NOT NULL DEFAULT 'credit_notes'::text,
    number bigint NOT NULL,
    invoice_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    key text NOT NULL,
    journal_id bigint NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (journal_id),
    UNIQUE (key),
    UNIQUE (series, number),
    CHECK ((reason <> ''::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (invoice_id) REFERENCES billing.invoice(id),
    FOREIGN KEY (journal_id) REFERENCES billing.journal(id),
    FOREIGN KEY (series) REFERENCES billing.series(code)
);
CREATE INDEX credit_note_of_invoice ON billing.credit_note USING btree (invoice_id);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.credit_note FOR EACH ROW EXECUTE FUNCTION billing.is_final()

CREATE TABLE billing.credit_note_line (
    credit_note_id bigint NOT NULL,
    invoice_line_id bigint NOT NULL,
    amount_minor bigint NOT NULL,  -- given back, without tax: of the sign of its line
    tax_minor bigint NOT NULL,
    PRIMARY KEY (credit_note_id, invoice_line_id),
    FOREIGN KEY (credit_note_id) REFERENCES billing.credit_note(id),
    FOREIGN KEY (invoice_line_id) REFERENCES billing.invoice_line(id)
);
CREATE INDEX credited_line ON billing.credit_note_line USING btree (invoice_line_id);
--   row policy customer: (credit_note_id IN ( SELECT credit_note.id
   FROM billing.credit_note
  WHERE (credit_note.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.credit_note_line FOR EACH ROW EXECUTE FUNCTION billing.is_final()

CREATE TABLE billing.currency (
    only_one boolean NOT NULL DEFAULT true,
    code text NOT NULL,
    PRIMARY KEY (only_one),
    CHECK ((code ~ '^[A-Z]{3}$'::text)),
    CHECK (only_one)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE billing.dispute (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    label text NOT NULL,  -- the charge, as the bill names it; all of its label
    amount_minor bigint NOT NULL,
    reason text NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT now(),
    closed_at timestamp with time zone,
    outcome text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK (((closed_at IS NULL) = (outcome IS NULL))),
    CHECK ((amount_minor > 0)),
    CHECK ((closed_at >= opened_at)),
    CHECK ((outcome = ANY (ARRAY['upheld'::text, 'rejected'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (invoice_id) REFERENCES billing.invoice(id)
);
CREATE INDEX dispute_of_customer ON billing.dispute USING btree (customer_id);
CREATE UNIQUE INDEX one_dispute_of_a_charge ON billing.dispute USING btree (invoice_id, label) WHERE (closed_at IS NULL);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger announce AFTER INSERT OR DELETE ON billing.dispute FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON billing.dispute REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON billing.dispute REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.dispute FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON billing.dispute FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.dunning_step (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    step text NOT NULL,
    oldest_due_on date NOT NULL,
    owed_minor bigint NOT NULL,
    taken_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    announced_for date,  -- the first day on which their line may be cut off, as they were told
    attempt integer NOT NULL DEFAULT 1,  -- more than one only of a warning whose earlier attempts reached nobody
    PRIMARY KEY (id),
    CHECK ((attempt > 0)) NOT VALID,
    CHECK ((owed_minor > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE UNIQUE INDEX step_of_each_attempt ON billing.dunning_step USING btree (customer_id, oldest_due_on, step, attempt);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger require_claim_after AFTER INSERT ON billing.dunning_step REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.dunning_step FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.failing_rate (
    rule text NOT NULL,
    segment text NOT NULL,
    valid_from date NOT NULL,
    amount_minor bigint NOT NULL,  -- a calendar day for late_repair and late_start, once for missed_visit
    free_working_days integer NOT NULL DEFAULT 0,
    most_days integer,  -- the cap: no more days than this are paid
    PRIMARY KEY (rule, segment, valid_from),
    CHECK ((amount_minor > 0)),
    CHECK ((free_working_days >= 0)),
    CHECK ((most_days > 0)),
    CHECK ((rule = ANY (ARRAY['late_repair'::text, 'missed_visit'::text, 'late_start'::text]))),
    CHECK ((segment = ANY (ARRAY['residential'::text, 'business'::text])))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

-- no working day; and no day on which anybody is cut off
CREATE TABLE billing.holiday (
    day date NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (day)
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE billing.invariant_result (
    checked_at timestamp with time zone NOT NULL,
    invariant text NOT NULL,
    broken bigint NOT NULL,
    examples jsonb NOT NULL DEFAULT '[]'::jsonb,
    PRIMARY KEY (checked_at, invariant),
    CHECK ((broken >= 0))
);

CREATE TABLE billing.invoice (
    id bigint NOT NULL GENERATED AS IDENTITY,
    number bigint,
    customer_id bigint NOT NULL,
    month date NOT NULL,
    period_from date NOT NULL,
    period_to date NOT NULL,
    issued_at timestamp with time zone,
    due_on date,
    state text NOT NULL DEFAULT 'new'::text,  -- TMF678
    is_disputed boolean NOT NULL DEFAULT false,
    journal_id bigint,
    series text DEFAULT 'invoices'::text,
    run_id bigint,
    anomalies text[] NOT NULL DEFAULT '{}'::text[],
    total_net_minor bigint,
    total_tax_minor bigint,
    PRIMARY KEY (id),
    UNIQUE (journal_id),
    UNIQUE (series, number),
    CHECK (((issued_at IS NULL) = (number IS NULL))),
    CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CHECK ((period_to > period_from)),
    CHECK ((state = ANY (ARRAY['new'::text, 'onHold'::text, 'validated'::text, 'sent'::text, 'partiallyPaid'::text, 'settled'::text]))),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (journal_id) REFERENCES billing.journal(id),
    FOREIGN KEY (series) REFERENCES billing.series(code) NOT VALID
);
CREATE INDEX invoice_issued ON billing.invoice USING brin (issued_at) WITH (autosummarize='on');
CREATE INDEX invoice_of_customer ON billing.invoice USING btree (customer_id, month DESC);
CREATE INDEX invoice_of_run ON billing.invoice USING btree (run_id) WHERE (run_id IS NOT NULL);
CREATE UNIQUE INDEX one_draft ON billing.invoice USING btree (customer_id) WHERE ((number IS NULL) AND (run_id IS NOT NULL));
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger is_final BEFORE UPDATE OF id, number, customer_id, month, period_from, period_to, issued_at, due_on, journal_id ON billing.invoice FOR EACH ROW WHEN ((old.journal_id IS NOT NULL)) EXECUTE FUNCTION billing.is_final()
--   trigger is_final_too BEFORE UPDATE OF series, run_id, total_net_minor, total_tax_minor, anomalies ON billing.invoice FOR EACH ROW WHEN ((old.journal_id IS NOT NULL)) EXECUTE FUNCTION billing.is_final()
--   trigger is_kept BEFORE DELETE ON billing.invoice FOR EACH ROW WHEN ((old.journal_id IS NOT NULL)) EXECUTE FUNCTION billing.is_final()

CREATE TABLE billing.invoice_document (
    invoice_id bigint NOT NULL,
    pdf bytea NOT NULL,
    digest bytea NOT NULL GENERATED ALWAYS AS (sha256(pdf)) STORED,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    PRIMARY KEY (invoice_id),
    FOREIGN KEY (invoice_id) REFERENCES billing.invoice(id)
);
--   row policy customer: (invoice_id IN ( SELECT invoice.id
   FROM billing.invoice
  WHERE (invoice.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.invoice_document FOR EACH ROW EXECUTE FUNCTION billing.is_final()

CREATE TABLE billing.invoice_line (
    id bigint NOT NULL GENERATED AS IDENTITY,
    invoice_id bigint NOT NULL,
    label text NOT NULL,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,  -- without tax; negative gives back
    tax_minor bigint NOT NULL,
    subscriber_id bigint,
    offering_version_id bigint,
    cause text NOT NULL,
    charge_id bigint,
    price_id bigint,
    one_off_id bigint,
    period_from date,
    period_to date,
    of_days integer,  -- days of the whole period of which period_from to period_to is a part
    units bigint,
    unit_minor bigint,  -- what a whole period costs; for usage what was billed of the period before
    tax_category text NOT NULL DEFAULT ''::text,
    tax_percent numeric(7,4),
    is_tax_inclusive boolean NOT NULL DEFAULT false,
    formula text NOT NULL DEFAULT ''::text,  -- how the amount was worked out, in figures
    PRIMARY KEY (id),
    CHECK ((kind = ANY (ARRAY['recurring'::text, 'one_off'::text, 'usage'::text, 'credit'::text, 'discount'::text]))),
    FOREIGN KEY (charge_id) REFERENCES billing.charge(id),
    FOREIGN KEY (invoice_id) REFERENCES billing.invoice(id),
    FOREIGN KEY (one_off_id) REFERENCES billing.one_off(id)
);
CREATE INDEX line_of_charge ON billing.invoice_line USING btree (charge_id) WHERE (charge_id IS NOT NULL);
CREATE INDEX line_of_invoice ON billing.invoice_line USING btree (invoice_id);
--   row policy customer: (invoice_id IN ( SELECT invoice.id
   FROM billing.invoice
  WHERE (invoice.customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))))
--   trigger are_final AFTER INSERT ON billing.invoice_line REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing.lines_are_final()
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.invoice_line FOR EACH ROW EXECUTE FUNCTION billing.line_is_final()

CREATE TABLE billing.journal (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    operation_key text NOT NULL,
    posted_at timestamp with time zone NOT NULL DEFAULT now(),
    reason text NOT NULL DEFAULT ''::text,
    rounding text NOT NULL DEFAULT 'half_up'::text,  -- how its amounts were brought to whole minor units; half_up: half a unit away from zero, once per invoice
    reverses_id bigint,
    posted_by xid8 NOT NULL DEFAULT pg_current_xact_id(),  -- the only transaction that may add postings
    action_id bigint,
    gives_back_id bigint,  -- of a refund that pays a credit: the payment by whose way it goes back
    PRIMARY KEY (id),
    UNIQUE (operation_key),
    UNIQUE (reverses_id),
    CHECK (((kind = 'reversal'::text) = (reverses_id IS NOT NULL))),
    CHECK ((kind = ANY (ARRAY['invoice'::text, 'payment'::text, 'match'::text, 'credit'::text, 'credit_note'::text, 'refund'::text, 'write_off'::text, 'reversal'::text, 'opening'::text]))),
    CHECK ((rounding = ANY (ARRAY['half_up'::text, 'half_even'::text, 'down'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (gives_back_id) REFERENCES billing.payment(id) NOT VALID,
    FOREIGN KEY (reverses_id) REFERENCES billing.journal(id)
);
CREATE INDEX journal_gives_back ON billing.journal USING btree (gives_back_id) WHERE (gives_back_id IS NOT NULL);
CREATE INDEX journal_of_action ON billing.journal USING btree (action_id) WHERE (action_id IS NOT NULL);
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.journal FOR EACH ROW EXECUTE FUNCTION billing.is_final()
--   trigger kinds_stay_within AFTER INSERT ON billing.journal REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION billing.journals_stay_within()
--   trigger CREATE CONSTRAINT TRIGGER must_balance AFTER INSERT ON billing.journal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing.must_balance()
--   trigger must_be_claimed AFTER INSERT ON billing.journal REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION billing.must_be_claimed()
--   trigger require_claim_after AFTER INSERT ON billing.journal REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.journal FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.leak_found (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    subscriber_id bigint NOT NULL,
    place text NOT NULL,
    row_id bigint NOT NULL,
    monthly_minor bigint NOT NULL,
    detail text NOT NULL,
    since timestamp with time zone,
    found_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    gone_at timestamp with time zone,
    PRIMARY KEY (id),
    CHECK ((gone_at >= found_at)),
    CHECK ((kind = ANY (ARRAY['session_without_charge'::text, 'charge_without_session'::text, 'speed_differs'::text, 'suspended_but_online'::text, 'held_by_no_line'::text]))),
    CHECK ((monthly_minor >= 0)),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX leak_of_subscriber ON billing.leak_found USING btree (subscriber_id);
CREATE UNIQUE INDEX leak_standing ON billing.leak_found USING btree (kind, place, row_id) WHERE (gone_at IS NULL);
--   trigger announce AFTER INSERT OR DELETE ON billing.leak_found FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON billing.leak_found REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE billing.leak_look (
    id bigint NOT NULL GENERATED AS IDENTITY,
    subscriber_id bigint NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE billing.ledger_account (
    code text NOT NULL,
    class text NOT NULL,
    title text NOT NULL,
    PRIMARY KEY (code),
    CHECK ((class = ANY (ARRAY['asset'::text, 'liability'::text, 'income'::text, 'expense'::text, 'equity'::text])))
);
--   trigger is_kept BEFORE DELETE OR UPDATE OF code ON billing.ledger_account FOR EACH ROW EXECUTE FUNCTION billing.account_is_kept()

CREATE TABLE billing.one_off (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    subscriber_id bigint NOT NULL,
    label text NOT NULL,
    amount_minor bigint NOT NULL,  -- without tax
    tax_category text NOT NULL DEFAULT 'standard'::text,
    charged_on date NOT NULL,
    cause text NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    waived_at timestamp with time zone,
    waived_by_action_id bigint,
    PRIMARY KEY (id),
    UNIQUE (cause),
    CHECK (((waived_at IS NULL) OR (waived_by_action_id IS NOT NULL))) NOT VALID,
    CHECK ((amount_minor > 0)),
    CHECK ((cause <> ''::text)),
    CHECK ((label <> ''::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (subscriber_id, customer_id) REFERENCES crm.subscriber(id, customer_id) DEFERRABLE,
    FOREIGN KEY (waived_by_action_id) REFERENCES actions.action(id)
);
CREATE INDEX one_off_of_customer ON billing.one_off USING btree (customer_id);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger require_claim_after AFTER INSERT ON billing.one_off REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.one_off FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON billing.one_off FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- a cache: a posting to receivable less its allocations
CREATE TABLE billing.open_item (
    journal_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    amount_minor bigint NOT NULL,
    open_minor bigint NOT NULL,
    PRIMARY KEY (journal_id),
    CHECK (((open_minor >= LEAST(amount_minor, (0)::bigint)) AND (open_minor <= GREATEST(amount_minor, (0)::bigint)))),
    FOREIGN KEY (journal_id) REFERENCES billing.journal(id)
);
CREATE INDEX item_open ON billing.open_item USING btree (customer_id) WHERE (open_minor <> 0);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))

CREATE TABLE billing.pause (
    subscriber_id bigint NOT NULL,
    paused_on date NOT NULL,
    resumed_on date,  -- the first day in use again
    paused_for text NOT NULL,
    PRIMARY KEY (subscriber_id, paused_on),
    CHECK ((resumed_on >= paused_on)),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))

CREATE TABLE billing.payment (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint,  -- none where it is not known yet who paid; which bills it settles is in billing.allocation
    amount_minor bigint NOT NULL,
    received_at timestamp with time zone NOT NULL,
    method text NOT NULL,
    provider_reference text NOT NULL,
    journal_id bigint NOT NULL,
    matched_journal_id bigint,  -- what last took it out of suspense
    PRIMARY KEY (id),
    UNIQUE (journal_id),
    UNIQUE (matched_journal_id),
    UNIQUE (provider_reference),
    CHECK ((amount_minor > 0)),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (journal_id) REFERENCES billing.journal(id),
    FOREIGN KEY (matched_journal_id) REFERENCES billing.journal(id)
);
CREATE INDEX payment_by_day ON billing.payment USING btree (received_at);
CREATE INDEX payment_in_suspense ON billing.payment USING btree (journal_id) WHERE (customer_id IS NULL);
CREATE INDEX payment_of_customer ON billing.payment USING btree (customer_id, received_at DESC);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger is_final BEFORE UPDATE OF id, amount_minor, received_at, method, provider_reference, journal_id ON billing.payment FOR EACH ROW EXECUTE FUNCTION billing.is_final()
--   trigger is_kept BEFORE DELETE ON billing.payment FOR EACH ROW EXECUTE FUNCTION billing.is_final()

CREATE TABLE billing.payment_request (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    amount_minor bigint NOT NULL,
    asked_at timestamp with time zone NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'queued'::text,
    key text NOT NULL,
    reference text,
    url text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (key),
    UNIQUE (reference),
    CHECK ((amount_minor > 0)),
    CHECK ((state = ANY (ARRAY['queued'::text, 'open'::text, 'paid'::text, 'failed'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX payment_request_of_customer ON billing.payment_request USING btree (customer_id, id DESC);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger announce AFTER INSERT OR DELETE ON billing.payment_request FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON billing.payment_request REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON billing.payment_request REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.payment_request FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.posting (
    journal_id bigint NOT NULL,
    ledger_account text NOT NULL,
    customer_id bigint,  -- none where it is not known yet whose money it is
    amount_minor bigint NOT NULL,  -- debits are positive, credits negative
    PRIMARY KEY (journal_id, ledger_account),
    FOREIGN KEY (journal_id) REFERENCES billing.journal(id)
);
CREATE INDEX posting_in_suspense ON billing.posting USING btree (amount_minor) WHERE (ledger_account = 'suspense'::text);
CREATE INDEX posting_of_customer ON billing.posting USING btree (customer_id) INCLUDE (ledger_account, amount_minor);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger customers_stay_within AFTER INSERT ON billing.posting REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION billing.postings_stay_within()
--   trigger is_final BEFORE DELETE OR UPDATE ON billing.posting FOR EACH ROW EXECUTE FUNCTION billing.is_final()
--   trigger must_be_known AFTER INSERT ON billing.posting REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION billing.must_be_known()
--   trigger post_to_caches AFTER INSERT ON billing.posting REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION billing.post_to_caches()
--   trigger stays_within AFTER INSERT ON billing.posting FOR EACH STATEMENT EXECUTE FUNCTION billing.stays_within()

-- until due_on nobody chases them; a day later, where something is still overdue, the ladder goes on
CREATE TABLE billing.promise_to_pay (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    amount_minor bigint NOT NULL,
    due_on date NOT NULL,
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (customer_id, due_on),
    CHECK ((amount_minor > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger require_claim_after AFTER INSERT ON billing.promise_to_pay REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON billing.promise_to_pay FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.provider_event (
    id bigint NOT NULL GENERATED AS IDENTITY,
    provider text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,  -- the provider's name of the payment it is about
    customer_id bigint,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL,  -- early: its payment is not known yet; parked: a person looks at it; settled: a person did
    why text NOT NULL DEFAULT ''::text,
    PRIMARY KEY (id),
    UNIQUE (provider, event_id),
    CHECK ((event_id <> ''::text)),
    CHECK ((kind = ANY (ARRAY['received'::text, 'failed'::text, 'refunded'::text, 'charged_back'::text, 'chargeback_won'::text, 'chargeback_lost'::text, 'other'::text]))),
    CHECK ((provider <> ''::text)),
    CHECK ((state = ANY (ARRAY['applied'::text, 'nothing_to_do'::text, 'early'::text, 'parked'::text, 'settled'::text]))),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX event_of_payment ON billing.provider_event USING btree (reference);
CREATE INDEX event_parked ON billing.provider_event USING btree (id) WHERE (state = ANY (ARRAY['parked'::text, 'early'::text]));
--   trigger announce AFTER INSERT OR DELETE ON billing.provider_event FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON billing.provider_event REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_to_change BEFORE UPDATE ON billing.provider_event FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE billing.series (
    code text NOT NULL,
    legal_entity text NOT NULL,
    kind text NOT NULL,
    prefix text NOT NULL DEFAULT ''::text,
    first_number bigint NOT NULL DEFAULT 100001,
    next_number bigint NOT NULL DEFAULT 100001,
    PRIMARY KEY (code),
    CHECK ((code <> ''::text)),
    CHECK ((first_number > 0)),
    CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text]))),
    CHECK ((legal_entity <> ''::text)),
    CHECK ((next_number >= first_number))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE billing.suspension_policy (
    reason text NOT NULL,
    valid_from date NOT NULL,
    days text NOT NULL,
    PRIMARY KEY (reason, valid_from),
    CHECK ((days = ANY (ARRAY['charged'::text, 'not_charged'::text]))),
    CHECK ((reason = ANY (ARRAY['non_payment'::text, 'voluntary'::text, 'abuse'::text, 'fraud'::text])))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE billing.tax_exemption (
    customer_id bigint NOT NULL,
    valid_from date NOT NULL,
    valid_to date,  -- the first day on which it no longer holds
    reason text NOT NULL,
    certificate text NOT NULL,
    PRIMARY KEY (customer_id, valid_from),
    CHECK ((certificate <> ''::text)),
    CHECK ((reason = ANY (ARRAY['exempt'::text, 'reverse_charge'::text]))),
    CHECK ((valid_to > valid_from)),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))

CREATE TABLE billing.tax_rate (
    region text NOT NULL,
    category text NOT NULL,
    valid_from date NOT NULL,
    percent numeric(7,4) NOT NULL,  -- of the net amount, from valid_from until the next row of the region and category
    PRIMARY KEY (region, category, valid_from),
    CHECK (((percent >= (0)::numeric) AND (percent <= (100)::numeric))),
    CHECK ((category <> ''::text)),
    CHECK ((region <> ''::text))
);
--   row policy customer: (( SELECT atlas.zone() AS zone) = 'customer'::text)

CREATE TABLE billing.tax_region (
    customer_id bigint NOT NULL,
    valid_from date NOT NULL,
    region text NOT NULL,
    PRIMARY KEY (customer_id, valid_from),
    CHECK ((region <> ''::text)),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))

CREATE TABLE billing.usage_record (
    id bigint NOT NULL GENERATED AS IDENTITY,
    source text NOT NULL,
    record_id text NOT NULL,
    subscriber_id bigint NOT NULL,
    meter text NOT NULL,
    used_at timestamp with time zone NOT NULL,
    units bigint NOT NULL,
    received_at timestamp with time zone NOT NULL DEFAULT now(),
    state text NOT NULL,  -- TMF635, as far as intake decides it: guided or recycled; that it was rated, rerated and billed says billing.usage_total
    why text NOT NULL DEFAULT ''::text,
    charge_id bigint,
    price_id bigint,
    period_from date,
    PRIMARY KEY (id),
    UNIQUE (source, record_id),
    CHECK (((state = 'rejected'::text) = (why <> ''::text))),
    CHECK (((state = 'rejected'::text) OR ((charge_id IS NOT NULL) AND (price_id IS NOT NULL) AND (period_from IS NOT NULL)))),
    CHECK ((state = ANY (ARRAY['received'::text, 'rejected'::text, 'recycled'::text, 'guided'::text, 'rated'::text, 'rerated'::text, 'billed'::text]))),
    CHECK ((why = ANY (ARRAY[''::text, 'negative'::text, 'future'::text, 'closed_period'::text, 'no_charge'::text, 'no_price'::text, 'too_large'::text]))),
    FOREIGN KEY (charge_id) REFERENCES billing.charge(id),
    FOREIGN KEY (price_id) REFERENCES catalogue.price(id)
);
CREATE INDEX usage_of_total ON billing.usage_record USING btree (charge_id, price_id, period_from) WHERE (state <> 'rejected'::text);
CREATE INDEX usage_rejected ON billing.usage_record USING btree (received_at) WHERE (state = 'rejected'::text);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))

-- units differ from billed_units: to be rated; billed before, then rated again and the difference charged
CREATE TABLE billing.usage_total (
    charge_id bigint NOT NULL,
    price_id bigint NOT NULL,
    period_from date NOT NULL,
    period_to date NOT NULL,
    customer_id bigint NOT NULL,
    units bigint NOT NULL,
    billed_units bigint NOT NULL DEFAULT 0,
    billed_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (charge_id, price_id, period_from),
    CHECK ((period_to > period_from)),
    CHECK ((units >= 0)),
    FOREIGN KEY (charge_id) REFERENCES billing.charge(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (price_id) REFERENCES catalogue.price(id)
);
CREATE INDEX usage_to_bill ON billing.usage_total USING btree (customer_id) WHERE (units <> billed_units);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))

-- function billing.account_is_kept() RETURNS trigger SECURITY DEFINER
-- function billing.act_upon(p_kind text, p_reference text, p_request_id bigint, p_customer_id bigint, p_amount_minor bigint, p_currency text, p_occurred_at timestamp with time zone) RETURNS text[] SECURITY DEFINER
-- function billing.acting() RETURNS bigint SECURITY DEFINER
-- function billing.allocate(p_customer_ids bigint[]) RETURNS void SECURITY DEFINER
-- function billing.allocate_in_caches() RETURNS trigger SECURITY DEFINER
-- function billing.anomalies(p_total bigint, p_has_twin boolean, p_lacks_charge boolean, p_last bigint, p_last_from date, p_moved_on date, p_percent integer) RETURNS text[]
-- function billing.begin_issuing(p_run_id bigint) RETURNS void SECURITY DEFINER
-- function billing.bring_over(p_key text, p_from bigint, p_to bigint, p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function billing.charge_is_final() RETURNS trigger
-- function billing.count_usage(p_charge_ids bigint[], p_price_ids bigint[], p_periods date[], p_units bigint[]) RETURNS void SECURITY DEFINER
-- function billing.cycle_date(month integer, cycle_day integer) RETURNS date
-- function billing.draft(p_run_id bigint, p_customer_ids bigint[], p_on date) RETURNS integer SECURITY DEFINER
-- function billing.given_back(p_payment billing.payment) RETURNS bigint SECURITY DEFINER
-- function billing.guide(p_subscriber_id bigint, p_meter text, p_used_at timestamp with time zone) RETURNS TABLE(charge_id bigint, price_id bigint, period_from date, period_to date) SECURITY DEFINER
-- function billing.has_left(p_customer_id bigint, p_on date) RETURNS boolean SECURITY DEFINER
-- function billing.hear(p_provider text, p_event_id text, p_kind text, p_reference text, p_request_id bigint, p_customer_id bigint, p_amount_minor bigint, p_currency text, p_occurred_at timestamp with time zone) RETURNS TABLE(state text, why text, customer_id bigint, is_new boolean) SECURITY DEFINER
-- function billing.is_final() RETURNS trigger
-- function billing.issue_batch(p_run_id bigint, p_number integer, p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function billing.issue_credit_note(p_key text, p_invoice_id bigint, p_line_ids bigint[], p_amounts_minor bigint[], p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.issue_final(p_invoice_ids bigint[], p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function billing.issue_invoices(p_invoice_ids bigint[], p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function billing.journal_of_money(p_payment billing.payment) RETURNS bigint SECURITY DEFINER
-- function billing.journals_stay_within() RETURNS trigger SECURITY DEFINER
-- function billing.keep_pause() RETURNS trigger SECURITY DEFINER
-- function billing.known_of(p_customer_ids bigint[], p_on date) RETURNS TABLE(customer_id bigint, lacks_charge boolean, last_total bigint, last_from date, moved_on date) SECURITY DEFINER
-- function billing.line_is_final() RETURNS trigger SECURITY DEFINER
-- function billing.lines_are_final() RETURNS trigger SECURITY DEFINER
-- function billing.lock_customers(p_customer_ids bigint[]) RETURNS void SECURITY DEFINER
-- function billing.look_again() RETURNS trigger SECURITY DEFINER
-- function billing.match_payment(p_reference text, p_customer_id bigint, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.month_of(d date) RETURNS integer
-- function billing.must_balance() RETURNS trigger SECURITY DEFINER
-- function billing.must_be_claimed() RETURNS trigger SECURITY DEFINER
-- function billing.must_be_known() RETURNS trigger SECURITY DEFINER
-- function billing.open_run(p_run_type text, p_since date, p_on date, p_customer_ids bigint[], p_batch integer) RETURNS bigint SECURITY DEFINER
-- function billing.pay_back(p_key text, p_customer_id bigint, p_references text[], p_amounts_minor bigint[], p_is_by_hand boolean, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.period_number(d date, anchor integer, every integer, cycle_day integer) RETURNS integer
-- function billing.post(p_kind text, p_key text, p_at timestamp with time zone, p_customer_id bigint, p_accounts text[], p_amounts_minor bigint[], p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.post_credits(p_cause text, p_customer_ids bigint[], p_subscriber_ids bigint[], p_amounts_minor bigint[], p_formulas text[], p_at timestamp with time zone) RETURNS TABLE(customer_id bigint, subscriber_id bigint, amount bigint, formula text) SECURITY DEFINER
-- function billing.post_to_caches() RETURNS trigger SECURITY DEFINER
-- function billing.postings_stay_within() RETURNS trigger SECURITY DEFINER
-- function billing.rated(p_price_id bigint, p_units bigint) RETURNS numeric
-- function billing.receive_payment(p_customer_id bigint, p_amount_minor bigint, p_received_at timestamp with time zone, p_method text, p_reference text) RETURNS bigint SECURITY DEFINER
-- function billing.receive_usage(p_source text, p_record_ids text[], p_subscriber_ids bigint[], p_meters text[], p_used_at timestamp with time zone[], p_units bigint[], p_at timestamp with time zone) RETURNS TABLE(state text, why text, records bigint) SECURITY DEFINER
-- function billing.record_leaks(p_subscribers bigint[]) RETURNS TABLE(found bigint, gone bigint) SECURITY DEFINER
-- function billing.recycle_usage(p_record_ids bigint[], p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function billing.refund(p_key text, p_reference text, p_amount_minor bigint, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.release(p_journal_id bigint) RETURNS void SECURITY DEFINER
-- function billing.release_held(p_invoice_ids bigint[], p_at timestamp with time zone) RETURNS bigint SECURITY DEFINER
-- function billing.return_payment(p_reference text, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.reverse(p_journal_id bigint, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.reverse_journal(p_journal_id bigint, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.rounded(amount numeric, mode text) RETURNS bigint
-- function billing.set_currency(p_code text) RETURNS void SECURITY DEFINER
-- function billing.set_dispute(p_invoice_id bigint, p_is_disputed boolean) RETURNS void SECURITY DEFINER
-- function billing.settle(p_from_journal_id bigint, p_invoice_id bigint, p_amount_minor bigint) RETURNS void SECURITY DEFINER
-- function billing.stays_within() RETURNS trigger SECURITY DEFINER
-- function billing.take_leak_looks(p_most integer) RETURNS bigint[] SECURITY DEFINER
-- function billing.total_again(p_run_id bigint, p_customer_ids bigint[], p_on date) RETURNS void SECURITY DEFINER
-- function billing.unmatch_payment(p_reference text, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER
-- function billing.untaxed(p_customer_ids bigint[], p_on date) RETURNS text SECURITY DEFINER
-- function billing.usage_due(p_customer_ids bigint[], p_on date) RETURNS TABLE(customer_id bigint, subscriber_id bigint, offering_version_id bigint, charge_id bigint, price_id bigint, label text, units bigint, minor bigint, billed_minor bigint, period_from date, last_day date, tax_category text, is_tax_inclusive boolean, cause text) SECURITY DEFINER
-- function billing.usage_refused(p_units bigint, p_used_at timestamp with time zone, p_charge_id bigint, p_price_id bigint, p_period_to date, p_at timestamp with time zone) RETURNS text SECURITY DEFINER
-- function billing.working_day_after(p_day date, p_days integer) RETURNS date SECURITY DEFINER
-- function billing.write_off(p_key text, p_invoice_id bigint, p_amount_minor bigint, p_at timestamp with time zone, p_reason text) RETURNS bigint SECURITY DEFINER

-- nms --------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE nms.alarm (
    id bigint NOT NULL GENERATED AS IDENTITY,
    device_id bigint NOT NULL,
    managed_object text NOT NULL DEFAULT ''::text,
    probable_cause text NOT NULL,
    alarm_type text NOT NULL,
    severity text NOT NULL,  -- of the latest raise; cleared only where no raise was ever seen
    specific_problem text NOT NULL DEFAULT ''::text,
    text text NOT NULL DEFAULT ''::text,
    door text NOT NULL,
    raised_at timestamp with time zone,  -- latest raise, by the sender's believable time, else ours
    cleared_at timestamp with time zone,
    is_open boolean NOT NULL GENERATED ALWAYS AS (((raised_at IS NOT NULL) AND ((cleared_at IS NULL) OR (raised_at > cleared_at)))) STORED,
    first_received_at timestamp with time zone NOT NULL,
    last_received_at timestamp with time zone NOT NULL,
    times integer NOT NULL DEFAULT 1,
    link_id bigint,  -- the link at this port, matched when stored
    subscriber_id bigint,
    acknowledged_by_action_id bigint,
    reopened integer NOT NULL DEFAULT 0,  -- times in a row that it was raised again soon after its clear; 0 once it was quiet
    reopened_at timestamp with time zone,
    PRIMARY KEY (id),
    UNIQUE (device_id, managed_object, probable_cause),
    CHECK ((severity = ANY (ARRAY['critical'::text, 'major'::text, 'minor'::text, 'warning'::text, 'indeterminate'::text, 'cleared'::text]))),
    CHECK ((times > 0)),
    FOREIGN KEY (acknowledged_by_action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (link_id) REFERENCES cmdb.link(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX alarm_flapping ON nms.alarm USING btree (id) WHERE (reopened >= 3);
CREATE INDEX alarm_open ON nms.alarm USING btree (id) WHERE is_open;
--   trigger announce AFTER INSERT OR DELETE ON nms.alarm FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON nms.alarm FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()

CREATE TABLE nms.maintenance_window (
    id bigint NOT NULL GENERATED AS IDENTITY,
    device_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((ends_at > starts_at)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id)
);
CREATE INDEX maintenance_window_by_end ON nms.maintenance_window USING btree (ends_at, device_id);
--   trigger require_claim_after AFTER INSERT ON nms.maintenance_window REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON nms.maintenance_window FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE nms.quarantine (
    id bigint NOT NULL GENERATED AS IDENTITY,
    received_at timestamp with time zone NOT NULL,
    door text NOT NULL,
    source_address text NOT NULL,
    device text,
    reason text NOT NULL,
    raw bytea NOT NULL,
    event jsonb,  -- the normalised alarm, where it could be read but its device is unknown; replayed when the device is
    times integer NOT NULL DEFAULT 1,
    replayed_at timestamp with time zone,
    PRIMARY KEY (id),
    CHECK ((octet_length(raw) <= 65535))
);
CREATE INDEX quarantine_by_device ON nms.quarantine USING btree (device) WHERE (replayed_at IS NULL);
--   trigger announce AFTER INSERT OR DELETE ON nms.quarantine FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON nms.quarantine REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE nms.writer (
    id uuid NOT NULL,
    batch bigint NOT NULL,  -- the last one that was committed; each writer counts its own
    written_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id),
    CHECK ((batch > 0))
);

-- cmdb -------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE cmdb.access (
    subscriber_id bigint NOT NULL,
    device_id bigint NOT NULL,  -- the splitter, sector or node it hangs from
    reported_by_device_id bigint NOT NULL,  -- the OLT, tower or CMTS that speaks for its ONT or modem, as managed_object
    managed_object text NOT NULL,
    cpe_serial text NOT NULL,
    cpe_model text NOT NULL DEFAULT ''::text,
    received_power_dbm real,
    measured_at timestamp with time zone,
    port integer,
    PRIMARY KEY (subscriber_id),
    UNIQUE (cpe_serial),
    UNIQUE (reported_by_device_id, managed_object),
    CHECK ((port > 0)),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (reported_by_device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX access_of_device ON cmdb.access USING btree (device_id);
CREATE UNIQUE INDEX one_line_per_port ON cmdb.access USING btree (device_id, port) WHERE (port IS NOT NULL);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))))
--   trigger look_again AFTER INSERT ON cmdb.access REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON cmdb.access FOR EACH ROW WHEN ((old.managed_object IS DISTINCT FROM new.managed_object)) EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger require_claim_to_remove BEFORE DELETE ON cmdb.access FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON cmdb.access REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.line_stays_within()
--   trigger stay_within_changed AFTER UPDATE ON cmdb.access REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.line_stays_within()
--   trigger topology_changed AFTER INSERT OR DELETE OR UPDATE OF device_id ON cmdb.access FOR EACH STATEMENT EXECUTE FUNCTION cmdb.topology_changed()

CREATE TABLE cmdb.accounting (
    id bigint NOT NULL GENERATED AS IDENTITY,
    unique_session text NOT NULL,  -- FreeRADIUS' Acct-Unique-Session-Id: a retransmission is the same row
    session_id text NOT NULL,  -- Acct-Session-Id letter for letter as the BNG wrote it: a CoA must name it so
    username text NOT NULL,
    subscriber_id bigint,  -- none where the name was nobody's; the fact is kept all the same
    nas_device_id bigint NOT NULL,
    nas_port text NOT NULL DEFAULT ''::text,
    calling_station text NOT NULL DEFAULT ''::text,
    framed_address inet,
    framed_prefix inet,
    delegated_prefix inet,
    rate text NOT NULL DEFAULT ''::text,  -- the speed that the BNG says it gives, where it says so
    started_at timestamp with time zone NOT NULL,
    heard_at timestamp with time zone NOT NULL,
    session_s bigint NOT NULL DEFAULT 0,
    up_bytes bigint NOT NULL DEFAULT 0,  -- from the customer (Acct-Input-Octets), wraps at 2^32 counted
    down_bytes bigint NOT NULL DEFAULT 0,
    ended_at timestamp with time zone,
    end_cause text,
    is_end_inferred boolean NOT NULL DEFAULT false,  -- no Stop came: the BNG restarted, or it was silent too long
    PRIMARY KEY (id),
    UNIQUE (unique_session),
    CHECK ((down_bytes >= 0)),
    CHECK ((ended_at >= started_at)),
    CHECK ((session_s >= 0)),
    CHECK ((up_bytes >= 0)),
    FOREIGN KEY (nas_device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX accounting_of_subscriber ON cmdb.accounting USING btree (subscriber_id, started_at);
CREATE INDEX accounting_open ON cmdb.accounting USING btree (nas_device_id) WHERE (ended_at IS NULL);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))

CREATE TABLE cmdb.allotment (
    id bigint NOT NULL GENERATED AS IDENTITY,
    pool_id bigint NOT NULL,
    place bigint NOT NULL,
    block inet,
    state text NOT NULL DEFAULT 'free'::text,
    subscriber_id bigint,
    until timestamp with time zone,  -- a reservation or a quarantine ends then, by this database's clock, without anybody doing anything
    changed_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (pool_id, place),
    CHECK (((state = ANY (ARRAY['reserved'::text, 'assigned'::text])) = (subscriber_id IS NOT NULL))),
    CHECK (((state = ANY (ARRAY['reserved'::text, 'quarantine'::text])) = (until IS NOT NULL))),
    CHECK ((state = ANY (ARRAY['free'::text, 'reserved'::text, 'assigned'::text, 'quarantine'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (pool_id) REFERENCES cmdb.pool(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX allotment_of_subscriber ON cmdb.allotment USING btree (subscriber_id) WHERE (subscriber_id IS NOT NULL);
CREATE INDEX allotment_to_have ON cmdb.allotment USING btree (pool_id, place) WHERE (state <> 'assigned'::text);
CREATE UNIQUE INDEX one_number_of_a_pool ON cmdb.allotment USING btree (pool_id, subscriber_id) WHERE (subscriber_id IS NOT NULL);
--   trigger announce AFTER INSERT OR DELETE ON cmdb.allotment FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.allotment REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger look_again AFTER INSERT ON cmdb.allotment REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON cmdb.allotment FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger require_claim_after AFTER INSERT ON cmdb.allotment REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.allotment FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON cmdb.allotment FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.asset (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    vendor text NOT NULL DEFAULT ''::text,
    model text NOT NULL DEFAULT ''::text,
    serial text NOT NULL,
    mac macaddr,
    firmware text NOT NULL DEFAULT ''::text,
    state text NOT NULL DEFAULT 'stock'::text,
    subscriber_id bigint,
    engineer_id bigint,  -- in whose van it lies; NULL: in the warehouse, or where it is installed
    replaced_by_id bigint,
    warranty_until date,
    changed_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (mac),
    UNIQUE (serial),
    CHECK (((length(serial) >= 6) AND (length(serial) <= 24))),
    CHECK (((state = ANY (ARRAY['assigned'::text, 'installed'::text])) = (subscriber_id IS NOT NULL))),
    CHECK ((kind = ANY (ARRAY['ont'::text, 'modem'::text, 'radio'::text, 'router'::text, 'optic'::text, 'card'::text]))),
    CHECK ((state = ANY (ARRAY['stock'::text, 'assigned'::text, 'installed'::text, 'rma'::text, 'retired'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (engineer_id) REFERENCES staff.member(id),
    FOREIGN KEY (replaced_by_id) REFERENCES cmdb.asset(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX asset_in_stock ON cmdb.asset USING btree (kind, model, id) WHERE (state = 'stock'::text);
CREATE INDEX asset_of_subscriber ON cmdb.asset USING btree (subscriber_id) WHERE (subscriber_id IS NOT NULL);
CREATE UNIQUE INDEX one_box_of_a_kind ON cmdb.asset USING btree (subscriber_id, kind) WHERE (subscriber_id IS NOT NULL);
--   trigger announce AFTER INSERT OR DELETE ON cmdb.asset FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.asset REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger look_again AFTER INSERT ON cmdb.asset REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON cmdb.asset FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger require_claim_after AFTER INSERT ON cmdb.asset REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.asset FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON cmdb.asset FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.asset_event (
    id bigint NOT NULL GENERATED AS IDENTITY,
    asset_id bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT now(),
    state text NOT NULL,
    subscriber_id bigint,
    premise_id bigint,
    engineer_id bigint,
    reason text NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (asset_id) REFERENCES cmdb.asset(id),
    FOREIGN KEY (engineer_id) REFERENCES staff.member(id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX asset_event_at_premise ON cmdb.asset_event USING btree (premise_id, id) WHERE (premise_id IS NOT NULL);
CREATE INDEX event_of_asset ON cmdb.asset_event USING btree (asset_id, id);
--   trigger require_claim_after AFTER INSERT ON cmdb.asset_event REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.asset_event FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- laid between two places, a closure in the ground being one; its strands count from 1 through its tubes
CREATE TABLE cmdb.cable (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    kind text NOT NULL,
    from_site_id bigint NOT NULL,  -- the end nearer to the exchange, where there is one
    to_site_id bigint NOT NULL,
    conduit_id bigint,
    tubes integer NOT NULL,
    strands_per_tube integer NOT NULL,
    length_m integer,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (name),
    CHECK (((name <> ''::text) AND (length(name) <= 100))),
    CHECK (((strands_per_tube >= 1) AND (strands_per_tube <= 24))),
    CHECK (((tubes >= 1) AND (tubes <= 288))),
    CHECK ((kind = ANY (ARRAY['feeder'::text, 'distribution'::text, 'drop'::text, 'trunk'::text]))),
    CHECK ((length_m >= 0)),
    CHECK ((to_site_id <> from_site_id)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (conduit_id) REFERENCES cmdb.conduit(id),
    FOREIGN KEY (from_site_id) REFERENCES cmdb.site(id),
    FOREIGN KEY (to_site_id) REFERENCES cmdb.site(id)
);
CREATE INDEX cable_at_site ON cmdb.cable USING btree (from_site_id);
CREATE INDEX cable_to_site ON cmdb.cable USING btree (to_site_id);
--   trigger announce AFTER INSERT OR DELETE ON cmdb.cable FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.cable REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON cmdb.cable REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.cable FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.ci_change (
    id bigint NOT NULL GENERATED AS IDENTITY,
    ci text NOT NULL,
    ci_id bigint NOT NULL,  -- of a serving point it is its device
    field text NOT NULL,
    was text,
    became text,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    action_id bigint,
    PRIMARY KEY (id),
    CHECK ((ci = ANY (ARRAY['device'::text, 'link'::text, 'serving_point'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id)
);
CREATE INDEX ci_change_of ON cmdb.ci_change USING btree (ci, ci_id, id);

CREATE TABLE cmdb.conduit (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE cmdb.config (
    id bigint NOT NULL GENERATED AS IDENTITY,
    device_id bigint NOT NULL,
    words text NOT NULL,
    sha256 bytea NOT NULL,
    taken_at timestamp with time zone NOT NULL,  -- when it was first seen so
    is_good boolean NOT NULL DEFAULT false,  -- somebody said that the device works with it: the latest of these is what is restored
    good_by_action_id bigint,
    PRIMARY KEY (id),
    CHECK (((words <> ''::text) AND (length(words) <= 4000000))),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (good_by_action_id) REFERENCES actions.action(id)
);
CREATE INDEX config_of_device ON cmdb.config USING btree (device_id, id);
--   trigger require_claim_to_change BEFORE UPDATE ON cmdb.config FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.credential (
    id bigint NOT NULL GENERATED AS IDENTITY,
    subscriber_id bigint NOT NULL,
    username text NOT NULL,  -- a MAC address as aa:bb:cc:dd:ee:ff, however a BNG writes it
    scheme text NOT NULL DEFAULT 'cleartext'::text,  -- cleartext: PAP, CHAP, MS-CHAPv2; nt (32 hexadecimal digits): PAP, MS-CHAPv2; hashed ({SSHA512}…, {PBKDF2}…, crypt): PAP
    secret text,  -- read by nobody but radius.radcheck and cmdb.secret_for_equipment; forgotten with its removal
    simultaneous_use integer NOT NULL DEFAULT 1,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    removed_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    accepted_at timestamp with time zone,  -- when it was first accepted, at the BNG accepted_by_device_id: what showed that its line works
    accepted_by_device_id bigint,
    PRIMARY KEY (id),
    CHECK (((octet_length(secret) >= 8) AND (octet_length(secret) <= 1024))),
    CHECK (((secret IS NULL) = (removed_at IS NOT NULL))),
    CHECK (((simultaneous_use >= 1) AND (simultaneous_use <= 100))),
    CHECK (((username <> ''::text) AND (username = lower(username)) AND (octet_length(username) <= 253))),
    CHECK ((scheme = ANY (ARRAY['cleartext'::text, 'nt'::text, 'hashed'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX credential_once ON cmdb.credential USING btree (username, id);
CREATE UNIQUE INDEX credential_by_username ON cmdb.credential USING btree (username) WHERE (removed_at IS NULL);
CREATE UNIQUE INDEX credential_of_subscriber ON cmdb.credential USING btree (subscriber_id) WHERE (removed_at IS NULL);
--   trigger require_claim_after AFTER INSERT ON cmdb.credential REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.credential FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON cmdb.credential REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.line_stays_within()
--   trigger stay_within_changed AFTER UPDATE ON cmdb.credential REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.line_stays_within()

CREATE TABLE cmdb.device (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    kind text NOT NULL,
    area_id bigint NOT NULL,
    site_id bigint,
    management_address inet,
    vendor text NOT NULL DEFAULT ''::text,
    model text NOT NULL DEFAULT ''::text,
    serial text,
    firmware text NOT NULL DEFAULT ''::text,
    is_monitored boolean NOT NULL DEFAULT true,
    operational_state text NOT NULL DEFAULT 'enabled'::text,  -- X.731
    state_changed_at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint,
    PRIMARY KEY (id),
    UNIQUE (management_address),
    UNIQUE (name),
    UNIQUE (serial),
    CHECK ((kind = ANY (ARRAY['gateway'::text, 'core'::text, 'metro'::text, 'bng'::text, 'aggregation'::text, 'olt'::text, 'pon_port'::text, 'splitter'::text, 'tower'::text, 'sector'::text, 'cmts'::text, 'docsis_node'::text, 'business_switch'::text]))),
    CHECK ((name <> ''::text)),
    CHECK ((operational_state = ANY (ARRAY['enabled'::text, 'disabled'::text, 'unknown'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (site_id) REFERENCES cmdb.site(id)
);
CREATE INDEX device_of_area ON cmdb.device USING btree (area_id);
CREATE INDEX device_of_site ON cmdb.device USING btree (site_id);
--   trigger announce AFTER INSERT OR DELETE ON cmdb.device FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.device REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger keep_within_what_was_judged AFTER UPDATE ON cmdb.device REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION cmdb.keep_within_what_was_judged()
--   trigger note_changes AFTER UPDATE ON cmdb.device REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cmdb.note_changes('id')
--   trigger require_claim_before BEFORE INSERT ON cmdb.device FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON cmdb.device FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_remove BEFORE DELETE ON cmdb.device FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within_changed AFTER UPDATE ON cmdb.device REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.device_stays_within()
--   trigger stay_within_new AFTER INSERT ON cmdb.device REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.device_stays_within()
--   trigger topology_changed AFTER INSERT OR DELETE ON cmdb.device FOR EACH STATEMENT EXECUTE FUNCTION cmdb.topology_changed()
--   trigger topology_moved AFTER UPDATE OF kind, area_id, site_id, is_monitored ON cmdb.device FOR EACH STATEMENT EXECUTE FUNCTION cmdb.topology_changed()

CREATE TABLE cmdb.diagnosis (
    id bigint NOT NULL GENERATED AS IDENTITY,
    device_id bigint NOT NULL,
    errand_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    is_reachable boolean NOT NULL,
    round_trip interval,
    detail jsonb NOT NULL DEFAULT '{}'::jsonb,
    PRIMARY KEY (id),
    UNIQUE (errand_id, device_id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (errand_id) REFERENCES actions.errand(id)
);

CREATE TABLE cmdb.drift_ruling (
    id bigint NOT NULL GENERATED AS IDENTITY,
    subscriber_id bigint NOT NULL,
    down_kbps integer NOT NULL,
    up_kbps integer NOT NULL,
    is_accepted boolean NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT now(),
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX drift_ruling_of_line ON cmdb.drift_ruling USING btree (subscriber_id, id);
--   trigger announce AFTER INSERT OR DELETE ON cmdb.drift_ruling FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.drift_ruling REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger look_again AFTER INSERT ON cmdb.drift_ruling REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON cmdb.drift_ruling FOR EACH ROW WHEN (false) EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger require_claim_after AFTER INSERT ON cmdb.drift_ruling REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.drift_ruling FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.firmware_baseline (
    vendor text NOT NULL,
    model text NOT NULL,
    version text NOT NULL,
    ends_on date,  -- the maker mends nothing after this day
    PRIMARY KEY (vendor, model)
);

CREATE TABLE cmdb.link (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    kind text NOT NULL,
    from_device_id bigint NOT NULL,
    from_port text NOT NULL,
    to_device_id bigint NOT NULL,
    to_port text NOT NULL,
    conduit_id bigint,
    length_m integer,
    PRIMARY KEY (id),
    UNIQUE (from_device_id, from_port),
    UNIQUE (name),
    UNIQUE (to_device_id, to_port),
    CHECK ((from_device_id <> to_device_id)),
    CHECK ((kind = ANY (ARRAY['backhaul'::text, 'trunk'::text, 'feeder'::text, 'distribution'::text, 'radio'::text, 'coax'::text, 'patch'::text]))),
    CHECK ((length_m >= 0)),
    FOREIGN KEY (conduit_id) REFERENCES cmdb.conduit(id),
    FOREIGN KEY (from_device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (to_device_id) REFERENCES cmdb.device(id)
);
--   trigger note_changes AFTER UPDATE ON cmdb.link REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION cmdb.note_changes('id')
--   trigger require_claim_before BEFORE INSERT ON cmdb.link FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger topology_changed AFTER INSERT OR DELETE OR UPDATE ON cmdb.link FOR EACH STATEMENT EXECUTE FUNCTION cmdb.topology_changed()

CREATE TABLE cmdb.mac_sighting (
    mac macaddr NOT NULL,
    device_id bigint NOT NULL,
    managed_object text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    subscriber_id bigint,  -- whose line is at that place; none where it is nobody's
    PRIMARY KEY (mac, device_id, managed_object),
    CHECK ((last_seen_at >= first_seen_at)),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id) NOT VALID
);
CREATE INDEX mac_sighting_lately ON cmdb.mac_sighting USING btree (last_seen_at);
CREATE INDEX sighting_of_subscriber ON cmdb.mac_sighting USING btree (subscriber_id) WHERE (subscriber_id IS NOT NULL);

CREATE TABLE cmdb.nas (
    device_id bigint NOT NULL,
    address inet NOT NULL,  -- where its requests come from, and where it takes CoA and Disconnect at coa_port (RFC 5176)
    coa_port integer NOT NULL DEFAULT 3799,
    sealed_secret bytea NOT NULL,
    interim_s integer NOT NULL DEFAULT 300,  -- how often it reports each session; three silences in a row and the session counts as lost
    restarted_at timestamp with time zone,  -- the last Accounting-On or Accounting-Off
    PRIMARY KEY (device_id),
    UNIQUE (address),
    CHECK (((coa_port >= 1) AND (coa_port <= 65535))),
    CHECK (((interim_s >= 60) AND (interim_s <= 86400))),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id)
);
--   trigger announce AFTER INSERT OR DELETE ON cmdb.nas FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.nas REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE cmdb.observed_profile (
    subscriber_id bigint NOT NULL,
    down_kbps integer NOT NULL,
    up_kbps integer NOT NULL,
    since timestamp with time zone NOT NULL,  -- when it was first seen to be so
    seen_at timestamp with time zone NOT NULL,
    PRIMARY KEY (subscriber_id),
    CHECK ((down_kbps > 0)),
    CHECK ((seen_at >= since)),
    CHECK ((up_kbps > 0)),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
--   trigger look_again AFTER INSERT ON cmdb.observed_profile REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON cmdb.observed_profile FOR EACH ROW WHEN (((old.down_kbps IS DISTINCT FROM new.down_kbps) OR (old.up_kbps IS DISTINCT FROM new.up_kbps))) EXECUTE FUNCTION billing.look_again('subscriber_id')

CREATE TABLE cmdb.pool (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    kind text NOT NULL,
    serves text NOT NULL DEFAULT ''::text,  -- whom it is for, as catalogue.access_policy.address_pool says it; empty: anybody
    mode text NOT NULL DEFAULT 'radius'::text,
    vrf_id bigint,
    prefix_id bigint,
    network cidr,
    block_length integer,  -- what one number is: 32 or 128 for an address, 56 or 60 for a delegated prefix
    gateway inet,
    device_id bigint,
    area_id bigint,
    s_tag integer,
    first_place bigint NOT NULL,
    last_place bigint NOT NULL,
    next_place bigint NOT NULL,  -- the first that has no row in cmdb.allotment yet
    quarantine interval NOT NULL DEFAULT '7 days'::interval,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (name),
    CHECK (((kind <> 'vlan'::text) OR ((device_id IS NOT NULL) AND (s_tag IS NOT NULL) AND (network IS NULL) AND (last_place <= 4094)))),
    CHECK (((kind = 'vlan'::text) OR ((network IS NOT NULL) AND (block_length IS NOT NULL) AND (vrf_id IS NOT NULL)))),
    CHECK (((last_place >= first_place) AND ((next_place >= first_place) AND (next_place <= (last_place + 1))))),
    CHECK (((s_tag >= 1) AND (s_tag <= 4094))),
    CHECK ((first_place >= 0)),
    CHECK ((kind = ANY (ARRAY['address'::text, 'prefix'::text, 'vlan'::text]))),
    CHECK ((mode = ANY (ARRAY['static'::text, 'radius'::text, 'dhcp'::text, 'option82'::text]))),
    CHECK ((name <> ''::text)),
    CHECK ((quarantine >= '00:00:00'::interval)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (prefix_id) REFERENCES cmdb.prefix(id),
    FOREIGN KEY (vrf_id) REFERENCES cmdb.vrf(id),
    EXCLUDE USING gist (int8range(vrf_id, vrf_id, '[]'::text) WITH &&, network inet_ops WITH &&)
);
CREATE UNIQUE INDEX one_vlan_pool ON cmdb.pool USING btree (device_id, s_tag) WHERE (kind = 'vlan'::text);
--   trigger require_claim_after AFTER INSERT ON cmdb.pool REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.pool FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON cmdb.pool FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- a port at which a box asked, and what does not fit; all but other_box were refused
CREATE TABLE cmdb.port_doubt (
    nas_device_id bigint NOT NULL,
    circuit_id text NOT NULL,
    remote_id text NOT NULL DEFAULT ''::text,
    station text NOT NULL DEFAULT ''::text,
    reason text NOT NULL,  -- unknown_port: no such node or port; no_line: nobody is on it; no_number: its line has no number that is told by port; other_box: the node names another line's box there
    first_seen_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    last_seen_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    times bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (nas_device_id, circuit_id, reason),
    CHECK ((length(circuit_id) <= 253)),
    CHECK ((length(remote_id) <= 253)),
    CHECK ((length(station) <= 253)),
    CHECK ((reason = ANY (ARRAY['unknown_port'::text, 'no_line'::text, 'no_number'::text, 'other_box'::text]))),
    FOREIGN KEY (nas_device_id) REFERENCES cmdb.device(id)
);
CREATE INDEX port_doubt_lately ON cmdb.port_doubt USING btree (last_seen_at);

CREATE TABLE cmdb.prefix (
    id bigint NOT NULL GENERATED AS IDENTITY,
    vrf_id bigint NOT NULL,
    network cidr NOT NULL,
    purpose text NOT NULL DEFAULT ''::text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (vrf_id, network),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (vrf_id) REFERENCES cmdb.vrf(id)
);
--   trigger require_claim_after AFTER INSERT ON cmdb.prefix REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.prefix FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.relation (
    id bigint NOT NULL GENERATED AS IDENTITY,
    from_device_id bigint NOT NULL,
    kind text NOT NULL,
    to_device_id bigint NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    UNIQUE (from_device_id, kind, to_device_id),
    CHECK ((kind = ANY (ARRAY['hostedOn'::text, 'connectsOn'::text, 'dependsOn'::text, 'ring'::text]))),
    CHECK ((to_device_id <> from_device_id)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (from_device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (to_device_id) REFERENCES cmdb.device(id)
);
CREATE INDEX relation_to ON cmdb.relation USING btree (to_device_id, kind);
--   trigger require_claim_after AFTER INSERT ON cmdb.relation REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.relation FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE cmdb.session (
    subscriber_id bigint NOT NULL,
    username text NOT NULL,
    nas_device_id bigint NOT NULL,
    framed_address inet,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_cause text,
    accounting_id bigint,  -- which of its sessions this is; none where it was imported
    PRIMARY KEY (subscriber_id),
    CHECK ((ended_at >= started_at)),
    FOREIGN KEY (accounting_id) REFERENCES cmdb.accounting(id),
    FOREIGN KEY (nas_device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX session_open_at_nas ON cmdb.session USING btree (nas_device_id) WHERE (ended_at IS NULL);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))))
--   trigger look_again AFTER INSERT ON cmdb.session REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again('subscriber_id')
--   trigger look_again_changed AFTER UPDATE ON cmdb.session FOR EACH ROW WHEN (((old.started_at IS DISTINCT FROM new.started_at) OR (old.ended_at IS DISTINCT FROM new.ended_at))) EXECUTE FUNCTION billing.look_again('subscriber_id')

-- a building, mast or street cabinet: what stands in it shares its power
CREATE TABLE cmdb.site (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    area_id bigint NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name),
    FOREIGN KEY (area_id) REFERENCES gis.area(id)
);

CREATE TABLE cmdb.splice_end (
    splice_id bigint NOT NULL,
    half integer NOT NULL,
    cable_id bigint,
    strand integer,
    cable_end text,  -- at which end of its cable the strand is spliced here
    device_id bigint,
    port text,  -- of a splitter "in" or "leg 7"; of a PON port "pon"; of anything else as the device calls it
    made_at timestamp with time zone NOT NULL DEFAULT now(),
    removed_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    removed_by_action_id bigint,
    PRIMARY KEY (splice_id, half),
    CHECK ((((num_nonnulls(cable_id, strand, cable_end) % 3) = 0) AND ((num_nonnulls(device_id, port) % 2) = 0) AND ((cable_id IS NULL) <> (device_id IS NULL)))),
    CHECK (((port <> ''::text) AND (length(port) <= 60))),
    CHECK (((removed_at IS NULL) = (removed_by_action_id IS NULL))),
    CHECK ((cable_end = ANY (ARRAY['from'::text, 'to'::text]))),
    CHECK ((half = ANY (ARRAY[1, 2]))),
    CHECK ((removed_at >= made_at)),
    CHECK ((strand > 0)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (cable_id) REFERENCES cmdb.cable(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (removed_by_action_id) REFERENCES actions.action(id)
);
CREATE INDEX splice_of_device ON cmdb.splice_end USING btree (device_id) WHERE (device_id IS NOT NULL);
CREATE UNIQUE INDEX one_splice_per_port ON cmdb.splice_end USING btree (device_id, port) WHERE ((removed_at IS NULL) AND (device_id IS NOT NULL));
CREATE UNIQUE INDEX one_splice_per_strand ON cmdb.splice_end USING btree (cable_id, strand, cable_end) WHERE ((removed_at IS NULL) AND (cable_id IS NOT NULL));
--   trigger announce AFTER INSERT OR DELETE ON cmdb.splice_end FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON cmdb.splice_end REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON cmdb.splice_end REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON cmdb.splice_end FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON cmdb.splice_end FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger splices_are_whole AFTER INSERT ON cmdb.splice_end REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((SESSION_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION cmdb.splices_are_whole()

CREATE TABLE cmdb.usage (
    subscriber_id bigint NOT NULL,
    day date NOT NULL,
    up_bytes bigint NOT NULL DEFAULT 0,
    down_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber_id, day),
    CHECK ((down_bytes >= 0)),
    CHECK ((up_bytes >= 0)),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))))

CREATE TABLE cmdb.vrf (
    id bigint NOT NULL GENERATED AS IDENTITY,
    name text NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name),
    CHECK ((name <> ''::text))
);
--   trigger require_claim_to_add BEFORE INSERT ON cmdb.vrf FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- function cmdb.block_at(p_network cidr, p_length integer, p_place bigint) RETURNS inet
-- function cmdb.close_stale_sessions() RETURNS bigint SECURITY DEFINER
-- function cmdb.device_stays_within() RETURNS trigger SECURITY DEFINER
-- function cmdb.disconnect(p_subscriber bigint) RETURNS boolean SECURITY DEFINER
-- function cmdb.keep_within_what_was_judged() RETURNS trigger SECURITY DEFINER
-- function cmdb.light_from(p_cable bigint, p_strand integer, p_end text, p_device bigint, p_port text) RETURNS TABLE(step integer, splice_id bigint, cable_id bigint, strand integer, device_id bigint, entered text)
-- function cmdb.line_stays_within() RETURNS trigger SECURITY DEFINER
-- function cmdb.next_free(p_pool bigint, p_subscriber bigint, p_keep interval) RETURNS bigint
-- function cmdb.next_splice() RETURNS bigint SECURITY DEFINER
-- function cmdb.note_changes() RETURNS trigger SECURITY DEFINER
-- function cmdb.remove_device(p_device bigint) RETURNS boolean SECURITY DEFINER
-- function cmdb.secret_for_equipment(p_subscriber_id bigint) RETURNS text SECURITY DEFINER
-- function cmdb.splices_are_whole() RETURNS trigger SECURITY DEFINER
-- function cmdb.topology_changed() RETURNS trigger SECURITY DEFINER

-- itsm -------------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE itsm.incident (
    id bigint NOT NULL GENERATED AS IDENTITY,
    state text NOT NULL DEFAULT 'inProgress'::text,
    cause text NOT NULL,
    is_outage boolean NOT NULL,
    root_device_id bigint,
    root_link_id bigint,
    root_site_id bigint,
    root_conduit_id bigint,
    confidence double precision NOT NULL,  -- that service is lost to those it holds, whatever the cause; each hypothesis has a confidence of its own
    hypotheses jsonb NOT NULL,  -- ranked, each with evidence for and against: cortex.findings.Hypothesis
    first_alarm_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT now(),
    resolved_at timestamp with time zone,
    closed_at timestamp with time zone,
    correlation_id uuid NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CHECK ((cause = ANY (ARRAY['feeder'::text, 'distribution'::text, 'drop'::text, 'power'::text, 'device'::text, 'card'::text, 'upstream'::text, 'monitoring'::text, 'degradation'::text, 'planned'::text, 'unknown'::text]))),
    CHECK ((state = ANY (ARRAY['inProgress'::text, 'resolved'::text, 'closed'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (root_conduit_id) REFERENCES cmdb.conduit(id),
    FOREIGN KEY (root_device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (root_link_id) REFERENCES cmdb.link(id),
    FOREIGN KEY (root_site_id) REFERENCES cmdb.site(id)
);
CREATE INDEX incident_opened ON itsm.incident USING btree (opened_at);
--   row policy customer: (id IN ( SELECT incident_subscriber.incident_id
   FROM itsm.incident_subscriber))
--   trigger announce AFTER INSERT OR DELETE ON itsm.incident FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON itsm.incident REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON itsm.incident REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.incident FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON itsm.incident FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE itsm.incident_alarm (
    incident_id bigint NOT NULL,
    alarm_id bigint NOT NULL,
    joined_at timestamp with time zone NOT NULL DEFAULT now(),
    left_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (incident_id, alarm_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (alarm_id) REFERENCES nms.alarm(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id)
);
CREATE UNIQUE INDEX alarm_in_one_incident ON itsm.incident_alarm USING btree (alarm_id) WHERE (left_at IS NULL);
--   trigger require_claim_after AFTER INSERT ON itsm.incident_alarm REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.incident_alarm FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON itsm.incident_alarm FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE itsm.incident_device (
    incident_id bigint NOT NULL,
    device_id bigint NOT NULL,
    lost_at timestamp with time zone NOT NULL,
    restored_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (incident_id, device_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id)
);
CREATE INDEX incident_of_device ON itsm.incident_device USING btree (device_id) WHERE (restored_at IS NULL);
--   trigger require_claim_after AFTER INSERT ON itsm.incident_device REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.incident_device FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON itsm.incident_device FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE itsm.incident_event (
    id bigint NOT NULL GENERATED AS IDENTITY,
    incident_id bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'::jsonb,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id)
);
CREATE INDEX event_of_incident ON itsm.incident_event USING btree (incident_id, id);
--   trigger announce AFTER INSERT OR DELETE ON itsm.incident_event FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON itsm.incident_event REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON itsm.incident_event REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.incident_event FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE itsm.incident_subscriber (
    incident_id bigint NOT NULL,
    subscriber_id bigint NOT NULL,
    lost_at timestamp with time zone NOT NULL,
    restored_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (incident_id, subscriber_id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id),
    FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber(id)
);
CREATE INDEX incident_of_subscriber ON itsm.incident_subscriber USING btree (subscriber_id) WHERE (restored_at IS NULL);
--   row policy customer: (subscriber_id IN ( SELECT subscriber.id
   FROM crm.subscriber
  WHERE (subscriber.customer_id = ( SELECT atlas.customer_id() AS customer_id))))
--   trigger announce AFTER INSERT OR DELETE ON itsm.incident_subscriber FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON itsm.incident_subscriber REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON itsm.incident_subscriber REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.incident_subscriber FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON itsm.incident_subscriber FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE itsm.pause (
    id bigint NOT NULL GENERATED AS IDENTITY,
    ticket_id bigint NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    paused_at timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,  -- whoever forgets to resume it does not stop the clock for ever: then it runs again, and somebody is told
    resumed_at timestamp with time zone,
    resumed_because text NOT NULL DEFAULT ''::text,  -- replied, limit, over, or the words of whoever resumed it
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK (((resumed_at IS NULL) OR (resumed_because <> ''::text))),
    CHECK ((note <> ''::text)),
    CHECK ((reason = ANY (ARRAY['customer'::text, 'access'::text, 'third_party'::text]))),
    CHECK ((resumed_at >= paused_at)),
    CHECK ((until >= paused_at)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (ticket_id) REFERENCES itsm.ticket(id)
);
CREATE INDEX pause_of_ticket ON itsm.pause USING btree (ticket_id, paused_at);
CREATE UNIQUE INDEX one_pause_at_a_time ON itsm.pause USING btree (ticket_id) WHERE (resumed_at IS NULL);
--   trigger announce AFTER INSERT OR DELETE ON itsm.pause FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON itsm.pause REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger is_final BEFORE UPDATE ON itsm.pause FOR EACH ROW WHEN ((((old.resumed_at IS NOT NULL) AND (new.resumed_at IS DISTINCT FROM old.resumed_at)) OR ((((old.ticket_id IS DISTINCT FROM new.ticket_id) OR (old.reason IS DISTINCT FROM new.reason)) OR (old.paused_at IS DISTINCT FROM new.paused_at)) OR (old.until IS DISTINCT FROM new.until)))) EXECUTE FUNCTION itsm.pause_is_final()
--   trigger require_claim_after AFTER INSERT ON itsm.pause REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.pause FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON itsm.pause FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE itsm.ticket (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'acknowledged'::text,  -- TMF621
    parent_id bigint,
    incident_id bigint,
    area_id bigint,
    customer_id bigint,
    impact integer NOT NULL,  -- 1 is widest, 4 one customer; likewise urgency
    urgency integer NOT NULL,
    priority integer NOT NULL GENERATED ALWAYS AS (GREATEST(1, LEAST(4, ((impact + urgency) / 2)))) STORED,
    title text NOT NULL,
    assigned_to bigint,
    opened_at timestamp with time zone NOT NULL DEFAULT now(),
    due_at timestamp with time zone,
    resolved_at timestamp with time zone,
    closed_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK (((impact >= 1) AND (impact <= 4))),
    CHECK (((urgency >= 1) AND (urgency <= 4))),
    CHECK ((kind = ANY (ARRAY['incident'::text, 'request'::text, 'complaint'::text, 'problem'::text]))),
    CHECK ((state = ANY (ARRAY['acknowledged'::text, 'rejected'::text, 'pending'::text, 'held'::text, 'inProgress'::text, 'resolved'::text, 'closed'::text, 'cancelled'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (assigned_to) REFERENCES staff.member(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id),
    FOREIGN KEY (parent_id) REFERENCES itsm.ticket(id)
);
CREATE INDEX ticket_of_customer ON itsm.ticket USING btree (customer_id) WHERE (customer_id IS NOT NULL);
CREATE UNIQUE INDEX one_child_per_area ON itsm.ticket USING btree (parent_id, area_id) WHERE ((area_id IS NOT NULL) AND (parent_id IS NOT NULL));
CREATE UNIQUE INDEX one_parent_ticket ON itsm.ticket USING btree (incident_id) WHERE ((incident_id IS NOT NULL) AND (parent_id IS NULL) AND (customer_id IS NULL));
--   row policy customer: (customer_id = ( SELECT atlas.customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON itsm.ticket FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON itsm.ticket REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON itsm.ticket REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON itsm.ticket FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON itsm.ticket FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- function itsm.pause_is_final() RETURNS trigger
-- function itsm.public_outages(p_area_name text) RETURNS TABLE(incident_id bigint, area text, cause text, since timestamp with time zone, subscribers bigint) SECURITY DEFINER

-- helpdesk ---------------------------------------------------------------------------------------------------------------------------------

CREATE TABLE helpdesk.call (
    id bigint NOT NULL GENERATED AS IDENTITY,
    provider_id text NOT NULL,
    address text NOT NULL,
    customer_id bigint,  -- the one customer with this number; a number is a claim and no proof
    conversation_id bigint,
    language text NOT NULL DEFAULT 'en'::text,
    session_id text,  -- of the one socket that this call may have: a signature carries no time, so a second one is a replay
    turns integer NOT NULL DEFAULT 0,  -- how often the caller has spoken
    spoken_up_to bigint NOT NULL DEFAULT 0,  -- the last message of ours that was spoken
    interruptions integer NOT NULL DEFAULT 0,
    began_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    connected_at timestamp with time zone,
    transferred_at timestamp with time zone,
    ended_at timestamp with time zone,
    staff_id bigint,  -- the engineer whose number it is, which is a claim; from staff_known_at on, the PIN was right in this very call
    staff_known_at timestamp with time zone,
    PRIMARY KEY (id),
    UNIQUE (provider_id),
    UNIQUE (session_id),
    CHECK ((provider_id <> ''::text)),
    CHECK ((turns >= 0)),
    FOREIGN KEY (conversation_id) REFERENCES helpdesk.conversation(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX call_of_conversation ON helpdesk.call USING btree (conversation_id, id DESC);
CREATE INDEX call_of_customer ON helpdesk.call USING btree (customer_id, began_at DESC);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS verified_customer_id))
--   trigger announce AFTER INSERT OR DELETE ON helpdesk.call FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON helpdesk.call REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE helpdesk.conversation (
    id bigint NOT NULL GENERATED AS IDENTITY,
    thread uuid NOT NULL DEFAULT gen_random_uuid(),
    customer_id bigint,
    staff_id bigint,
    channel text NOT NULL,
    address text,
    owner text NOT NULL DEFAULT 'agents'::text,  -- agents, queue, or staff:ID: one at a time
    handed_over_because text,
    opened_at timestamp with time zone NOT NULL DEFAULT now(),
    last_at timestamp with time zone NOT NULL DEFAULT now(),
    verified_until timestamp with time zone,  -- until then whoever writes here from the verified channel and address is known by a code
    verified_channel text,
    verified_address text,
    PRIMARY KEY (id),
    UNIQUE (thread),
    CHECK ((channel = ANY (ARRAY['sms'::text, 'whatsapp'::text, 'voice'::text, 'email'::text, 'chat'::text, 'console'::text]))),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);
CREATE INDEX conversation_of_customer ON helpdesk.conversation USING btree (customer_id, last_at DESC);
CREATE INDEX conversation_of_staff ON helpdesk.conversation USING btree (staff_id, last_at DESC) WHERE (staff_id IS NOT NULL);
CREATE INDEX conversation_with_people ON helpdesk.conversation USING btree (owner, last_at) WHERE (owner <> 'agents'::text);
CREATE INDEX whatsapp_of_address ON helpdesk.conversation USING btree (address) WHERE (channel = 'whatsapp'::text);
--   row policy customer: (customer_id = ( SELECT atlas.customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON helpdesk.conversation FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON helpdesk.conversation REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_to_change BEFORE UPDATE ON helpdesk.conversation FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- a row from before a letter is handed over until it was surely refused: one without accepted_at may have left
CREATE TABLE helpdesk.handed_letter (
    key text NOT NULL,  -- the outbox' own key for the message
    begun_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    accepted_at timestamp with time zone,
    PRIMARY KEY (key),
    CHECK ((key <> ''::text))
);

CREATE TABLE helpdesk.inbox (
    id bigint NOT NULL GENERATED AS IDENTITY,
    provider text NOT NULL,
    provider_id text NOT NULL,
    kind text NOT NULL,
    received_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'received'::text,  -- a message is received, then answered or parked; a status is merged, or quarantined while nobody knows the message
    conversation_id bigint,
    message_id bigint,
    profile_name text NOT NULL DEFAULT ''::text,
    media jsonb NOT NULL DEFAULT '[]'::jsonb,  -- address and type of each, as the provider gave them; nothing is fetched
    carrier_error text NOT NULL DEFAULT ''::text,
    code_mac bytea,  -- of six digits that were taken out of the words: a MAC under a key that is not in this database
    tries integer NOT NULL DEFAULT 0,
    tried_at timestamp with time zone,
    error_kind text NOT NULL DEFAULT ''::text,
    answered_at timestamp with time zone,
    answered_by text NOT NULL DEFAULT ''::text,  -- agents, person (a ticket), command, or staff who had the conversation
    step text NOT NULL DEFAULT ''::text,  -- what is being done about it just now, as module or module.tool: nobody's words
    subject text NOT NULL DEFAULT ''::text,  -- of a letter, in its sender's words; empty for every other message
    is_choice boolean NOT NULL DEFAULT false,  -- these words said which of several customers at the address it is
    so_far text NOT NULL DEFAULT ''::text,  -- of the answer that is being made to it: what every figure is known of. Empty once it was answered: the message says it then
    PRIMARY KEY (id),
    UNIQUE (message_id),
    UNIQUE (provider, provider_id, kind),
    CHECK (((kind = 'message'::text) OR (kind ~~ 'status:%'::text))),
    CHECK ((provider <> ''::text)),
    CHECK ((provider_id <> ''::text)),
    CHECK ((state = ANY (ARRAY['received'::text, 'answered'::text, 'parked'::text, 'merged'::text, 'quarantined'::text]))),
    FOREIGN KEY (conversation_id) REFERENCES helpdesk.conversation(id),
    FOREIGN KEY (message_id) REFERENCES helpdesk.message(id)
);
CREATE INDEX inbox_set_aside ON helpdesk.inbox USING btree (id) WHERE (state = ANY (ARRAY['parked'::text, 'quarantined'::text]));
CREATE INDEX inbox_waiting ON helpdesk.inbox USING btree (conversation_id, id) WHERE ((state = 'received'::text) AND (kind = 'message'::text));
--   trigger announce AFTER INSERT OR DELETE ON helpdesk.inbox FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON helpdesk.inbox REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()

CREATE TABLE helpdesk.letter (
    id bigint NOT NULL GENERATED AS IDENTITY,
    key text NOT NULL,  -- the outbox' own key for the message
    notice_key text NOT NULL,
    reference text NOT NULL GENERATED ALWAYS AS (('LT-'::text || id)) STORED,  -- what its notice has as provider_reference, and its line in the index of the spool as id
    address text NOT NULL,
    pages integer NOT NULL,
    pdf bytea NOT NULL,
    digest bytea NOT NULL GENERATED ALWAYS AS (sha256(pdf)) STORED,
    printed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    posted_at timestamp with time zone,  -- when it was handed to whoever prints and posts
    returned_at timestamp with time zone,  -- when it came back: it reached nobody
    PRIMARY KEY (id),
    UNIQUE (key),
    UNIQUE (reference),
    CHECK (((returned_at IS NULL) OR (posted_at IS NOT NULL))),
    CHECK ((address <> ''::text)),
    CHECK ((key <> ''::text)),
    CHECK ((notice_key <> ''::text)),
    CHECK ((pages > 0))
);
CREATE INDEX letter_of_notice ON helpdesk.letter USING btree (notice_key);
CREATE INDEX letter_waiting ON helpdesk.letter USING btree (id) WHERE (posted_at IS NULL);

CREATE TABLE helpdesk.message (
    id bigint NOT NULL GENERATED AS IDENTITY,
    conversation_id bigint NOT NULL,
    customer_id bigint,
    at timestamp with time zone NOT NULL DEFAULT now(),
    is_from_us boolean NOT NULL,
    author text NOT NULL,
    words text NOT NULL,
    provider_reference text,
    trace jsonb NOT NULL DEFAULT '{}'::jsonb,  -- route, tools, grounding, model and prompt versions
    action_id bigint,
    channel text,
    address text,
    PRIMARY KEY (id),
    UNIQUE (provider_reference),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (conversation_id) REFERENCES helpdesk.conversation(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX message_by_time ON helpdesk.message USING btree (at);
CREATE INDEX message_flagged ON helpdesk.message USING btree (conversation_id, id) WHERE (trace ? 'flags'::text);
CREATE INDEX message_of_conversation ON helpdesk.message USING btree (conversation_id, id);
CREATE INDEX message_of_visitor ON helpdesk.message USING btree (address, id) WHERE (channel = 'chat'::text);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON helpdesk.message FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON helpdesk.message REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_to_add BEFORE INSERT ON helpdesk.message FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE helpdesk.notice (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint,  -- NULL: a reply to somebody whom we do not know
    incident_id bigint,
    purpose text NOT NULL,
    key text NOT NULL,  -- customer, cause and purpose: nobody is told the same thing twice
    channel text NOT NULL,
    address text NOT NULL,
    language text NOT NULL,
    template text NOT NULL,
    words text NOT NULL,
    state text NOT NULL DEFAULT 'queued'::text,
    not_before timestamp with time zone NOT NULL DEFAULT now(),
    queued_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamp with time zone,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamp with time zone,
    provider_reference text,
    failure text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    delivery text,
    delivery_at timestamp with time zone,
    tried text[] NOT NULL DEFAULT '{}'::text[],  -- channel:address of every way that would not do; the next way of the customer is taken then
    PRIMARY KEY (id),
    UNIQUE (key),
    UNIQUE (provider_reference),
    CHECK ((channel = ANY (ARRAY['sms'::text, 'whatsapp'::text, 'voice'::text, 'email'::text, 'chat'::text, 'console'::text, 'letter'::text]))) NOT VALID,
    CHECK ((state = ANY (ARRAY['queued'::text, 'leased'::text, 'sent'::text, 'delivered'::text, 'failed'::text, 'in_doubt'::text]))),
    CHECK ((words <> ''::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id)
);
CREATE INDEX notice_in_doubt ON helpdesk.notice USING btree (id) WHERE (state = 'in_doubt'::text);
CREATE INDEX notice_of_action ON helpdesk.notice USING btree (action_id);
CREATE INDEX notice_of_address ON helpdesk.notice USING btree (address, channel, queued_at);
CREATE INDEX notice_of_customer ON helpdesk.notice USING btree (customer_id, queued_at DESC);
CREATE INDEX notice_of_incident ON helpdesk.notice USING btree (incident_id, purpose);
CREATE INDEX notice_sent ON helpdesk.notice USING btree (sent_at) WHERE (sent_at IS NOT NULL);
CREATE INDEX notice_to_send ON helpdesk.notice USING btree (not_before, id) WHERE (state = ANY (ARRAY['queued'::text, 'leased'::text]));
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON helpdesk.notice FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON helpdesk.notice REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger keeps_to_its_customer BEFORE UPDATE ON helpdesk.notice FOR EACH ROW WHEN (((CURRENT_USER = 'bedrock_executor'::name) AND ((old.address IS DISTINCT FROM new.address) OR (old.customer_id IS DISTINCT FROM new.customer_id)))) EXECUTE FUNCTION helpdesk.notice_keeps_to_its_customer()
--   trigger merge_what_came_early AFTER UPDATE ON helpdesk.notice REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION helpdesk.merge_what_came_early()
--   trigger require_claim_after AFTER INSERT ON helpdesk.notice REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON helpdesk.notice FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON helpdesk.notice REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION helpdesk.notices_stay_within()
--   trigger wake_outbox AFTER INSERT ON helpdesk.notice FOR EACH STATEMENT EXECUTE FUNCTION jobs.wake('forge.outbox')

CREATE TABLE helpdesk.one_time_code (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,  -- what is being verified; the digits went to sent_channel
    sent_channel text NOT NULL,
    seed uuid NOT NULL DEFAULT gen_random_uuid(),
    made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamp with time zone NOT NULL DEFAULT (clock_timestamp() + '00:10:00'::interval),
    tries integer NOT NULL DEFAULT 0,
    used_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK (((tries >= 0) AND (tries <= 5))),
    CHECK ((sent_channel <> channel)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (conversation_id) REFERENCES helpdesk.conversation(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX code_awaited ON helpdesk.one_time_code USING btree (address, channel) WHERE (used_at IS NULL);
CREATE INDEX code_of_conversation ON helpdesk.one_time_code USING btree (conversation_id, id DESC);
CREATE INDEX code_of_customer ON helpdesk.one_time_code USING btree (customer_id, made_at DESC);
--   trigger require_claim_after AFTER INSERT ON helpdesk.one_time_code REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON helpdesk.one_time_code FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE helpdesk.promise (
    id bigint NOT NULL GENERATED AS IDENTITY,
    customer_id bigint NOT NULL,
    promised text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    kept_at timestamp with time zone,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id)
);
CREATE INDEX promise_of_customer ON helpdesk.promise USING btree (customer_id);
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger require_claim_after AFTER INSERT ON helpdesk.promise REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON helpdesk.promise FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON helpdesk.promise FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE helpdesk.recorded_message (
    key text NOT NULL,
    reference text NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    words text NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    times integer NOT NULL DEFAULT 1,
    PRIMARY KEY (key),
    UNIQUE (reference)
);

-- function helpdesk.awaits_code(p_channel text, p_address text) RETURNS boolean SECURITY DEFINER
-- function helpdesk.confirm_code(p_code_id bigint) RETURNS void SECURITY DEFINER
-- function helpdesk.delivery_rank(p_status text) RETURNS integer
-- function helpdesk.is_address_of(p_customer_id bigint, p_channel text, p_address text) RETURNS boolean SECURITY DEFINER
-- function helpdesk.letter_address(p_customer_id bigint) RETURNS text SECURITY DEFINER
-- function helpdesk.merge_delivery(p_provider text, p_provider_id text) RETURNS boolean SECURITY DEFINER
-- function helpdesk.merge_what_came_early() RETURNS trigger SECURITY DEFINER
-- function helpdesk.notice_keeps_to_its_customer() RETURNS trigger SECURITY DEFINER
-- function helpdesk.notices_stay_within() RETURNS trigger SECURITY DEFINER
-- function helpdesk.own_conversation() RETURNS TABLE(conversation_id bigint, thread uuid, customer_id bigint, staff_id bigint, channel text, address text, owner text, handed_over_because text, opened_at timestamp with time zone, last_at timestamp with time zone, last_message_id bigint, last_inbound_at timestamp with time zone) SECURITY DEFINER
-- function helpdesk.own_conversation_id() RETURNS bigint SECURITY DEFINER
-- function helpdesk.try_code(p_conversation_id bigint, p_channel text, p_address text) RETURNS TABLE(code_id bigint, seed uuid) SECURITY DEFINER
-- function helpdesk.verify_visit(p_conversation_id bigint, p_visitor text) RETURNS void SECURITY DEFINER
-- function helpdesk.visitor(p_visitor text) RETURNS bigint SECURITY DEFINER

-- field_service ----------------------------------------------------------------------------------------------------------------------------

CREATE TABLE field_service.engineer (
    staff_id bigint NOT NULL,
    area_id bigint NOT NULL,
    skills text[] NOT NULL,
    PRIMARY KEY (staff_id),
    FOREIGN KEY (area_id) REFERENCES gis.area(id),
    FOREIGN KEY (staff_id) REFERENCES staff.member(id)
);

CREATE TABLE field_service.hands_free (
    staff_id bigint NOT NULL,
    phone text NOT NULL,
    pin_mac bytea NOT NULL,  -- of the PIN, under a key that is not in this database
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (staff_id),
    UNIQUE (phone),
    CHECK ((phone <> ''::text)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (staff_id) REFERENCES field_service.engineer(staff_id)
);
--   trigger require_claim_after AFTER INSERT ON field_service.hands_free REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON field_service.hands_free FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_to_change BEFORE UPDATE ON field_service.hands_free FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

CREATE TABLE field_service.job (
    id bigint NOT NULL GENERATED AS IDENTITY,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'acknowledged'::text,
    incident_id bigint,
    customer_id bigint,
    premise_id bigint,
    device_id bigint,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    skill text NOT NULL,
    engineer_id bigint,
    window_from timestamp with time zone NOT NULL,
    window_until timestamp with time zone NOT NULL,
    instructions text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    completed_at timestamp with time zone,
    findings text NOT NULL DEFAULT ''::text,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((kind = ANY (ARRAY['splice'::text, 'repair'::text, 'install'::text, 'survey'::text]))),
    CHECK ((state = ANY (ARRAY['acknowledged'::text, 'held'::text, 'inProgress'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))),
    CHECK ((window_until > window_from)),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (customer_id) REFERENCES crm.customer(id),
    FOREIGN KEY (device_id) REFERENCES cmdb.device(id),
    FOREIGN KEY (engineer_id) REFERENCES field_service.engineer(staff_id),
    FOREIGN KEY (incident_id) REFERENCES itsm.incident(id),
    FOREIGN KEY (premise_id) REFERENCES gis.premise(id)
);
CREATE INDEX job_of_customer ON field_service.job USING btree (customer_id);
CREATE INDEX job_of_engineer ON field_service.job USING btree (engineer_id, window_from);
CREATE UNIQUE INDEX one_crew_per_incident ON field_service.job USING btree (incident_id) WHERE ((incident_id IS NOT NULL) AND (state <> ALL (ARRAY['failed'::text, 'cancelled'::text])));
--   row policy customer: (customer_id = ( SELECT atlas.verified_customer_id() AS customer_id))
--   trigger announce AFTER INSERT OR DELETE ON field_service.job FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()
--   trigger announce_update AFTER UPDATE ON field_service.job REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce_update()
--   trigger require_claim_after AFTER INSERT ON field_service.job REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON field_service.job FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger stay_within AFTER INSERT ON field_service.job REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION field_service.job_stays_within()
--   trigger stay_within_changed AFTER UPDATE ON field_service.job REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION field_service.job_stays_within()

CREATE TABLE field_service.pin_tries (
    staff_id bigint NOT NULL,
    wrong integer NOT NULL DEFAULT 0,
    locked_until timestamp with time zone,
    PRIMARY KEY (staff_id),
    CHECK ((wrong >= 0)),
    FOREIGN KEY (staff_id) REFERENCES field_service.engineer(staff_id)
);

CREATE TABLE field_service.reading (
    id bigint NOT NULL GENERATED AS IDENTITY,
    job_id bigint NOT NULL,
    kind text NOT NULL,
    value double precision NOT NULL,  -- in the unit that the kind ends with
    at timestamp with time zone NOT NULL,
    action_id bigint NOT NULL DEFAULT (NULLIF(current_setting('bedrock.action'::text, true), ''::text))::bigint,
    PRIMARY KEY (id),
    CHECK ((kind = ANY (ARRAY['received_power_dbm'::text, 'otdr_distance_m'::text, 'splice_loss_db'::text, 'speed_down_mbps'::text]))),
    FOREIGN KEY (action_id) REFERENCES actions.action(id),
    FOREIGN KEY (job_id) REFERENCES field_service.job(id)
);
CREATE INDEX reading_of_job ON field_service.reading USING btree (job_id, id);
--   trigger require_claim_after AFTER INSERT ON field_service.reading REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()
--   trigger require_claim_before BEFORE INSERT ON field_service.reading FOR EACH STATEMENT WHEN ((CURRENT_USER = 'bedrock_executor'::name)) EXECUTE FUNCTION actions.require_claim()

-- function field_service.availability(p_skill text, p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(shift_from timestamp with time zone, shift_until timestamp with time zone, latitude double precision, longitude double precision, busy_from timestamp with time zone[], busy_until timestamp with time zone[]) SECURITY DEFINER
-- function field_service.engineer_at(p_phone text) RETURNS bigint SECURITY DEFINER
-- function field_service.job_stays_within() RETURNS trigger SECURITY DEFINER
-- function field_service.try_pin(p_provider_id text, p_mac bytea) RETURNS boolean SECURITY DEFINER
