CREATE TABLE audit_entry (
	at DATETIME NOT NULL, 
	actor_kind TEXT NOT NULL, 
	actor_id BIGINT, 
	action TEXT NOT NULL, 
	object_kind TEXT NOT NULL, 
	object_key TEXT NOT NULL, 
	details JSON NOT NULL, 
	request_id TEXT, 
	id INTEGER NOT NULL, 
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
	"key" TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	answer_status BIGINT, 
	answer_sealed TEXT, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_idempotency_key PRIMARY KEY (scope, "key")
)
-- next
CREATE INDEX ix_idempotency_key_expires_at ON idempotency_key (expires_at)
-- next
CREATE TABLE job_lease (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	until DATETIME NOT NULL, 
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
	id INTEGER NOT NULL, 
	CONSTRAINT pk_ledger_account PRIMARY KEY (id), 
	CONSTRAINT uq_ledger_account_owner_unit UNIQUE (owner, unit), 
	CONSTRAINT ck_ledger_account_unit CHECK (unit IN (1, 2, 3)), 
	CONSTRAINT ck_ledger_account_owner_length CHECK (length(owner) BETWEEN 1 AND 120), 
	CONSTRAINT ck_ledger_account_no_overdraft CHECK (floor IS NULL OR balance - held >= floor), 
	CONSTRAINT ck_ledger_account_held CHECK (held >= 0), 
	CONSTRAINT ck_ledger_account_hot_is_summed CHECK (NOT hot OR (floor IS NULL AND balance = 0 AND held = 0)), 
	CONSTRAINT ck_ledger_account_hot CHECK (hot IN (0, 1)), 
	CONSTRAINT ck_ledger_account_whole_numbers CHECK (typeof(unit) IN ('integer', 'null') AND typeof(floor) IN ('integer', 'null') AND typeof(balance) IN ('integer', 'null') AND typeof(held) IN ('integer', 'null') AND typeof(last_id) IN ('integer', 'null'))
)
-- next
CREATE TABLE legal_text (
	text TEXT NOT NULL, 
	version TEXT NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	in_force_from DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_legal_text PRIMARY KEY (id), 
	CONSTRAINT uq_legal_text_text_version UNIQUE (text, version)
)
-- next
CREATE TABLE outbox_message (
	topic TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	payload JSON NOT NULL, 
	status TEXT NOT NULL, 
	attempts BIGINT NOT NULL, 
	run_after DATETIME NOT NULL, 
	lease_until DATETIME, 
	lease_holder TEXT, 
	last_error TEXT, 
	created_at DATETIME NOT NULL, 
	done_at DATETIME, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_outbox_message PRIMARY KEY (id), 
	CONSTRAINT uq_outbox_message_topic_key UNIQUE (topic, "key"), 
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
	at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	received_at DATETIME NOT NULL, 
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
	created_at DATETIME NOT NULL, 
	erased_at DATETIME, 
	id INTEGER NOT NULL, 
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
	valid_from DATETIME NOT NULL, 
	retired_at DATETIME, 
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
	id INTEGER NOT NULL, 
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
	invitation_expires_at DATETIME, 
	failed_count BIGINT NOT NULL, 
	locked_until DATETIME, 
	created_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	requested_by INTEGER NOT NULL, 
	requested_at DATETIME NOT NULL, 
	decided_by INTEGER, 
	decided_at DATETIME, 
	note TEXT, 
	id INTEGER NOT NULL, 
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
	resident_id INTEGER NOT NULL, 
	legal_text_id INTEGER NOT NULL, 
	given_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	id INTEGER NOT NULL, 
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
	id INTEGER NOT NULL, 
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
	id INTEGER NOT NULL, 
	CONSTRAINT pk_points_rule PRIMARY KEY (id), 
	CONSTRAINT ck_points_rule_version CHECK (version >= 1), 
	CONSTRAINT ck_points_rule_fen_per_green CHECK (fen_per_green >= 1), 
	CONSTRAINT ck_points_rule_fen_per_honour CHECK (fen_per_honour >= 1), 
	CONSTRAINT ck_points_rule_dates_in_order CHECK (valid_to >= valid_from), 
	CONSTRAINT ck_points_rule_code_length CHECK (length(code) BETWEEN 1 AND 8), 
	CONSTRAINT ck_points_rule_sentence_length CHECK (length(sentence) BETWEEN 1 AND 200), 
	CONSTRAINT ck_points_rule_source_length CHECK (length(source) <= 200), 
	CONSTRAINT ck_points_rule_whole_numbers CHECK (typeof(version) = 'integer' AND typeof(fen_per_green) IN ('integer', 'null') AND typeof(fen_per_honour) = 'integer'), 
	CONSTRAINT fk_points_rule_county_code FOREIGN KEY(county_code) REFERENCES region (code)
)
-- next
CREATE UNIQUE INDEX uq_points_rule_version ON points_rule (code, coalesce(county_code, ''), version)
-- next
CREATE TABLE resident_session (
	public_id TEXT NOT NULL, 
	resident_id INTEGER NOT NULL, 
	token_digest TEXT NOT NULL, 
	device TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id INTEGER NOT NULL, 
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
	staff_id INTEGER NOT NULL, 
	role TEXT NOT NULL, 
	region_code TEXT NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_staff_grant PRIMARY KEY (id), 
	CONSTRAINT uq_staff_grant_staff_id_role_region_code UNIQUE (staff_id, role, region_code), 
	CONSTRAINT ck_staff_grant_role CHECK (role IN ('county_admin', 'issuer', 'finance', 'auditor', 'system')), 
	CONSTRAINT fk_staff_grant_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id), 
	CONSTRAINT fk_staff_grant_region_code FOREIGN KEY(region_code) REFERENCES region (code)
)
-- next
CREATE TABLE staff_session (
	staff_id INTEGER NOT NULL, 
	token_digest TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	confirmed_at DATETIME, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	id INTEGER NOT NULL, 
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
	payee_id INTEGER, 
	legal_basis TEXT, 
	filing_number TEXT, 
	starts_on DATE NOT NULL, 
	ends_on DATE NOT NULL, 
	status TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	campaign_id INTEGER NOT NULL, 
	species_id INTEGER NOT NULL, 
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
	created_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	resident_id INTEGER NOT NULL, 
	base_id INTEGER NOT NULL, 
	campaign_id INTEGER NOT NULL, 
	county_code TEXT NOT NULL, 
	tree_count BIGINT, 
	unit_price_fen BIGINT, 
	amount_fen BIGINT NOT NULL, 
	display TEXT NOT NULL, 
	reward TEXT NOT NULL, 
	points_rule_id INTEGER, 
	occasion TEXT, 
	dedication TEXT, 
	dedication_status TEXT, 
	row_key TEXT NOT NULL, 
	holder_name_sealed TEXT, 
	created_at DATETIME NOT NULL, 
	hold_expires_at DATETIME NOT NULL, 
	paid_at DATETIME, 
	active_until DATE, 
	id INTEGER NOT NULL, 
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
	base_id INTEGER NOT NULL, 
	species_id INTEGER NOT NULL, 
	life TEXT NOT NULL, 
	adoption TEXT NOT NULL, 
	planted_on DATE, 
	latitude_e6 BIGINT, 
	longitude_e6 BIGINT, 
	created_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	pledge_id INTEGER NOT NULL, 
	resident_id INTEGER NOT NULL, 
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
	supersedes_id INTEGER, 
	reason TEXT, 
	created_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	req BLOB NOT NULL, 
	doc TEXT NOT NULL, 
	code TEXT NOT NULL, 
	debit_id INTEGER NOT NULL, 
	credit_id INTEGER NOT NULL, 
	amount BIGINT NOT NULL, 
	reverses_id INTEGER, 
	rule_id INTEGER, 
	pledge_id INTEGER, 
	at DATETIME NOT NULL, 
	memo TEXT NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_ledger_transfer PRIMARY KEY (id), 
	CONSTRAINT ck_ledger_transfer_amount CHECK (amount BETWEEN 1 AND 9007199254740992), 
	CONSTRAINT ck_ledger_transfer_two_accounts CHECK (debit_id <> credit_id), 
	CONSTRAINT ck_ledger_transfer_idem_length CHECK (length(idem) BETWEEN 1 AND 160), 
	CONSTRAINT ck_ledger_transfer_req_length CHECK (length(req) = 32), 
	CONSTRAINT ck_ledger_transfer_doc_length CHECK (length(doc) BETWEEN 1 AND 160), 
	CONSTRAINT ck_ledger_transfer_memo_length CHECK (length(memo) <= 300), 
	CONSTRAINT ck_ledger_transfer_whole_numbers CHECK (typeof(amount) IN ('integer', 'null') AND typeof(debit_id) IN ('integer', 'null') AND typeof(credit_id) IN ('integer', 'null') AND typeof(reverses_id) IN ('integer', 'null') AND typeof(rule_id) IN ('integer', 'null') AND typeof(pledge_id) IN ('integer', 'null')), 
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
	pledge_id INTEGER NOT NULL, 
	ordinal BIGINT NOT NULL, 
	out_trade_no TEXT NOT NULL, 
	mchid TEXT NOT NULL, 
	appid TEXT NOT NULL, 
	amount_fen BIGINT NOT NULL, 
	payer_index TEXT NOT NULL, 
	status TEXT NOT NULL, 
	prepay_id TEXT, 
	prepay_at DATETIME, 
	expires_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	query_count BIGINT NOT NULL, 
	next_query_at DATETIME, 
	transaction_id TEXT, 
	payer_total_fen BIGINT, 
	paid_at DATETIME, 
	id INTEGER NOT NULL, 
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
	pledge_id INTEGER NOT NULL, 
	from_status TEXT, 
	to_status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_pledge_move PRIMARY KEY (id), 
	CONSTRAINT fk_pledge_move_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id)
)
-- next
CREATE INDEX ix_pledge_move_pledge_id ON pledge_move (pledge_id, id)
-- next
CREATE TABLE pledge_tree (
	pledge_id INTEGER NOT NULL, 
	tree_id INTEGER NOT NULL, 
	ended_at DATETIME, 
	CONSTRAINT pk_pledge_tree PRIMARY KEY (pledge_id, tree_id), 
	CONSTRAINT fk_pledge_tree_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT fk_pledge_tree_tree_id FOREIGN KEY(tree_id) REFERENCES tree (id)
)
-- next
CREATE UNIQUE INDEX uq_pledge_tree_open ON pledge_tree (tree_id) WHERE ended_at IS NULL
-- next
CREATE TABLE certificate_file (
	certificate_id INTEGER NOT NULL, 
	form TEXT NOT NULL, 
	storage_key TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	drawn_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_certificate_file PRIMARY KEY (id), 
	CONSTRAINT uq_certificate_file_certificate_id_form UNIQUE (certificate_id, form), 
	CONSTRAINT fk_certificate_file_certificate_id FOREIGN KEY(certificate_id) REFERENCES certificate (id), 
	CONSTRAINT uq_certificate_file_storage_key UNIQUE (storage_key)
)
-- next
CREATE TABLE certificate_move (
	certificate_id INTEGER NOT NULL, 
	to_status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_certificate_move PRIMARY KEY (id), 
	CONSTRAINT fk_certificate_move_certificate_id FOREIGN KEY(certificate_id) REFERENCES certificate (id)
)
-- next
CREATE INDEX ix_certificate_move_certificate_id ON certificate_move (certificate_id, id)
-- next
CREATE TABLE lot (
	account_id INTEGER NOT NULL, 
	transfer_id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	expires_on DATE, 
	amount BIGINT NOT NULL, 
	remaining BIGINT NOT NULL, 
	id INTEGER NOT NULL, 
	CONSTRAINT pk_lot PRIMARY KEY (id), 
	CONSTRAINT ck_lot_amount CHECK (amount BETWEEN 1 AND 9007199254740992), 
	CONSTRAINT ck_lot_remaining CHECK (remaining BETWEEN 0 AND amount), 
	CONSTRAINT ck_lot_source_length CHECK (length(source) BETWEEN 1 AND 40), 
	CONSTRAINT ck_lot_purpose_length CHECK (length(purpose) BETWEEN 1 AND 40), 
	CONSTRAINT ck_lot_whole_numbers CHECK (typeof(account_id) IN ('integer', 'null') AND typeof(transfer_id) IN ('integer', 'null') AND typeof(amount) IN ('integer', 'null') AND typeof(remaining) IN ('integer', 'null')), 
	CONSTRAINT fk_lot_account_id FOREIGN KEY(account_id) REFERENCES ledger_account (id), 
	CONSTRAINT uq_lot_transfer_id UNIQUE (transfer_id), 
	CONSTRAINT fk_lot_transfer_id FOREIGN KEY(transfer_id) REFERENCES ledger_transfer (id)
)
-- next
CREATE INDEX ix_lot_open ON lot (account_id, purpose, coalesce(expires_on, '9999-12-31'), id) WHERE remaining > 0
-- next
CREATE TABLE refund_due (
	attempt_id INTEGER NOT NULL, 
	pledge_id INTEGER NOT NULL, 
	transaction_id TEXT NOT NULL, 
	amount_fen BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	id INTEGER NOT NULL, 
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
	transfer_id INTEGER NOT NULL, 
	lot_id INTEGER NOT NULL, 
	amount BIGINT NOT NULL, 
	CONSTRAINT pk_lot_use PRIMARY KEY (transfer_id, lot_id), 
	CONSTRAINT ck_lot_use_amount CHECK (amount <> 0), 
	CONSTRAINT ck_lot_use_whole_numbers CHECK (typeof(transfer_id) IN ('integer', 'null') AND typeof(lot_id) IN ('integer', 'null') AND typeof(amount) IN ('integer', 'null')), 
	CONSTRAINT fk_lot_use_transfer_id FOREIGN KEY(transfer_id) REFERENCES ledger_transfer (id), 
	CONSTRAINT fk_lot_use_lot_id FOREIGN KEY(lot_id) REFERENCES lot (id)
)
-- next
CREATE INDEX ix_lot_use_lot_id ON lot_use (lot_id)
-- next
CREATE TRIGGER ledger_transfer_no_update BEFORE UPDATE ON ledger_transfer BEGIN
  SELECT RAISE(ABORT, 'ledger_transfer_append_only');
END
-- next
CREATE TRIGGER ledger_transfer_no_delete BEFORE DELETE ON ledger_transfer BEGIN
  SELECT RAISE(ABORT, 'ledger_transfer_append_only');
END
-- next
CREATE TRIGGER lot_use_no_update BEFORE UPDATE ON lot_use BEGIN
  SELECT RAISE(ABORT, 'lot_use_append_only');
END
-- next
CREATE TRIGGER lot_use_no_delete BEFORE DELETE ON lot_use BEGIN
  SELECT RAISE(ABORT, 'lot_use_append_only');
END
-- next
CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN
  SELECT RAISE(ABORT, 'audit_entry_append_only');
END
-- next
CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN
  SELECT RAISE(ABORT, 'audit_entry_append_only');
END
-- next
CREATE TRIGGER pledge_move_no_update BEFORE UPDATE ON pledge_move BEGIN
  SELECT RAISE(ABORT, 'pledge_move_append_only');
END
-- next
CREATE TRIGGER pledge_move_no_delete BEFORE DELETE ON pledge_move BEGIN
  SELECT RAISE(ABORT, 'pledge_move_append_only');
END
-- next
CREATE TRIGGER certificate_move_no_update BEFORE UPDATE ON certificate_move BEGIN
  SELECT RAISE(ABORT, 'certificate_move_append_only');
END
-- next
CREATE TRIGGER certificate_move_no_delete BEFORE DELETE ON certificate_move BEGIN
  SELECT RAISE(ABORT, 'certificate_move_append_only');
END
-- next
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account BEGIN
  SELECT RAISE(ABORT, 'ledger_account_kept');
END
-- next
CREATE TRIGGER lot_no_delete BEFORE DELETE ON lot BEGIN
  SELECT RAISE(ABORT, 'lot_kept');
END
-- next
CREATE TRIGGER points_rule_no_delete BEFORE DELETE ON points_rule BEGIN
  SELECT RAISE(ABORT, 'points_rule_kept');
END
-- next
CREATE TRIGGER ledger_account_insert BEFORE INSERT ON ledger_account BEGIN
  SELECT RAISE(ABORT, 'ledger_account_starts_at_zero') WHERE NEW.balance <> 0 OR NEW.held <> 0 OR NEW.last_id <> 0;
END
-- next
CREATE TRIGGER ledger_account_fixed BEFORE UPDATE ON ledger_account BEGIN
  SELECT RAISE(ABORT, 'ledger_account_fixed') WHERE (NEW.id IS NOT OLD.id OR NEW.unit IS NOT OLD.unit OR NEW.owner IS NOT OLD.owner OR NEW.kind IS NOT OLD.kind OR NEW.floor IS NOT OLD.floor OR NEW.hot IS NOT OLD.hot);
END
-- next
CREATE TRIGGER ledger_account_derived BEFORE UPDATE ON ledger_account BEGIN
  SELECT RAISE(ABORT, 'ledger_account_derived') WHERE (NEW.balance IS NOT OLD.balance OR NEW.held IS NOT OLD.held OR NEW.last_id IS NOT OLD.last_id) AND NOT (NOT OLD.hot AND NEW.held IS OLD.held AND typeof(NEW.balance) = 'integer' AND NEW.last_id > OLD.last_id AND EXISTS (SELECT 1 FROM ledger_transfer t WHERE t.id = NEW.last_id AND NEW.id IN (t.debit_id, t.credit_id) AND NEW.balance - OLD.balance = CASE WHEN t.credit_id = NEW.id THEN t.amount ELSE -t.amount END));
  SELECT RAISE(ABORT, 'ck_ledger_account_no_overdraft') WHERE NEW.floor IS NOT NULL AND NEW.balance - NEW.held < NEW.floor;
END
-- next
CREATE TRIGGER ledger_transfer_post AFTER INSERT ON ledger_transfer BEGIN
  SELECT RAISE(ABORT, 'ledger_transfer_one_unit') WHERE (SELECT unit FROM ledger_account WHERE id = NEW.debit_id) IS NOT (SELECT unit FROM ledger_account WHERE id = NEW.credit_id);
  SELECT RAISE(ABORT, 'ledger_transfer_mirrors') WHERE NEW.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_transfer o WHERE o.id = NEW.reverses_id AND o.debit_id = NEW.credit_id AND o.credit_id = NEW.debit_id AND o.reverses_id IS NULL);
  SELECT RAISE(ABORT, 'ledger_transfer_reversed_once') WHERE NEW.reverses_id IS NOT NULL AND (SELECT sum(amount) FROM ledger_transfer WHERE reverses_id = NEW.reverses_id) > (SELECT amount FROM ledger_transfer WHERE id = NEW.reverses_id);
  UPDATE ledger_account SET balance = balance - NEW.amount, last_id = NEW.id WHERE id = NEW.debit_id AND NOT hot;
  UPDATE ledger_account SET balance = balance + NEW.amount, last_id = NEW.id WHERE id = NEW.credit_id AND NOT hot;
END
-- next
CREATE TRIGGER lot_insert BEFORE INSERT ON lot BEGIN
  SELECT RAISE(ABORT, 'lot_is_a_credit') WHERE NEW.remaining IS NOT NEW.amount OR NOT EXISTS (SELECT 1 FROM ledger_transfer t WHERE t.id = NEW.transfer_id AND t.credit_id = NEW.account_id AND t.amount = NEW.amount AND t.reverses_id IS NULL);
END
-- next
CREATE TRIGGER lot_fixed BEFORE UPDATE ON lot BEGIN
  SELECT RAISE(ABORT, 'lot_fixed') WHERE (NEW.id IS NOT OLD.id OR NEW.account_id IS NOT OLD.account_id OR NEW.transfer_id IS NOT OLD.transfer_id OR NEW.source IS NOT OLD.source OR NEW.purpose IS NOT OLD.purpose OR NEW.expires_on IS NOT OLD.expires_on OR NEW.amount IS NOT OLD.amount);
END
-- next
CREATE TRIGGER lot_derived BEFORE UPDATE ON lot BEGIN
  SELECT RAISE(ABORT, 'lot_derived') WHERE NEW.remaining IS NOT NEW.amount - (SELECT coalesce(sum(amount), 0) FROM lot_use WHERE lot_id = NEW.id);
  SELECT RAISE(ABORT, 'ck_lot_remaining') WHERE NOT NEW.remaining BETWEEN 0 AND NEW.amount;
END
-- next
CREATE TRIGGER lot_use_post AFTER INSERT ON lot_use BEGIN
  SELECT RAISE(ABORT, 'lot_use_of_payer') WHERE NEW.amount > 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id WHERE t.id = NEW.transfer_id AND l.account_id = t.debit_id AND coalesce(t.reverses_id, l.transfer_id) = l.transfer_id);
  SELECT RAISE(ABORT, 'lot_use_returns') WHERE NEW.amount < 0 AND NOT EXISTS (SELECT 1 FROM ledger_transfer t JOIN lot l ON l.id = NEW.lot_id WHERE t.id = NEW.transfer_id AND l.account_id = t.credit_id AND (SELECT sum(u.amount) FROM lot_use u JOIN ledger_transfer s ON s.id = u.transfer_id WHERE u.lot_id = NEW.lot_id AND (s.id = t.reverses_id OR s.reverses_id = t.reverses_id)) >= 0);
  SELECT RAISE(ABORT, 'lot_use_within_transfer') WHERE (SELECT sum(abs(amount)) FROM lot_use WHERE transfer_id = NEW.transfer_id AND (amount > 0) = (NEW.amount > 0)) > (SELECT amount FROM ledger_transfer WHERE id = NEW.transfer_id);
  UPDATE lot SET remaining = remaining - NEW.amount WHERE id = NEW.lot_id;
END
-- next
CREATE TRIGGER points_rule_insert_overlap AFTER INSERT ON points_rule BEGIN
  SELECT RAISE(ABORT, 'points_rule_no_overlap') WHERE EXISTS (SELECT 1 FROM points_rule r WHERE r.id IS NOT NEW.id AND r.code = NEW.code AND r.county_code IS NEW.county_code AND r.valid_from <= coalesce(NEW.valid_to, '9999-12-31') AND NEW.valid_from <= coalesce(r.valid_to, '9999-12-31'));
END
-- next
CREATE TRIGGER points_rule_update_overlap AFTER UPDATE ON points_rule BEGIN
  SELECT RAISE(ABORT, 'points_rule_no_overlap') WHERE EXISTS (SELECT 1 FROM points_rule r WHERE r.id IS NOT NEW.id AND r.code = NEW.code AND r.county_code IS NEW.county_code AND r.valid_from <= coalesce(NEW.valid_to, '9999-12-31') AND NEW.valid_from <= coalesce(r.valid_to, '9999-12-31'));
END
-- next
CREATE TRIGGER points_rule_fixed BEFORE UPDATE ON points_rule BEGIN
  SELECT RAISE(ABORT, 'points_rule_fixed') WHERE (NEW.id IS NOT OLD.id OR NEW.code IS NOT OLD.code OR NEW.county_code IS NOT OLD.county_code OR NEW.version IS NOT OLD.version OR NEW.fen_per_green IS NOT OLD.fen_per_green OR NEW.fen_per_honour IS NOT OLD.fen_per_honour OR NEW.valid_from IS NOT OLD.valid_from OR NEW.sentence IS NOT OLD.sentence OR NEW.source IS NOT OLD.source);
END
-- next
CREATE TRIGGER certificate_frozen BEFORE UPDATE ON certificate BEGIN
  SELECT RAISE(ABORT, 'certificate_frozen') WHERE OLD.status <> 'applied' AND (NEW.status = 'applied' OR (NEW.id IS NOT OLD.id OR NEW.serial IS NOT OLD.serial OR NEW.kind IS NOT OLD.kind OR NEW.pledge_id IS NOT OLD.pledge_id OR NEW.resident_id IS NOT OLD.resident_id OR NEW.county_code IS NOT OLD.county_code OR NEW.token IS NOT OLD.token OR NEW.content IS NOT OLD.content OR NEW.content_hash IS NOT OLD.content_hash OR NEW.jws IS NOT OLD.jws OR NEW.issued_on IS NOT OLD.issued_on OR NEW.supersedes_id IS NOT OLD.supersedes_id OR NEW.created_at IS NOT OLD.created_at));
END
-- next
CREATE TRIGGER certificate_kept BEFORE DELETE ON certificate BEGIN
  SELECT RAISE(ABORT, 'certificate_frozen') WHERE OLD.status <> 'applied';
END
-- next
CREATE TRIGGER approval_decided BEFORE UPDATE ON approval BEGIN
  SELECT RAISE(ABORT, 'approval_decided') WHERE OLD.status <> 'open';
END
-- next
CREATE TRIGGER approval_kept BEFORE DELETE ON approval BEGIN
  SELECT RAISE(ABORT, 'approval_decided') WHERE OLD.status <> 'open';
END
