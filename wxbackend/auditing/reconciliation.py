"""Bills are what WeChat gave us, and whoever explains a difference stands in the trail."""

from wxbackend.auditing.query import Query

RECONCILIATION = (
    Query(
        "bill-is-its-lines",
        "账单的笔数、合计与其明细不符",
        """
        SELECT b.mchid, b.bill_on, b.kind, b.line_count, COUNT(l.id), b.in_fen, b.out_fen
        FROM bill b LEFT JOIN bill_line l ON l.bill_id = b.id
        WHERE b.status <> 'waiting'
        GROUP BY b.id, b.mchid, b.bill_on, b.kind, b.line_count, b.in_fen, b.out_fen, b.fee_fen
        HAVING b.line_count <> COUNT(l.id)
            OR b.fee_fen <> COALESCE(SUM(l.fee_fen), 0)
            OR b.in_fen <> COALESCE(SUM(CASE
                WHEN l.kind = 'payment' OR (l.kind = 'flow' AND l.amount_fen > 0) THEN l.amount_fen END), 0)
            OR b.out_fen <> COALESCE(SUM(CASE
                WHEN l.kind = 'refund' THEN l.amount_fen
                WHEN l.kind = 'flow' AND l.amount_fen < 0 THEN -l.amount_fen END), 0)
        """,
    ),
    Query(
        "bill-has-lines-of-its-kind",
        "账单明细的种类与账单不符",
        """
        SELECT b.mchid, b.bill_on, b.kind, l.ordinal, l.kind AS line FROM bill_line l JOIN bill b ON b.id = l.bill_id
        WHERE (l.kind = 'flow') <> (b.kind = 'fund')
        """,
    ),
    Query(
        "difference-in-order-agrees",
        "标记为已相符的付款差异，账单与本系统仍不一致",
        """
        SELECT i.key, i.mchid FROM recon_item i
        JOIN payment_attempt p ON p.transaction_id = i.key AND p.mchid = i.mchid AND p.status = 'success'
        WHERE i.subject = 'payment' AND i.status = 'matched' AND NOT EXISTS (
            SELECT 1 FROM bill w WHERE w.mchid = i.mchid AND w.kind = 'trade' AND w.status = 'waiting')
          AND p.amount_fen <> COALESCE((
            SELECT SUM(l.amount_fen) FROM bill_line l JOIN bill t ON t.id = l.bill_id
            WHERE l.transaction_id = i.key AND l.kind = 'payment' AND t.mchid = i.mchid AND t.status = 'fetched'), 0)
        """,
    ),
    Query(
        "explained-difference-has-a-trail",
        "已查明的对账差异没有操作记录",
        """
        SELECT i.key, i.mchid, i.resolved_by FROM recon_item i WHERE i.status = 'resolved' AND NOT EXISTS (
            SELECT 1 FROM audit_entry e WHERE e.action = 'reconciliation.resolve' AND e.object_kind = 'recon_item'
              AND e.object_key = CAST(i.id AS TEXT) AND e.actor_kind = 'staff' AND e.actor_id = i.resolved_by)
        """,
    ),
    Query(
        "decided-mismatch-has-a-trail",
        "已处理的支付差异没有操作记录",
        """
        SELECT m.out_trade_no, m.resolution FROM payment_mismatch m WHERE m.status = 'resolved' AND NOT EXISTS (
            SELECT 1 FROM audit_entry e WHERE e.object_kind = 'payment_mismatch' AND e.object_key = m.out_trade_no
              AND e.action = CASE m.resolution WHEN 'refunded' THEN 'mismatch.refund' ELSE 'mismatch.dismiss' END
              AND e.actor_kind = 'staff' AND e.actor_id = m.resolved_by)
        """,
    ),
    Query(
        "mismatch-sent-back-is-owed",
        "已退回的不符款项没有对应的应退款",
        """
        SELECT m.out_trade_no, m.transaction_id FROM payment_mismatch m
        WHERE m.resolution = 'refunded' AND NOT EXISTS (
            SELECT 1 FROM refund_due r WHERE r.transaction_id = m.transaction_id AND r.reason = 'mismatch')
        """,
    ),
)
