CREATE TABLE audit_entry (
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	actor_kind TEXT NOT NULL, 
	actor_id BIGINT, 
	action TEXT NOT NULL, 
	object_kind TEXT NOT NULL, 
	object_key TEXT NOT NULL, 
	details JSON NOT NULL, 
	request_id TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_audit_entry PRIMARY KEY (id), 
	CONSTRAINT ck_audit_entry_actor_kind CHECK (actor_kind IN ('resident', 'staff', 'system'))
)
-- next
CREATE INDEX ix_audit_entry_object ON audit_entry (object_kind, object_key, id)
-- next
CREATE INDEX ix_audit_entry_actor ON audit_entry (actor_kind, actor_id, id)
-- next
CREATE TABLE idempotency_key (
	scope TEXT NOT NULL, 
	key TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	answer_status BIGINT, 
	answer_sealed TEXT, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_idempotency_key PRIMARY KEY (scope, key)
)
-- next
CREATE INDEX ix_idempotency_key_expires_at ON idempotency_key (expires_at)
-- next
CREATE TABLE job_lease (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	until TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_job_lease PRIMARY KEY (name)
)
-- next
CREATE TABLE ledger_account (
	unit SMALLINT NOT NULL, 
	owner TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	floor BIGINT, 
	hot BOOLEAN NOT NULL, 
	balance BIGINT NOT NULL, 
	held BIGINT NOT NULL, 
	last_id BIGINT NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_ledger_account PRIMARY KEY (id), 
	CONSTRAINT uq_ledger_account_owner_unit UNIQUE (owner, unit), 
	CONSTRAINT ck_ledger_account_unit CHECK (unit IN (1, 2, 3)), 
	CONSTRAINT ck_ledger_account_owner_length CHECK (length(owner) BETWEEN 1 AND 120), 
	CONSTRAINT ck_ledger_account_no_overdraft CHECK (floor IS NULL OR balance - held >= floor), 
	CONSTRAINT ck_ledger_account_held CHECK (held >= 0), 
	CONSTRAINT ck_ledger_account_hot_is_summed CHECK (NOT hot OR (floor IS NULL AND balance = 0 AND held = 0))
)
 WITH (fillfactor = 70)
-- next
CREATE TABLE legal_text (
	text TEXT NOT NULL, 
	version TEXT NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	in_force_from TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_legal_text PRIMARY KEY (id), 
	CONSTRAINT uq_legal_text_text_version UNIQUE (text, version)
)
-- next
CREATE TABLE outbox_message (
	topic TEXT NOT NULL, 
	key TEXT NOT NULL, 
	payload JSON NOT NULL, 
	status TEXT NOT NULL, 
	attempts BIGINT NOT NULL, 
	run_after TIMESTAMP WITH TIME ZONE NOT NULL, 
	lease_until TIMESTAMP WITH TIME ZONE, 
	lease_holder TEXT, 
	last_error TEXT, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	done_at TIMESTAMP WITH TIME ZONE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_outbox_message PRIMARY KEY (id), 
	CONSTRAINT uq_outbox_message_topic_key UNIQUE (topic, key), 
	CONSTRAINT ck_outbox_message_status CHECK (status IN ('ready', 'leased', 'done', 'dead')), 
	CONSTRAINT ck_outbox_message_lease CHECK ((status = 'leased') = (lease_until IS NOT NULL))
)
-- next
CREATE INDEX ix_outbox_message_due ON outbox_message (run_after, id) WHERE status IN ('ready', 'leased')
-- next
CREATE TABLE payment_mismatch (
	out_trade_no TEXT NOT NULL, 
	transaction_id TEXT NOT NULL, 
	field TEXT NOT NULL, 
	expected TEXT NOT NULL, 
	found TEXT NOT NULL, 
	status TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_payment_mismatch PRIMARY KEY (id), 
	CONSTRAINT ck_payment_mismatch_status CHECK (status IN ('open', 'resolved')), 
	CONSTRAINT uq_payment_mismatch_out_trade_no_transaction_id_field UNIQUE (out_trade_no, transaction_id, field)
)
-- next
CREATE TABLE payment_notice (
	id TEXT NOT NULL, 
	mchid TEXT NOT NULL, 
	event_type TEXT NOT NULL, 
	out_trade_no TEXT NOT NULL, 
	body TEXT NOT NULL, 
	state TEXT NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_payment_notice PRIMARY KEY (id), 
	CONSTRAINT ck_payment_notice_state CHECK (state IN ('applied', 'repeated', 'quarantined', 'waiting'))
)
-- next
CREATE INDEX ix_payment_notice_out_trade_no ON payment_notice (out_trade_no)
-- next
CREATE TABLE region (
	code TEXT NOT NULL, 
	level TEXT NOT NULL, 
	name TEXT NOT NULL, 
	parent_code TEXT, 
	CONSTRAINT pk_region PRIMARY KEY (code), 
	CONSTRAINT ck_region_code_length CHECK (length(code) = 12), 
	CONSTRAINT ck_region_level CHECK (level IN ('city', 'county', 'town', 'village')), 
	CONSTRAINT ck_region_parent CHECK ((parent_code IS NULL) = (level = 'city')), 
	CONSTRAINT fk_region_parent_code FOREIGN KEY(parent_code) REFERENCES region (code)
)
-- next
CREATE INDEX ix_region_parent_code ON region (parent_code)
-- next
CREATE TABLE resident (
	row_key TEXT NOT NULL, 
	appid TEXT NOT NULL, 
	openid_index TEXT, 
	openid_sealed TEXT, 
	unionid_sealed TEXT, 
	name_sealed TEXT, 
	phone_sealed TEXT, 
	status TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	erased_at TIMESTAMP WITH TIME ZONE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_resident PRIMARY KEY (id), 
	CONSTRAINT uq_resident_appid_openid_index UNIQUE (appid, openid_index), 
	CONSTRAINT ck_resident_status CHECK (status IN ('active', 'erased')), 
	CONSTRAINT ck_resident_erased_is_empty CHECK (status = 'active' OR (openid_index IS NULL AND openid_sealed IS NULL AND unionid_sealed IS NULL AND name_sealed IS NULL AND phone_sealed IS NULL)), 
	CONSTRAINT uq_resident_row_key UNIQUE (row_key)
)
-- next
CREATE TABLE serial_counter (
	kind TEXT NOT NULL, 
	region TEXT NOT NULL, 
	year BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	CONSTRAINT pk_serial_counter PRIMARY KEY (kind, region, year), 
	CONSTRAINT ck_serial_counter_seven_digits CHECK (last BETWEEN 1 AND 9999999)
)
-- next
CREATE TABLE signing_key (
	kid TEXT NOT NULL, 
	public_pem TEXT NOT NULL, 
	valid_from TIMESTAMP WITH TIME ZONE NOT NULL, 
	retired_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_signing_key PRIMARY KEY (kid)
)
-- next
CREATE TABLE species (
	public_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	latin TEXT, 
	native BOOLEAN, 
	use TEXT, 
	source TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_species PRIMARY KEY (id), 
	CONSTRAINT uq_species_public_id UNIQUE (public_id), 
	CONSTRAINT uq_species_name UNIQUE (name)
)
-- next
CREATE TABLE staff (
	row_key TEXT NOT NULL, 
	username TEXT NOT NULL, 
	display_name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	password_hash TEXT, 
	totp_sealed TEXT, 
	totp_last_step BIGINT NOT NULL, 
	invitation_digest TEXT, 
	invitation_expires_at TIMESTAMP WITH TIME ZONE, 
	failed_count BIGINT NOT NULL, 
	locked_until TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_staff PRIMARY KEY (id), 
	CONSTRAINT ck_staff_status CHECK (status IN ('invited', 'active', 'disabled')), 
	CONSTRAINT ck_staff_active CHECK (status <> 'active' OR (password_hash IS NOT NULL AND totp_sealed IS NOT NULL)), 
	CONSTRAINT uq_staff_row_key UNIQUE (row_key), 
	CONSTRAINT uq_staff_username UNIQUE (username), 
	CONSTRAINT uq_staff_invitation_digest UNIQUE (invitation_digest)
)
-- next
CREATE TABLE approval (
	action TEXT NOT NULL, 
	object_kind TEXT NOT NULL, 
	object_id BIGINT NOT NULL, 
	county_code TEXT NOT NULL, 
	details JSON NOT NULL, 
	status TEXT NOT NULL, 
	requested_by BIGINT NOT NULL, 
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	decided_by BIGINT, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	note TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_approval PRIMARY KEY (id), 
	CONSTRAINT ck_approval_status CHECK (status IN ('open', 'approved', 'rejected')), 
	CONSTRAINT ck_approval_second_person CHECK (decided_by IS NULL OR decided_by <> requested_by), 
	CONSTRAINT ck_approval_decided CHECK ((status = 'open') = (decided_by IS NULL)), 
	CONSTRAINT fk_approval_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT fk_approval_requested_by FOREIGN KEY(requested_by) REFERENCES staff (id), 
	CONSTRAINT fk_approval_decided_by FOREIGN KEY(decided_by) REFERENCES staff (id)
)
-- next
CREATE UNIQUE INDEX uq_approval_open ON approval (action, object_kind, object_id) WHERE status = 'open'
-- next
CREATE TABLE consent (
	resident_id BIGINT NOT NULL, 
	legal_text_id BIGINT NOT NULL, 
	given_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_consent PRIMARY KEY (id), 
	CONSTRAINT uq_consent_resident_id_legal_text_id UNIQUE (resident_id, legal_text_id), 
	CONSTRAINT fk_consent_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT fk_consent_legal_text_id FOREIGN KEY(legal_text_id) REFERENCES legal_text (id)
)
-- next
CREATE TABLE issuer (
	county_code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	seal_key TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_issuer PRIMARY KEY (id), 
	CONSTRAINT uq_issuer_county_code UNIQUE (county_code), 
	CONSTRAINT fk_issuer_county_code FOREIGN KEY(county_code) REFERENCES region (code)
)
-- next
CREATE TABLE payee (
	public_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	mchid TEXT NOT NULL, 
	county_code TEXT NOT NULL, 
	qualification TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_payee PRIMARY KEY (id), 
	CONSTRAINT uq_payee_public_id UNIQUE (public_id), 
	CONSTRAINT fk_payee_county_code FOREIGN KEY(county_code) REFERENCES region (code)
)
-- next
CREATE TABLE points_rule (
	code TEXT NOT NULL, 
	county_code TEXT, 
	version BIGINT NOT NULL, 
	fen_per_green BIGINT, 
	fen_per_honour BIGINT NOT NULL, 
	valid_from DATE NOT NULL, 
	valid_to DATE, 
	sentence TEXT NOT NULL, 
	source TEXT NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_points_rule PRIMARY KEY (id), 
	CONSTRAINT ck_points_rule_version CHECK (version >= 1), 
	CONSTRAINT ck_points_rule_fen_per_green CHECK (fen_per_green >= 1), 
	CONSTRAINT ck_points_rule_fen_per_honour CHECK (fen_per_honour >= 1), 
	CONSTRAINT ck_points_rule_dates_in_order CHECK (valid_to >= valid_from), 
	CONSTRAINT ck_points_rule_code_length CHECK (length(code) BETWEEN 1 AND 8), 
	CONSTRAINT ck_points_rule_sentence_length CHECK (length(sentence) BETWEEN 1 AND 200), 
	CONSTRAINT ck_points_rule_source_length CHECK (length(source) <= 200), 
	CONSTRAINT fk_points_rule_county_code FOREIGN KEY(county_code) REFERENCES region (code)
)
-- next
CREATE UNIQUE INDEX uq_points_rule_version ON points_rule (code, coalesce(county_code, ''), version)
-- next
CREATE TABLE resident_session (
	public_id TEXT NOT NULL, 
	resident_id BIGINT NOT NULL, 
	token_digest TEXT NOT NULL, 
	device TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_resident_session PRIMARY KEY (id), 
	CONSTRAINT uq_resident_session_public_id UNIQUE (public_id), 
	CONSTRAINT fk_resident_session_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT uq_resident_session_token_digest UNIQUE (token_digest)
)
-- next
CREATE INDEX ix_resident_session_resident_id ON resident_session (resident_id, id)
-- next
CREATE INDEX ix_resident_session_expires_at ON resident_session (expires_at)
-- next
CREATE TABLE staff_grant (
	staff_id BIGINT NOT NULL, 
	role TEXT NOT NULL, 
	region_code TEXT NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_staff_grant PRIMARY KEY (id), 
	CONSTRAINT uq_staff_grant_staff_id_role_region_code UNIQUE (staff_id, role, region_code), 
	CONSTRAINT ck_staff_grant_role CHECK (role IN ('county_admin', 'issuer', 'finance', 'auditor', 'system')), 
	CONSTRAINT fk_staff_grant_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id), 
	CONSTRAINT fk_staff_grant_region_code FOREIGN KEY(region_code) REFERENCES region (code)
)
-- next
CREATE TABLE staff_session (
	staff_id BIGINT NOT NULL, 
	token_digest TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	confirmed_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_staff_session PRIMARY KEY (id), 
	CONSTRAINT fk_staff_session_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id), 
	CONSTRAINT uq_staff_session_token_digest UNIQUE (token_digest)
)
-- next
CREATE INDEX ix_staff_session_expires_at ON staff_session (expires_at)
-- next
CREATE INDEX ix_staff_session_staff_id ON staff_session (staff_id)
-- next
CREATE TABLE tree_counter (
	village_code TEXT NOT NULL, 
	year BIGINT NOT NULL, 
	last BIGINT NOT NULL, 
	CONSTRAINT pk_tree_counter PRIMARY KEY (village_code, year), 
	CONSTRAINT ck_tree_counter_five_digits CHECK (last BETWEEN 1 AND 99999), 
	CONSTRAINT fk_tree_counter_village_code FOREIGN KEY(village_code) REFERENCES region (code)
)
-- next
CREATE TABLE campaign (
	public_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	county_code TEXT NOT NULL, 
	payee_id BIGINT, 
	legal_basis TEXT, 
	filing_number TEXT, 
	starts_on DATE NOT NULL, 
	ends_on DATE NOT NULL, 
	status TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_campaign PRIMARY KEY (id), 
	CONSTRAINT ck_campaign_status CHECK (status IN ('draft', 'review', 'online', 'suspended', 'closed')), 
	CONSTRAINT ck_campaign_legal_basis CHECK (legal_basis IS NULL OR legal_basis IN ('greening_committee', 'adoption_agreement', 'charity_own_site', 'unit_internal')), 
	CONSTRAINT ck_campaign_dates CHECK (ends_on >= starts_on), 
	CONSTRAINT ck_campaign_grounds_before_online CHECK (status IN ('draft', 'closed') OR (payee_id IS NOT NULL AND legal_basis IS NOT NULL AND filing_number IS NOT NULL)), 
	CONSTRAINT uq_campaign_public_id UNIQUE (public_id), 
	CONSTRAINT fk_campaign_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT fk_campaign_payee_id FOREIGN KEY(payee_id) REFERENCES payee (id)
)
-- next
CREATE TABLE planting_base (
	public_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	campaign_id BIGINT NOT NULL, 
	species_id BIGINT NOT NULL, 
	county_code TEXT NOT NULL, 
	village_code TEXT NOT NULL, 
	address TEXT NOT NULL, 
	latitude_e6 BIGINT, 
	longitude_e6 BIGINT, 
	price_fen BIGINT NOT NULL, 
	adopt_price_fen BIGINT, 
	term_months BIGINT NOT NULL, 
	capacity BIGINT NOT NULL, 
	held BIGINT NOT NULL, 
	sold BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_planting_base PRIMARY KEY (id), 
	CONSTRAINT ck_planting_base_status CHECK (status IN ('draft', 'review', 'online', 'suspended', 'full', 'planting_due', 'planted', 'accepted', 'care', 'closed')), 
	CONSTRAINT ck_planting_base_capacity_not_negative CHECK (capacity >= 0), 
	CONSTRAINT ck_planting_base_held_not_negative CHECK (held >= 0), 
	CONSTRAINT ck_planting_base_sold_not_negative CHECK (sold >= 0), 
	CONSTRAINT ck_planting_base_within_capacity CHECK (held + sold <= capacity), 
	CONSTRAINT ck_planting_base_price CHECK (price_fen >= 1), 
	CONSTRAINT ck_planting_base_adopt_price CHECK (adopt_price_fen IS NULL OR adopt_price_fen >= 1), 
	CONSTRAINT ck_planting_base_term CHECK (term_months BETWEEN 1 AND 60), 
	CONSTRAINT uq_planting_base_public_id UNIQUE (public_id), 
	CONSTRAINT fk_planting_base_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaign (id), 
	CONSTRAINT fk_planting_base_species_id FOREIGN KEY(species_id) REFERENCES species (id), 
	CONSTRAINT fk_planting_base_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT fk_planting_base_village_code FOREIGN KEY(village_code) REFERENCES region (code)
)
-- next
CREATE INDEX ix_planting_base_village_code ON planting_base (village_code)
-- next
CREATE INDEX ix_planting_base_status ON planting_base (status, id)
-- next
CREATE INDEX ix_planting_base_campaign_id ON planting_base (campaign_id)
-- next
CREATE TABLE pledge (
	number TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	resident_id BIGINT NOT NULL, 
	base_id BIGINT NOT NULL, 
	campaign_id BIGINT NOT NULL, 
	county_code TEXT NOT NULL, 
	tree_count BIGINT, 
	unit_price_fen BIGINT, 
	amount_fen BIGINT NOT NULL, 
	display TEXT NOT NULL, 
	reward TEXT NOT NULL, 
	points_rule_id BIGINT, 
	occasion TEXT, 
	dedication TEXT, 
	dedication_status TEXT, 
	row_key TEXT NOT NULL, 
	holder_name_sealed TEXT, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	hold_expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	paid_at TIMESTAMP WITH TIME ZONE, 
	active_until DATE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_pledge PRIMARY KEY (id), 
	CONSTRAINT ck_pledge_kind CHECK (kind IN ('plant', 'donate', 'adopt')), 
	CONSTRAINT ck_pledge_status CHECK (status IN ('pending', 'funded', 'allocated', 'planted', 'active', 'ended', 'renewed', 'cancelled', 'expired')), 
	CONSTRAINT ck_pledge_display CHECK (display IN ('anonymous', 'name', 'name_and_amount')), 
	CONSTRAINT ck_pledge_reward CHECK (reward IN ('points', 'receipt')), 
	CONSTRAINT ck_pledge_dedication_status CHECK (dedication_status IS NULL OR dedication_status IN ('pending', 'approved', 'rejected')), 
	CONSTRAINT ck_pledge_trees_unless_donation CHECK ((kind = 'donate') = (tree_count IS NULL)), 
	CONSTRAINT ck_pledge_tree_count CHECK (tree_count IS NULL OR tree_count BETWEEN 1 AND 100), 
	CONSTRAINT ck_pledge_dedication_is_reviewed CHECK ((dedication IS NULL) = (dedication_status IS NULL)), 
	CONSTRAINT ck_pledge_amount CHECK (amount_fen BETWEEN 1 AND 10000000000), 
	CONSTRAINT ck_pledge_price_times_trees CHECK (unit_price_fen IS NULL OR amount_fen = unit_price_fen * tree_count), 
	CONSTRAINT ck_pledge_price_unless_donation CHECK ((kind = 'donate') = (unit_price_fen IS NULL)), 
	CONSTRAINT ck_pledge_paid_at_when_paid CHECK ((status IN ('pending', 'cancelled', 'expired')) = (paid_at IS NULL)), 
	CONSTRAINT uq_pledge_number UNIQUE (number), 
	CONSTRAINT fk_pledge_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT fk_pledge_base_id FOREIGN KEY(base_id) REFERENCES planting_base (id), 
	CONSTRAINT fk_pledge_campaign_id FOREIGN KEY(campaign_id) REFERENCES campaign (id), 
	CONSTRAINT fk_pledge_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT fk_pledge_points_rule_id FOREIGN KEY(points_rule_id) REFERENCES points_rule (id), 
	CONSTRAINT uq_pledge_row_key UNIQUE (row_key)
)
-- next
CREATE INDEX ix_pledge_funded ON pledge (id) WHERE status = 'funded' AND kind <> 'donate'
-- next
CREATE INDEX ix_pledge_resident_id ON pledge (resident_id, id)
-- next
CREATE INDEX ix_pledge_pending ON pledge (hold_expires_at) WHERE status = 'pending'
-- next
CREATE INDEX ix_pledge_base_id ON pledge (base_id, id)
-- next
CREATE TABLE tree (
	number TEXT NOT NULL, 
	token TEXT NOT NULL, 
	base_id BIGINT NOT NULL, 
	species_id BIGINT NOT NULL, 
	life TEXT NOT NULL, 
	adoption TEXT NOT NULL, 
	planted_on DATE, 
	latitude_e6 BIGINT, 
	longitude_e6 BIGINT, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_tree PRIMARY KEY (id), 
	CONSTRAINT ck_tree_life CHECK (life IN ('planned', 'pit_dug', 'planted', 'accepted', 'alive', 'weak', 'sick', 'dead', 'missing', 'removed')), 
	CONSTRAINT ck_tree_adoption CHECK (adoption IN ('closed', 'open', 'held', 'adopted', 'ended')), 
	CONSTRAINT ck_tree_number_length CHECK (length(number) = 20), 
	CONSTRAINT ck_tree_token_length CHECK (length(token) = 14), 
	CONSTRAINT ck_tree_planned_has_no_date CHECK (life <> 'planned' OR planted_on IS NULL), 
	CONSTRAINT uq_tree_number UNIQUE (number), 
	CONSTRAINT uq_tree_token UNIQUE (token), 
	CONSTRAINT fk_tree_base_id FOREIGN KEY(base_id) REFERENCES planting_base (id), 
	CONSTRAINT fk_tree_species_id FOREIGN KEY(species_id) REFERENCES species (id)
)
-- next
CREATE INDEX ix_tree_open ON tree (base_id, id) WHERE adoption = 'open'
-- next
CREATE INDEX ix_tree_base_id ON tree (base_id, id)
-- next
CREATE TABLE certificate (
	public_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	pledge_id BIGINT NOT NULL, 
	resident_id BIGINT NOT NULL, 
	county_code TEXT NOT NULL, 
	serial TEXT, 
	token TEXT, 
	row_key TEXT NOT NULL, 
	holder_name_sealed TEXT, 
	name_salt_sealed TEXT, 
	missing_glyphs TEXT, 
	content JSON, 
	content_hash TEXT, 
	jws TEXT, 
	issued_on DATE, 
	supersedes_id BIGINT, 
	reason TEXT, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_certificate PRIMARY KEY (id), 
	CONSTRAINT ck_certificate_kind CHECK (kind IN ('RZ', 'JK')), 
	CONSTRAINT ck_certificate_status CHECK (status IN ('applied', 'issued', 'revoked', 'superseded')), 
	CONSTRAINT ck_certificate_serial_when_issued CHECK ((status = 'applied') = (serial IS NULL)), 
	CONSTRAINT ck_certificate_issued_is_complete CHECK ((serial IS NULL) = (content IS NULL) AND (serial IS NULL) = (content_hash IS NULL) AND (serial IS NULL) = (jws IS NULL) AND (serial IS NULL) = (issued_on IS NULL) AND (serial IS NULL) = (token IS NULL)), 
	CONSTRAINT ck_certificate_revoked_has_reason CHECK ((status = 'revoked') = (reason IS NOT NULL)), 
	CONSTRAINT uq_certificate_public_id UNIQUE (public_id), 
	CONSTRAINT fk_certificate_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT fk_certificate_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT fk_certificate_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT uq_certificate_serial UNIQUE (serial), 
	CONSTRAINT uq_certificate_token UNIQUE (token), 
	CONSTRAINT uq_certificate_row_key UNIQUE (row_key), 
	CONSTRAINT uq_certificate_supersedes_id UNIQUE (supersedes_id), 
	CONSTRAINT fk_certificate_supersedes_id FOREIGN KEY(supersedes_id) REFERENCES certificate (id)
)
-- next
CREATE UNIQUE INDEX uq_certificate_live ON certificate (pledge_id, kind) WHERE status IN ('applied', 'issued')
-- next
CREATE INDEX ix_certificate_resident_id ON certificate (resident_id, id)
-- next
CREATE INDEX ix_certificate_county_code ON certificate (county_code, id)
-- next
CREATE TABLE ledger_transfer (
	idem TEXT NOT NULL, 
	req BYTEA NOT NULL, 
	doc TEXT NOT NULL, 
	code TEXT NOT NULL, 
	debit_id BIGINT NOT NULL, 
	credit_id BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	reverses_id BIGINT, 
	rule_id BIGINT, 
	pledge_id BIGINT, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	memo TEXT NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_ledger_transfer PRIMARY KEY (id), 
	CONSTRAINT ck_ledger_transfer_amount CHECK (amount BETWEEN 1 AND 9007199254740992), 
	CONSTRAINT ck_ledger_transfer_two_accounts CHECK (debit_id <> credit_id), 
	CONSTRAINT ck_ledger_transfer_idem_length CHECK (length(idem) BETWEEN 1 AND 160), 
	CONSTRAINT ck_ledger_transfer_req_length CHECK (length(req) = 32), 
	CONSTRAINT ck_ledger_transfer_doc_length CHECK (length(doc) BETWEEN 1 AND 160), 
	CONSTRAINT ck_ledger_transfer_memo_length CHECK (length(memo) <= 300), 
	CONSTRAINT uq_ledger_transfer_idem UNIQUE (idem), 
	CONSTRAINT fk_ledger_transfer_debit_id FOREIGN KEY(debit_id) REFERENCES ledger_account (id), 
	CONSTRAINT fk_ledger_transfer_credit_id FOREIGN KEY(credit_id) REFERENCES ledger_account (id), 
	CONSTRAINT fk_ledger_transfer_reverses_id FOREIGN KEY(reverses_id) REFERENCES ledger_transfer (id), 
	CONSTRAINT fk_ledger_transfer_rule_id FOREIGN KEY(rule_id) REFERENCES points_rule (id), 
	CONSTRAINT fk_ledger_transfer_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id)
)
-- next
CREATE INDEX ix_ledger_transfer_debit_id_id ON ledger_transfer (debit_id, id)
-- next
CREATE INDEX ix_ledger_transfer_pledge_id ON ledger_transfer (pledge_id) WHERE pledge_id IS NOT NULL
-- next
CREATE INDEX ix_ledger_transfer_reverses_id ON ledger_transfer (reverses_id) WHERE reverses_id IS NOT NULL
-- next
CREATE INDEX ix_ledger_transfer_credit_id_id ON ledger_transfer (credit_id, id)
-- next
CREATE TABLE payment_attempt (
	pledge_id BIGINT NOT NULL, 
	ordinal BIGINT NOT NULL, 
	out_trade_no TEXT NOT NULL, 
	mchid TEXT NOT NULL, 
	appid TEXT NOT NULL, 
	amount_fen BIGINT NOT NULL, 
	payer_index TEXT NOT NULL, 
	status TEXT NOT NULL, 
	prepay_id TEXT, 
	prepay_at TIMESTAMP WITH TIME ZONE, 
	expires_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	query_count BIGINT NOT NULL, 
	next_query_at TIMESTAMP WITH TIME ZONE, 
	transaction_id TEXT, 
	payer_total_fen BIGINT, 
	paid_at TIMESTAMP WITH TIME ZONE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_payment_attempt PRIMARY KEY (id), 
	CONSTRAINT uq_payment_attempt_pledge_id_ordinal UNIQUE (pledge_id, ordinal), 
	CONSTRAINT ck_payment_attempt_status CHECK (status IN ('created', 'prepay', 'success', 'closed', 'failed')), 
	CONSTRAINT ck_payment_attempt_two_digits CHECK (ordinal BETWEEN 1 AND 99), 
	CONSTRAINT ck_payment_attempt_amount CHECK (amount_fen >= 1), 
	CONSTRAINT ck_payment_attempt_success_is_complete CHECK ((status = 'success') = (transaction_id IS NOT NULL) AND (transaction_id IS NULL) = (paid_at IS NULL)), 
	CONSTRAINT fk_payment_attempt_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT uq_payment_attempt_out_trade_no UNIQUE (out_trade_no), 
	CONSTRAINT uq_payment_attempt_transaction_id UNIQUE (transaction_id)
)
-- next
CREATE INDEX ix_payment_attempt_due ON payment_attempt (next_query_at) WHERE next_query_at IS NOT NULL
-- next
CREATE TABLE pledge_move (
	pledge_id BIGINT NOT NULL, 
	from_status TEXT, 
	to_status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_pledge_move PRIMARY KEY (id), 
	CONSTRAINT fk_pledge_move_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id)
)
-- next
CREATE INDEX ix_pledge_move_pledge_id ON pledge_move (pledge_id, id)
-- next
CREATE TABLE pledge_tree (
	pledge_id BIGINT NOT NULL, 
	tree_id BIGINT NOT NULL, 
	ended_at TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_pledge_tree PRIMARY KEY (pledge_id, tree_id), 
	CONSTRAINT fk_pledge_tree_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT fk_pledge_tree_tree_id FOREIGN KEY(tree_id) REFERENCES tree (id)
)
-- next
CREATE UNIQUE INDEX uq_pledge_tree_open ON pledge_tree (tree_id) WHERE ended_at IS NULL
-- next
CREATE TABLE certificate_file (
	certificate_id BIGINT NOT NULL, 
	form TEXT NOT NULL, 
	storage_key TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	drawn_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_certificate_file PRIMARY KEY (id), 
	CONSTRAINT uq_certificate_file_certificate_id_form UNIQUE (certificate_id, form), 
	CONSTRAINT fk_certificate_file_certificate_id FOREIGN KEY(certificate_id) REFERENCES certificate (id), 
	CONSTRAINT uq_certificate_file_storage_key UNIQUE (storage_key)
)
-- next
CREATE TABLE certificate_move (
	certificate_id BIGINT NOT NULL, 
	to_status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_certificate_move PRIMARY KEY (id), 
	CONSTRAINT fk_certificate_move_certificate_id FOREIGN KEY(certificate_id) REFERENCES certificate (id)
)
-- next
CREATE INDEX ix_certificate_move_certificate_id ON certificate_move (certificate_id, id)
-- next
CREATE TABLE lot (
	account_id BIGINT NOT NULL, 
	transfer_id BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	expires_on DATE, 
	amount BIGINT NOT NULL, 
	remaining BIGINT NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_lot PRIMARY KEY (id), 
	CONSTRAINT ck_lot_amount CHECK (amount BETWEEN 1 AND 9007199254740992), 
	CONSTRAINT ck_lot_remaining CHECK (remaining BETWEEN 0 AND amount), 
	CONSTRAINT ck_lot_source_length CHECK (length(source) BETWEEN 1 AND 40), 
	CONSTRAINT ck_lot_purpose_length CHECK (length(purpose) BETWEEN 1 AND 40), 
	CONSTRAINT fk_lot_account_id FOREIGN KEY(account_id) REFERENCES ledger_account (id), 
	CONSTRAINT uq_lot_transfer_id UNIQUE (transfer_id), 
	CONSTRAINT fk_lot_transfer_id FOREIGN KEY(transfer_id) REFERENCES ledger_transfer (id)
)
-- next
CREATE INDEX ix_lot_open ON lot (account_id, purpose, coalesce(expires_on, '9999-12-31'), id) WHERE remaining > 0
-- next
CREATE TABLE refund_due (
	attempt_id BIGINT NOT NULL, 
	pledge_id BIGINT NOT NULL, 
	transaction_id TEXT NOT NULL, 
	amount_fen BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_refund_due PRIMARY KEY (id), 
	CONSTRAINT ck_refund_due_reason CHECK (reason IN ('no_stock', 'second_payment')), 
	CONSTRAINT ck_refund_due_amount CHECK (amount_fen >= 1), 
	CONSTRAINT uq_refund_due_attempt_id UNIQUE (attempt_id), 
	CONSTRAINT fk_refund_due_attempt_id FOREIGN KEY(attempt_id) REFERENCES payment_attempt (id), 
	CONSTRAINT fk_refund_due_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT uq_refund_due_transaction_id UNIQUE (transaction_id)
)
-- next
CREATE INDEX ix_refund_due_pledge_id ON refund_due (pledge_id)
-- next
CREATE TABLE lot_use (
	transfer_id BIGINT NOT NULL, 
	lot_id BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	CONSTRAINT pk_lot_use PRIMARY KEY (transfer_id, lot_id), 
	CONSTRAINT ck_lot_use_amount CHECK (amount <> 0), 
	CONSTRAINT fk_lot_use_transfer_id FOREIGN KEY(transfer_id) REFERENCES ledger_transfer (id), 
	CONSTRAINT fk_lot_use_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id)
)
-- next
CREATE INDEX ix_lot_use_lot_id ON lot_use (lot_id)
-- next
CREATE OR REPLACE FUNCTION guard_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0], MESSAGE = TG_ARGV[0], TABLE = TG_TABLE_NAME;
END$body$
-- next
CREATE OR REPLACE FUNCTION ledger_transfer_post() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  t ledger_transfer;
  original ledger_transfer;
  touched bigint[];
BEGIN
  SELECT array_agg(account_id) INTO touched
    FROM (SELECT debit_id AS account_id FROM added UNION SELECT credit_id FROM added) ids;
  PERFORM 1 FROM ledger_account WHERE id = ANY (touched) AND NOT hot ORDER BY id FOR NO KEY UPDATE;
  FOR t IN SELECT * FROM added ORDER BY id LOOP
    IF (SELECT unit FROM ledger_account WHERE id = t.debit_id)
       IS DISTINCT FROM (SELECT unit FROM ledger_account WHERE id = t.credit_id) THEN
      RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'ledger_transfer_one_unit', MESSAGE = 'ledger_transfer_one_unit';
    END IF;
    IF t.reverses_id IS NOT NULL THEN
      SELECT * INTO original FROM ledger_transfer WHERE id = t.reverses_id FOR NO KEY UPDATE;
      IF original.debit_id <> t.credit_id OR original.credit_id <> t.debit_id OR original.reverses_id IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'ledger_transfer_mirrors', MESSAGE = 'ledger_transfer_mirrors';
      END IF;
      IF (SELECT sum(amount) FROM ledger_transfer WHERE reverses_id = original.id) > original.amount THEN
        RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'ledger_transfer_reversed_once', MESSAGE = 'ledger_transfer_reversed_once';
      END IF;
    END IF;
    UPDATE ledger_account SET balance = balance - t.amount, last_id = greatest(last_id, t.id)
      WHERE id = t.debit_id AND NOT hot;
    UPDATE ledger_account SET balance = balance + t.amount, last_id = greatest(last_id, t.id)
      WHERE id = t.credit_id AND NOT hot;
  END LOOP;
  RETURN NULL;
END$body$
-- next
CREATE OR REPLACE FUNCTION lot_insert() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.remaining IS DISTINCT FROM NEW.amount OR NOT EXISTS (SELECT 1 FROM ledger_transfer t
      WHERE t.id = NEW.transfer_id AND t.credit_id = NEW.account_id AND t.amount = NEW.amount
        AND t.reverses_id IS NULL) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lot_is_a_credit', MESSAGE = 'lot_is_a_credit';
  END IF;
  RETURN NEW;
END$body$
-- next
CREATE OR REPLACE FUNCTION lot_derived() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NEW.remaining <> NEW.amount - (SELECT coalesce(sum(amount), 0) FROM lot_use WHERE lot_id = NEW.id) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lot_derived', MESSAGE = 'lot_derived';
  END IF;
  RETURN NEW;
END$body$
-- next
CREATE OR REPLACE FUNCTION lot_use_post() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM 1 FROM lot WHERE id = NEW.lot_id FOR NO KEY UPDATE;
  IF NEW.amount > 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id
      WHERE t.id = NEW.transfer_id AND l.account_id = t.debit_id
        AND coalesce(t.reverses_id, l.transfer_id) = l.transfer_id) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lot_use_of_payer', MESSAGE = 'lot_use_of_payer';
  END IF;
  IF NEW.amount < 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id
      WHERE t.id = NEW.transfer_id AND l.account_id = t.credit_id AND (SELECT sum(u.amount) FROM lot_use u
        JOIN ledger_transfer s ON s.id = u.transfer_id WHERE u.lot_id = NEW.lot_id
        AND (s.id = t.reverses_id OR s.reverses_id = t.reverses_id)) >= 0) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lot_use_returns', MESSAGE = 'lot_use_returns';
  END IF;
  IF (SELECT sum(abs(amount)) FROM lot_use WHERE transfer_id = NEW.transfer_id AND (amount > 0) = (NEW.amount > 0))
      > (SELECT amount FROM ledger_transfer WHERE id = NEW.transfer_id) THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'lot_use_within_transfer', MESSAGE = 'lot_use_within_transfer';
  END IF;
  UPDATE lot SET remaining = remaining - NEW.amount WHERE id = NEW.lot_id;
  RETURN NULL;
END$body$
-- next
CREATE OR REPLACE FUNCTION points_rule_overlap() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM pg_advisory_xact_lock('points_rule'::regclass::bigint);
  IF EXISTS (SELECT 1 FROM points_rule r WHERE r.id <> NEW.id AND r.code = NEW.code
      AND r.county_code IS NOT DISTINCT FROM NEW.county_code
      AND r.valid_from <= coalesce(NEW.valid_to, 'infinity') AND NEW.valid_from <= coalesce(r.valid_to, 'infinity'))
  THEN
    RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = 'points_rule_no_overlap', MESSAGE = 'points_rule_no_overlap';
  END IF;
  RETURN NULL;
END$body$
-- next
CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION guard_refuse('ledger_transfer_append_only')
-- next
CREATE TRIGGER ledger_transfer_no_truncate BEFORE TRUNCATE ON ledger_transfer FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('ledger_transfer_append_only')
-- next
CREATE TRIGGER lot_use_append_only BEFORE UPDATE OR DELETE ON lot_use FOR EACH ROW EXECUTE FUNCTION guard_refuse('lot_use_append_only')
-- next
CREATE TRIGGER lot_use_no_truncate BEFORE TRUNCATE ON lot_use FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('lot_use_append_only')
-- next
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION guard_refuse('audit_entry_append_only')
-- next
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('audit_entry_append_only')
-- next
CREATE TRIGGER pledge_move_append_only BEFORE UPDATE OR DELETE ON pledge_move FOR EACH ROW EXECUTE FUNCTION guard_refuse('pledge_move_append_only')
-- next
CREATE TRIGGER pledge_move_no_truncate BEFORE TRUNCATE ON pledge_move FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('pledge_move_append_only')
-- next
CREATE TRIGGER certificate_move_append_only BEFORE UPDATE OR DELETE ON certificate_move FOR EACH ROW EXECUTE FUNCTION guard_refuse('certificate_move_append_only')
-- next
CREATE TRIGGER certificate_move_no_truncate BEFORE TRUNCATE ON certificate_move FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('certificate_move_append_only')
-- next
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION guard_refuse('ledger_account_kept')
-- next
CREATE TRIGGER ledger_account_no_truncate BEFORE TRUNCATE ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('ledger_account_kept')
-- next
CREATE TRIGGER lot_no_delete BEFORE DELETE ON lot FOR EACH ROW EXECUTE FUNCTION guard_refuse('lot_kept')
-- next
CREATE TRIGGER lot_no_truncate BEFORE TRUNCATE ON lot FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('lot_kept')
-- next
CREATE TRIGGER points_rule_no_delete BEFORE DELETE ON points_rule FOR EACH ROW EXECUTE FUNCTION guard_refuse('points_rule_kept')
-- next
CREATE TRIGGER points_rule_no_truncate BEFORE TRUNCATE ON points_rule FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('points_rule_kept')
-- next
CREATE TRIGGER ledger_account_insert BEFORE INSERT ON ledger_account FOR EACH ROW WHEN (NEW.balance <> 0 OR NEW.held <> 0 OR NEW.last_id <> 0) EXECUTE FUNCTION guard_refuse('ledger_account_starts_at_zero')
-- next
CREATE TRIGGER ledger_account_fixed BEFORE UPDATE ON ledger_account FOR EACH ROW WHEN ((NEW.id::text IS DISTINCT FROM OLD.id::text OR NEW.unit::text IS DISTINCT FROM OLD.unit::text OR NEW.owner::text IS DISTINCT FROM OLD.owner::text OR NEW.kind::text IS DISTINCT FROM OLD.kind::text OR NEW.floor::text IS DISTINCT FROM OLD.floor::text OR NEW.hot::text IS DISTINCT FROM OLD.hot::text)) EXECUTE FUNCTION guard_refuse('ledger_account_fixed')
-- next
CREATE TRIGGER ledger_account_derived BEFORE UPDATE ON ledger_account FOR EACH ROW WHEN (pg_trigger_depth() < 1 AND (NEW.balance <> OLD.balance OR NEW.last_id <> OLD.last_id) OR NEW.held <> OLD.held OR OLD.hot AND NEW.last_id <> OLD.last_id) EXECUTE FUNCTION guard_refuse('ledger_account_derived')
-- next
CREATE TRIGGER ledger_transfer_post AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_post()
-- next
CREATE TRIGGER lot_insert BEFORE INSERT ON lot FOR EACH ROW EXECUTE FUNCTION lot_insert()
-- next
CREATE TRIGGER lot_fixed BEFORE UPDATE ON lot FOR EACH ROW WHEN ((NEW.id::text IS DISTINCT FROM OLD.id::text OR NEW.account_id::text IS DISTINCT FROM OLD.account_id::text OR NEW.transfer_id::text IS DISTINCT FROM OLD.transfer_id::text OR NEW.source::text IS DISTINCT FROM OLD.source::text OR NEW.purpose::text IS DISTINCT FROM OLD.purpose::text OR NEW.expires_on::text IS DISTINCT FROM OLD.expires_on::text OR NEW.amount::text IS DISTINCT FROM OLD.amount::text)) EXECUTE FUNCTION guard_refuse('lot_fixed')
-- next
CREATE TRIGGER lot_derived BEFORE UPDATE ON lot FOR EACH ROW EXECUTE FUNCTION lot_derived()
-- next
CREATE TRIGGER lot_use_post AFTER INSERT ON lot_use FOR EACH ROW EXECUTE FUNCTION lot_use_post()
-- next
CREATE TRIGGER points_rule_no_overlap AFTER INSERT OR UPDATE ON points_rule FOR EACH ROW EXECUTE FUNCTION points_rule_overlap()
-- next
CREATE TRIGGER points_rule_fixed BEFORE UPDATE ON points_rule FOR EACH ROW WHEN ((NEW.id::text IS DISTINCT FROM OLD.id::text OR NEW.code::text IS DISTINCT FROM OLD.code::text OR NEW.county_code::text IS DISTINCT FROM OLD.county_code::text OR NEW.version::text IS DISTINCT FROM OLD.version::text OR NEW.fen_per_green::text IS DISTINCT FROM OLD.fen_per_green::text OR NEW.fen_per_honour::text IS DISTINCT FROM OLD.fen_per_honour::text OR NEW.valid_from::text IS DISTINCT FROM OLD.valid_from::text OR NEW.sentence::text IS DISTINCT FROM OLD.sentence::text OR NEW.source::text IS DISTINCT FROM OLD.source::text)) EXECUTE FUNCTION guard_refuse('points_rule_fixed')
-- next
CREATE TRIGGER certificate_frozen BEFORE UPDATE ON certificate FOR EACH ROW WHEN (OLD.status <> 'applied' AND (NEW.status = 'applied' OR (NEW.id::text IS DISTINCT FROM OLD.id::text OR NEW.serial::text IS DISTINCT FROM OLD.serial::text OR NEW.kind::text IS DISTINCT FROM OLD.kind::text OR NEW.pledge_id::text IS DISTINCT FROM OLD.pledge_id::text OR NEW.resident_id::text IS DISTINCT FROM OLD.resident_id::text OR NEW.county_code::text IS DISTINCT FROM OLD.county_code::text OR NEW.token::text IS DISTINCT FROM OLD.token::text OR NEW.content::text IS DISTINCT FROM OLD.content::text OR NEW.content_hash::text IS DISTINCT FROM OLD.content_hash::text OR NEW.jws::text IS DISTINCT FROM OLD.jws::text OR NEW.issued_on::text IS DISTINCT FROM OLD.issued_on::text OR NEW.supersedes_id::text IS DISTINCT FROM OLD.supersedes_id::text OR NEW.created_at::text IS DISTINCT FROM OLD.created_at::text))) EXECUTE FUNCTION guard_refuse('certificate_frozen')
-- next
CREATE TRIGGER certificate_kept BEFORE DELETE ON certificate FOR EACH ROW WHEN (OLD.status <> 'applied') EXECUTE FUNCTION guard_refuse('certificate_frozen')
-- next
CREATE TRIGGER certificate_no_truncate BEFORE TRUNCATE ON certificate FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('certificate_frozen')
-- next
CREATE TRIGGER approval_decided BEFORE UPDATE ON approval FOR EACH ROW WHEN (OLD.status <> 'open') EXECUTE FUNCTION guard_refuse('approval_decided')
-- next
CREATE TRIGGER approval_kept BEFORE DELETE ON approval FOR EACH ROW WHEN (OLD.status <> 'open') EXECUTE FUNCTION guard_refuse('approval_decided')
-- next
CREATE TRIGGER approval_no_truncate BEFORE TRUNCATE ON approval FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('approval_decided')
