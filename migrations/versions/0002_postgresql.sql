CREATE TABLE access_token (
	appid TEXT NOT NULL, 
	token_sealed TEXT, 
	expires_at TIMESTAMP WITH TIME ZONE, 
	lock_holder TEXT, 
	lock_until TIMESTAMP WITH TIME ZONE, 
	CONSTRAINT pk_access_token PRIMARY KEY (appid)
)
-- next
CREATE TABLE bill (
	mchid TEXT NOT NULL, 
	bill_on DATE NOT NULL, 
	kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	sha1 TEXT, 
	line_count BIGINT NOT NULL, 
	in_fen BIGINT NOT NULL, 
	out_fen BIGINT NOT NULL, 
	fee_fen BIGINT NOT NULL, 
	tried_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	fetched_at TIMESTAMP WITH TIME ZONE, 
	matched_at TIMESTAMP WITH TIME ZONE, 
	last_error TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_bill PRIMARY KEY (id), 
	CONSTRAINT uq_bill_mchid_bill_on_kind UNIQUE (mchid, bill_on, kind), 
	CONSTRAINT ck_bill_kind CHECK (kind IN ('trade', 'fund')), 
	CONSTRAINT ck_bill_status CHECK (status IN ('waiting', 'fetched', 'empty')), 
	CONSTRAINT ck_bill_fetched_has_a_hash CHECK ((status = 'fetched') = (sha1 IS NOT NULL))
)
-- next
CREATE TABLE mini_code (
	digest TEXT NOT NULL, 
	scene TEXT NOT NULL, 
	page TEXT NOT NULL, 
	width_px BIGINT NOT NULL, 
	storage_key TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_mini_code PRIMARY KEY (id), 
	CONSTRAINT ck_mini_code_width CHECK (width_px BETWEEN 280 AND 1280), 
	CONSTRAINT uq_mini_code_digest UNIQUE (digest), 
	CONSTRAINT uq_mini_code_storage_key UNIQUE (storage_key)
)
-- next
CREATE TABLE platform_fault (
	name TEXT NOT NULL, 
	since TIMESTAMP WITH TIME ZONE NOT NULL, 
	seen_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	detail TEXT NOT NULL, 
	CONSTRAINT pk_platform_fault PRIMARY KEY (name)
)
-- next
CREATE TABLE push_message (
	key TEXT NOT NULL, 
	event TEXT NOT NULL, 
	facts JSON NOT NULL, 
	state TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	received_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_push_message PRIMARY KEY (key), 
	CONSTRAINT ck_push_message_state CHECK (state IN ('done', 'ignored', 'waiting'))
)
-- next
CREATE INDEX ix_push_message_received_at ON push_message (received_at)
-- next
CREATE TABLE avatar (
	resident_id BIGINT NOT NULL, 
	token TEXT NOT NULL, 
	storage_key TEXT NOT NULL, 
	status TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_avatar PRIMARY KEY (id), 
	CONSTRAINT ck_avatar_status CHECK (status IN ('pending', 'approved', 'rejected')), 
	CONSTRAINT fk_avatar_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT uq_avatar_token UNIQUE (token), 
	CONSTRAINT uq_avatar_storage_key UNIQUE (storage_key)
)
-- next
CREATE INDEX ix_avatar_resident_id ON avatar (resident_id, id)
-- next
CREATE TABLE bill_line (
	bill_id BIGINT NOT NULL, 
	ordinal BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	transaction_id TEXT NOT NULL, 
	out_trade_no TEXT, 
	out_refund_no TEXT, 
	about TEXT NOT NULL, 
	amount_fen BIGINT NOT NULL, 
	fee_fen BIGINT NOT NULL, 
	balance_fen BIGINT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_bill_line PRIMARY KEY (id), 
	CONSTRAINT uq_bill_line_bill_id_ordinal UNIQUE (bill_id, ordinal), 
	CONSTRAINT ck_bill_line_kind CHECK (kind IN ('payment', 'refund', 'flow')), 
	CONSTRAINT fk_bill_line_bill_id FOREIGN KEY(bill_id) REFERENCES bill (id)
)
-- next
CREATE INDEX ix_bill_line_transaction_id ON bill_line (transaction_id)
-- next
CREATE TABLE content_review (
	public_id TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	key TEXT NOT NULL, 
	resident_id BIGINT NOT NULL, 
	county_code TEXT, 
	row_key TEXT NOT NULL, 
	text_sealed TEXT, 
	status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	label BIGINT, 
	trace_id TEXT, 
	check_count BIGINT NOT NULL, 
	next_check_at TIMESTAMP WITH TIME ZONE, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	decided_by BIGINT, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	note TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_content_review PRIMARY KEY (id), 
	CONSTRAINT uq_content_review_subject_key UNIQUE (subject, key), 
	CONSTRAINT ck_content_review_subject CHECK (subject IN ('dedication', 'holder_name', 'plate_text', 'profile_name', 'nickname', 'avatar')), 
	CONSTRAINT ck_content_review_status CHECK (status IN ('pending', 'approved', 'rejected')), 
	CONSTRAINT ck_content_review_decided CHECK ((status = 'pending') = (decided_at IS NULL)), 
	CONSTRAINT uq_content_review_public_id UNIQUE (public_id), 
	CONSTRAINT fk_content_review_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT fk_content_review_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT uq_content_review_row_key UNIQUE (row_key), 
	CONSTRAINT uq_content_review_trace_id UNIQUE (trace_id), 
	CONSTRAINT fk_content_review_decided_by FOREIGN KEY(decided_by) REFERENCES staff (id)
)
-- next
CREATE INDEX ix_content_review_pending ON content_review (id) WHERE status = 'pending'
-- next
CREATE INDEX ix_content_review_resident_id ON content_review (resident_id)
-- next
CREATE TABLE inbox_message (
	public_id TEXT NOT NULL, 
	resident_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	key TEXT NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	page TEXT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	read_at TIMESTAMP WITH TIME ZONE, 
	delivery TEXT NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_inbox_message PRIMARY KEY (id), 
	CONSTRAINT uq_inbox_message_resident_id_kind_key UNIQUE (resident_id, kind, key), 
	CONSTRAINT ck_inbox_message_kind CHECK (kind IN ('paid', 'certificate_issued', 'refund', 'planted', 'tree_news', 'points_expiring')), 
	CONSTRAINT ck_inbox_message_delivery CHECK (delivery IN ('none', 'waiting', 'sent', 'refused', 'invalid')), 
	CONSTRAINT uq_inbox_message_public_id UNIQUE (public_id), 
	CONSTRAINT fk_inbox_message_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id)
)
-- next
CREATE INDEX ix_inbox_message_resident_id ON inbox_message (resident_id, id)
-- next
CREATE TABLE message_consent (
	resident_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	remaining BIGINT NOT NULL, 
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	CONSTRAINT pk_message_consent PRIMARY KEY (resident_id, kind), 
	CONSTRAINT ck_message_consent_kind CHECK (kind IN ('paid', 'certificate_issued', 'refund', 'planted', 'tree_news', 'points_expiring')), 
	CONSTRAINT ck_message_consent_remaining CHECK (remaining >= 0), 
	CONSTRAINT fk_message_consent_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id)
)
-- next
CREATE TABLE recon_item (
	mchid TEXT NOT NULL, 
	bill_on DATE NOT NULL, 
	subject TEXT NOT NULL, 
	key TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	status TEXT NOT NULL, 
	out_trade_no TEXT, 
	bill_fen BIGINT, 
	our_fen BIGINT, 
	found_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	closed_at TIMESTAMP WITH TIME ZONE, 
	resolved_by BIGINT, 
	note TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_recon_item PRIMARY KEY (id), 
	CONSTRAINT uq_recon_item_mchid_subject_key UNIQUE (mchid, subject, key), 
	CONSTRAINT ck_recon_item_queue CHECK (queue IN ('missing_here', 'missing_there', 'amount_differs')), 
	CONSTRAINT ck_recon_item_status CHECK (status IN ('open', 'matched', 'resolved')), 
	CONSTRAINT ck_recon_item_subject CHECK (subject IN ('payment', 'refund', 'flow')), 
	CONSTRAINT ck_recon_item_amounts CHECK ((queue = 'missing_here') = (our_fen IS NULL) AND (queue = 'missing_there') = (bill_fen IS NULL)), 
	CONSTRAINT ck_recon_item_closed CHECK ((status = 'open') = (closed_at IS NULL)), 
	CONSTRAINT ck_recon_item_resolved_by_somebody CHECK ((status = 'resolved') = (resolved_by IS NOT NULL)), 
	CONSTRAINT fk_recon_item_resolved_by FOREIGN KEY(resolved_by) REFERENCES staff (id)
)
-- next
CREATE INDEX ix_recon_item_bill_on ON recon_item (mchid, bill_on)
-- next
CREATE INDEX ix_recon_item_open ON recon_item (id) WHERE status = 'open'
-- next
CREATE TABLE receipt_request (
	public_id TEXT NOT NULL, 
	pledge_id BIGINT NOT NULL, 
	resident_id BIGINT NOT NULL, 
	county_code TEXT NOT NULL, 
	row_key TEXT NOT NULL, 
	title_sealed TEXT, 
	uscc TEXT, 
	amount_fen BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	receipt_number TEXT, 
	receipt_url TEXT, 
	note TEXT, 
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	decided_by BIGINT, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	reversed_by BIGINT, 
	reversed_at TIMESTAMP WITH TIME ZONE, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_receipt_request PRIMARY KEY (id), 
	CONSTRAINT ck_receipt_request_status CHECK (status IN ('requested', 'issued', 'rejected', 'withdrawn', 'red_reversed')), 
	CONSTRAINT ck_receipt_request_amount CHECK (amount_fen >= 1), 
	CONSTRAINT ck_receipt_request_issued_has_a_number CHECK ((status IN ('issued', 'red_reversed')) = (receipt_number IS NOT NULL)), 
	CONSTRAINT ck_receipt_request_uscc_length CHECK (uscc IS NULL OR length(uscc) = 18), 
	CONSTRAINT uq_receipt_request_public_id UNIQUE (public_id), 
	CONSTRAINT fk_receipt_request_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT fk_receipt_request_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT fk_receipt_request_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT uq_receipt_request_row_key UNIQUE (row_key), 
	CONSTRAINT uq_receipt_request_receipt_number UNIQUE (receipt_number), 
	CONSTRAINT fk_receipt_request_decided_by FOREIGN KEY(decided_by) REFERENCES staff (id), 
	CONSTRAINT fk_receipt_request_reversed_by FOREIGN KEY(reversed_by) REFERENCES staff (id)
)
-- next
CREATE UNIQUE INDEX uq_receipt_request_live ON receipt_request (pledge_id) WHERE status IN ('requested', 'issued')
-- next
CREATE INDEX ix_receipt_request_status ON receipt_request (status, id)
-- next
CREATE INDEX ix_receipt_request_resident_id ON receipt_request (resident_id, id)
-- next
CREATE TABLE shipping_report (
	attempt_id BIGINT NOT NULL, 
	transaction_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	upload_count BIGINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	reported_at TIMESTAMP WITH TIME ZONE, 
	settled_at TIMESTAMP WITH TIME ZONE, 
	last_error TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_shipping_report PRIMARY KEY (id), 
	CONSTRAINT ck_shipping_report_status CHECK (status IN ('waiting', 'shipped', 'confirmed', 'settled', 'refunded', 'failed')), 
	CONSTRAINT ck_shipping_report_one_correction CHECK (upload_count BETWEEN 0 AND 2), 
	CONSTRAINT uq_shipping_report_attempt_id UNIQUE (attempt_id), 
	CONSTRAINT fk_shipping_report_attempt_id FOREIGN KEY(attempt_id) REFERENCES payment_attempt (id), 
	CONSTRAINT uq_shipping_report_transaction_id UNIQUE (transaction_id)
)
-- next
CREATE INDEX ix_shipping_report_waiting ON shipping_report (id) WHERE status IN ('waiting', 'failed')
-- next
CREATE TABLE refund (
	number TEXT NOT NULL, 
	pledge_id BIGINT NOT NULL, 
	attempt_id BIGINT NOT NULL, 
	due_id BIGINT, 
	county_code TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	amount_fen BIGINT NOT NULL, 
	tree_count BIGINT, 
	from_status TEXT, 
	requested_by_kind TEXT NOT NULL, 
	requested_by_id BIGINT, 
	requested_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	status TEXT NOT NULL, 
	explanation TEXT, 
	decided_by BIGINT, 
	decided_at TIMESTAMP WITH TIME ZONE, 
	decision_note TEXT, 
	submitted_at TIMESTAMP WITH TIME ZONE, 
	wx_refund_id TEXT, 
	succeeded_at TIMESTAMP WITH TIME ZONE, 
	settled_by BIGINT, 
	next_try_at TIMESTAMP WITH TIME ZONE, 
	try_count BIGINT NOT NULL, 
	last_error TEXT, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_refund PRIMARY KEY (id), 
	CONSTRAINT ck_refund_status CHECK (status IN ('requested', 'approved', 'submitted', 'success', 'abnormal', 'closed', 'rejected', 'withdrawn')), 
	CONSTRAINT ck_refund_reason CHECK (reason IN ('change_of_mind', 'duplicate', 'mistake', 'project_failure', 'minor', 'no_stock', 'second_payment', 'mismatch')), 
	CONSTRAINT ck_refund_amount CHECK (amount_fen >= 1), 
	CONSTRAINT ck_refund_tree_count CHECK (tree_count IS NULL OR tree_count BETWEEN 1 AND 100), 
	CONSTRAINT ck_refund_pledge_or_suspense CHECK ((due_id IS NULL) = (from_status IS NOT NULL)), 
	CONSTRAINT ck_refund_requested_by_kind CHECK (requested_by_kind IN ('resident', 'staff', 'system')), 
	CONSTRAINT ck_refund_requested_by CHECK ((requested_by_kind = 'system') = (requested_by_id IS NULL)), 
	CONSTRAINT ck_refund_second_person CHECK (decided_by IS NULL OR requested_by_kind <> 'staff' OR decided_by <> requested_by_id), 
	CONSTRAINT ck_refund_decided CHECK (status IN ('requested', 'withdrawn') OR decided_by IS NOT NULL OR requested_by_kind = 'system'), 
	CONSTRAINT ck_refund_success_has_a_time CHECK ((status = 'success') = (succeeded_at IS NOT NULL)), 
	CONSTRAINT uq_refund_number UNIQUE (number), 
	CONSTRAINT fk_refund_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT fk_refund_attempt_id FOREIGN KEY(attempt_id) REFERENCES payment_attempt (id), 
	CONSTRAINT fk_refund_due_id FOREIGN KEY(due_id) REFERENCES refund_due (id), 
	CONSTRAINT fk_refund_county_code FOREIGN KEY(county_code) REFERENCES region (code), 
	CONSTRAINT fk_refund_decided_by FOREIGN KEY(decided_by) REFERENCES staff (id), 
	CONSTRAINT uq_refund_wx_refund_id UNIQUE (wx_refund_id), 
	CONSTRAINT fk_refund_settled_by FOREIGN KEY(settled_by) REFERENCES staff (id)
)
-- next
CREATE INDEX ix_refund_pledge_id ON refund (pledge_id, id)
-- next
CREATE INDEX ix_refund_status ON refund (status, id)
-- next
CREATE UNIQUE INDEX uq_refund_open ON refund (attempt_id) WHERE status IN ('requested', 'approved', 'submitted', 'abnormal')
-- next
CREATE INDEX ix_refund_due ON refund (next_try_at) WHERE next_try_at IS NOT NULL
-- next
CREATE INDEX ix_refund_attempt_id ON refund (attempt_id, id)
-- next
CREATE TABLE points_debt (
	resident_id BIGINT NOT NULL, 
	pledge_id BIGINT NOT NULL, 
	refund_id BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	remaining BIGINT NOT NULL, 
	created_at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_points_debt PRIMARY KEY (id), 
	CONSTRAINT ck_points_debt_amount CHECK (amount >= 1), 
	CONSTRAINT ck_points_debt_remaining CHECK (remaining BETWEEN 0 AND amount), 
	CONSTRAINT fk_points_debt_resident_id FOREIGN KEY(resident_id) REFERENCES resident (id), 
	CONSTRAINT fk_points_debt_pledge_id FOREIGN KEY(pledge_id) REFERENCES pledge (id), 
	CONSTRAINT uq_points_debt_refund_id UNIQUE (refund_id), 
	CONSTRAINT fk_points_debt_refund_id FOREIGN KEY(refund_id) REFERENCES refund (id)
)
-- next
CREATE INDEX ix_points_debt_open ON points_debt (resident_id, id) WHERE remaining > 0
-- next
CREATE TABLE refund_move (
	refund_id BIGINT NOT NULL, 
	from_status TEXT, 
	to_status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	at TIMESTAMP WITH TIME ZONE NOT NULL, 
	id BIGSERIAL NOT NULL, 
	CONSTRAINT pk_refund_move PRIMARY KEY (id), 
	CONSTRAINT fk_refund_move_refund_id FOREIGN KEY(refund_id) REFERENCES refund (id)
)
-- next
CREATE INDEX ix_refund_move_refund_id ON refund_move (refund_id, id)
-- next
CREATE TRIGGER refund_move_append_only BEFORE UPDATE OR DELETE ON refund_move FOR EACH ROW EXECUTE FUNCTION guard_refuse('refund_move_append_only')
-- next
CREATE TRIGGER refund_move_no_truncate BEFORE TRUNCATE ON refund_move FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('refund_move_append_only')
-- next
CREATE TRIGGER refund_no_delete BEFORE DELETE ON refund FOR EACH ROW EXECUTE FUNCTION guard_refuse('refund_kept')
-- next
CREATE TRIGGER refund_no_truncate BEFORE TRUNCATE ON refund FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('refund_kept')
-- next
CREATE TRIGGER points_debt_no_delete BEFORE DELETE ON points_debt FOR EACH ROW EXECUTE FUNCTION guard_refuse('points_debt_kept')
-- next
CREATE TRIGGER points_debt_no_truncate BEFORE TRUNCATE ON points_debt FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('points_debt_kept')
-- next
CREATE TRIGGER receipt_request_no_delete BEFORE DELETE ON receipt_request FOR EACH ROW EXECUTE FUNCTION guard_refuse('receipt_request_kept')
-- next
CREATE TRIGGER receipt_request_no_truncate BEFORE TRUNCATE ON receipt_request FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('receipt_request_kept')
-- next
CREATE TRIGGER recon_item_no_delete BEFORE DELETE ON recon_item FOR EACH ROW EXECUTE FUNCTION guard_refuse('recon_item_kept')
-- next
CREATE TRIGGER recon_item_no_truncate BEFORE TRUNCATE ON recon_item FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('recon_item_kept')
-- next
CREATE TRIGGER refund_fixed BEFORE UPDATE ON refund FOR EACH ROW WHEN ((NEW.id::text IS DISTINCT FROM OLD.id::text OR NEW.number::text IS DISTINCT FROM OLD.number::text OR NEW.pledge_id::text IS DISTINCT FROM OLD.pledge_id::text OR NEW.attempt_id::text IS DISTINCT FROM OLD.attempt_id::text OR NEW.due_id::text IS DISTINCT FROM OLD.due_id::text OR NEW.county_code::text IS DISTINCT FROM OLD.county_code::text OR NEW.reason::text IS DISTINCT FROM OLD.reason::text OR NEW.amount_fen::text IS DISTINCT FROM OLD.amount_fen::text OR NEW.tree_count::text IS DISTINCT FROM OLD.tree_count::text OR NEW.from_status::text IS DISTINCT FROM OLD.from_status::text OR NEW.requested_by_kind::text IS DISTINCT FROM OLD.requested_by_kind::text OR NEW.requested_by_id::text IS DISTINCT FROM OLD.requested_by_id::text OR NEW.requested_at::text IS DISTINCT FROM OLD.requested_at::text)) EXECUTE FUNCTION guard_refuse('refund_fixed')
-- next
CREATE TRIGGER refund_ended BEFORE UPDATE ON refund FOR EACH ROW WHEN (OLD.status IN ('success', 'closed', 'rejected', 'withdrawn') AND NEW.status <> OLD.status) EXECUTE FUNCTION guard_refuse('refund_ended')
