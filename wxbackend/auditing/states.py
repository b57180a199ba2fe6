"""States, approvals, references, and what an erasure leaves."""

from wxbackend.auditing.query import Query

STATES = (
    Query(
        "pledge-history-ends-where-it-stands",
        "认种认捐单的状态与历史不符",
        """
        SELECT g.number, g.status, m.to_status FROM pledge g
        LEFT JOIN pledge_move m ON m.id = (SELECT MAX(id) FROM pledge_move WHERE pledge_id = g.id)
        WHERE COALESCE(m.to_status, 'pending') <> g.status
        """,
    ),
    Query(
        "second-person-decided",
        "双人复核由同一人完成",
        "SELECT id, action FROM approval WHERE decided_by = requested_by OR (status <> 'open' AND decided_by IS NULL)",
    ),
    Query(
        "online-campaign-has-grounds",
        "上线项目缺少收款主体、法律依据或备案号",
        "SELECT public_id FROM campaign WHERE status IN ('online', 'suspended')"
        " AND (payee_id IS NULL OR legal_basis IS NULL OR filing_number IS NULL)",
    ),
    Query(
        "erased-holds-nothing",
        "已注销账号仍保存个人信息",
        "SELECT id FROM resident WHERE status = 'erased' AND (openid_index IS NOT NULL OR openid_sealed IS NOT NULL"
        " OR unionid_sealed IS NOT NULL OR name_sealed IS NOT NULL OR phone_sealed IS NOT NULL)",
    ),
    Query(
        "kept-answers-are-complete",
        "幂等记录不完整",
        "SELECT scope FROM idempotency_key WHERE (answer_status IS NULL) <> (answer_sealed IS NULL)"
        " OR answer_status NOT BETWEEN 200 AND 299",
    ),
    Query(
        "erased-is-forgotten-everywhere",
        "已注销账号的单据仍保存个人信息",
        """
        SELECT r.id FROM resident r WHERE r.status = 'erased' AND (
            EXISTS (SELECT 1 FROM pledge g WHERE g.resident_id = r.id
                    AND (g.holder_name_sealed IS NOT NULL OR g.dedication IS NOT NULL))
            OR EXISTS (SELECT 1 FROM certificate c LEFT JOIN certificate_file f ON f.certificate_id = c.id
                       WHERE c.resident_id = r.id AND (c.holder_name_sealed IS NOT NULL
                       OR c.name_salt_sealed IS NOT NULL OR f.id IS NOT NULL))
            OR EXISTS (SELECT 1 FROM resident_session s WHERE s.resident_id = r.id))
        """,
    ),
)
