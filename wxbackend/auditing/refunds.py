"""Refunds: no fen goes back twice or is forgotten, and nobody keeps what was given back."""

# ruff: noqa: S608 -- every part of these texts is a constant of this package

from wxbackend.auditing.query import HELD_REFUND, OPEN_REFUND, Query

_TAKING = "('requested', 'approved', 'submitted', 'abnormal', 'success')"

REFUNDS = (
    Query(
        "refunds-within-the-payment",
        "支付单的退款占用与退款单合计不符，或超过支付金额",
        f"""
        SELECT p.out_trade_no, p.amount_fen, p.refund_fen, COALESCE(SUM(f.amount_fen), 0)
        FROM payment_attempt p LEFT JOIN refund f ON f.attempt_id = p.id AND f.status IN {_TAKING}
        GROUP BY p.id, p.out_trade_no, p.amount_fen, p.refund_fen
        HAVING p.refund_fen <> COALESCE(SUM(f.amount_fen), 0) OR p.refund_fen > p.amount_fen
        """,
    ),
    Query(
        "refund-is-of-a-payment",
        "退款单与支付单或应退款不符",
        """
        SELECT f.number, p.status FROM refund f JOIN payment_attempt p ON p.id = f.attempt_id
        LEFT JOIN refund_due d ON d.attempt_id = p.id
        WHERE p.status <> 'success' OR p.pledge_id <> f.pledge_id OR COALESCE(d.id, 0) <> COALESCE(f.due_id, 0)
           OR (d.id IS NOT NULL AND d.amount_fen <> f.amount_fen)
        """,
    ),
    Query(
        "refunding-is-set-aside",
        "待退账户余额与已批准的退款合计不符",
        f"""
        SELECT a.owner, a.balance, COALESCE(SUM(f.amount_fen), 0) FROM ledger_account a
        LEFT JOIN payment_attempt p ON a.owner = 'refunding:' || p.mchid
        LEFT JOIN refund f ON f.attempt_id = p.id AND f.status IN {HELD_REFUND}
        WHERE a.kind = 'refunding'
        GROUP BY a.id, a.owner, a.balance HAVING a.balance <> COALESCE(SUM(f.amount_fen), 0)
        """,
    ),
    Query(
        "refund-is-booked-once",
        "退款单的记账缺少、重复或金额不符",
        f"""
        SELECT f.number, f.status, COUNT(t.id) FROM refund f
        LEFT JOIN ledger_transfer t ON t.amount = f.amount_fen AND t.pledge_id = f.pledge_id AND (
               (t.idem = 'refund:' || f.number || ':hold' AND t.code = 'refund-hold')
            OR (t.idem = 'refund:' || f.number || ':money' AND t.code = 'refund' AND f.status = 'success')
            OR (t.idem = 'refund:' || f.number || ':undo' AND t.code = 'reversal' AND f.status = 'closed'))
        GROUP BY f.id, f.number, f.status HAVING COUNT(t.id) <> CASE
            WHEN f.status IN {HELD_REFUND} THEN 1 WHEN f.status IN ('success', 'closed') THEN 2 ELSE 0 END
        """,
    ),
    Query(
        "booked-refund-has-a-refund",
        "退款记账没有对应的退款单",
        f"""
        SELECT t.idem, t.code, t.amount FROM ledger_transfer t
        WHERE (t.code IN ('refund-hold', 'refund') OR t.idem LIKE 'refund:%') AND NOT EXISTS (
            SELECT 1 FROM refund f WHERE t.doc = 'refund:' || f.number AND t.pledge_id = f.pledge_id AND (
                   (t.code = 'refund-hold' AND f.status IN {HELD_REFUND})
                OR (t.code = 'refund-hold' AND f.status IN ('success', 'closed'))
                OR (t.code IN ('refund', 'points-debt') AND f.status = 'success')
                OR (t.code = 'reversal' AND f.status = 'closed' AND t.idem = 'refund:' || f.number || ':undo')
                OR (t.code = 'reversal' AND f.status = 'success'
                    AND t.idem IN ('refund:' || f.number || ':green', 'refund:' || f.number || ':honour'))))
        """,
    ),
    Query(
        "refund-comes-from-its-payment",
        "退款没有从该笔支付的资金中划出",
        """
        SELECT f.number, t.idem FROM refund f
        JOIN payment_attempt p ON p.id = f.attempt_id
        JOIN ledger_transfer t ON t.idem = 'refund:' || f.number || ':hold'
        JOIN ledger_account c ON c.id = t.credit_id
        LEFT JOIN ledger_transfer m ON m.idem = 'wxpay:' || p.transaction_id || ':money'
        WHERE c.owner <> 'refunding:' || p.mchid OR t.debit_id <> COALESCE(m.credit_id, 0)
           OR (f.due_id IS NULL AND NOT EXISTS (
                SELECT 1 FROM lot_use u JOIN lot l ON l.id = u.lot_id
                WHERE u.transfer_id = t.id AND l.transfer_id = m.id AND u.amount = t.amount))
        """,
    ),
    Query(
        "pledge-knows-its-refunds",
        "认种认捐单记录的退款与退款单不符",
        """
        SELECT g.number, g.status, g.refunded_fen, COALESCE(SUM(f.amount_fen), 0) FROM pledge g
        LEFT JOIN refund f ON f.pledge_id = g.id AND f.due_id IS NULL AND f.status = 'success'
        GROUP BY g.id, g.number, g.status, g.refunded_fen, g.refunded_tree_count, g.amount_fen, g.unit_price_fen
        HAVING g.refunded_fen <> COALESCE(SUM(f.amount_fen), 0)
            OR g.refunded_tree_count <> COALESCE(SUM(f.tree_count), 0)
            OR (g.status = 'refunded') <> (g.refunded_fen = g.amount_fen)
            OR (g.unit_price_fen IS NOT NULL AND g.refunded_fen <> g.refunded_tree_count * g.unit_price_fen)
        """,
    ),
    Query(
        "frozen-for-one-refund",
        "退款中的单子没有恰好一笔进行中的退款",
        f"""
        SELECT g.number, g.status, COUNT(f.id) FROM pledge g
        LEFT JOIN refund f ON f.pledge_id = g.id AND f.due_id IS NULL AND f.status IN {OPEN_REFUND}
        GROUP BY g.id, g.number, g.status HAVING COUNT(f.id) <> CASE g.status WHEN 'refunding' THEN 1 ELSE 0 END
        """,
    ),
    Query(
        "points-went-back",
        "退款没有按比例收回积分",
        """
        SELECT g.number, n.unit, n.earned, n.taken, g.refunded_fen FROM pledge g JOIN (
            SELECT g.id, c.unit, e.amount AS earned,
                   COALESCE((SELECT SUM(r.amount) FROM ledger_transfer r WHERE r.reverses_id = e.id), 0)
                 + CASE c.unit WHEN 2 THEN COALESCE(
                     (SELECT SUM(d.amount) FROM points_debt d WHERE d.pledge_id = g.id), 0) ELSE 0 END AS taken
            FROM pledge g JOIN ledger_transfer e ON e.pledge_id = g.id AND e.code = 'points-for-payment'
            JOIN ledger_account c ON c.id = e.credit_id
        ) n ON n.id = g.id
        WHERE n.taken <> n.earned * g.refunded_fen / g.amount_fen
        """,
    ),
    Query(
        "points-debt-adds-up",
        "积分欠账与补扣记录不符",
        """
        SELECT f.number, d.amount, d.remaining, COALESCE(SUM(t.amount), 0) FROM points_debt d
        JOIN refund f ON f.id = d.refund_id JOIN pledge g ON g.id = f.pledge_id
        LEFT JOIN ledger_transfer t ON t.doc = 'refund:' || f.number AND t.code = 'points-debt'
        GROUP BY d.id, f.number, f.status, f.pledge_id, d.amount, d.remaining, d.pledge_id, d.resident_id, g.resident_id
        HAVING d.remaining <> d.amount - COALESCE(SUM(t.amount), 0) OR f.status <> 'success'
            OR d.pledge_id <> f.pledge_id OR d.resident_id <> g.resident_id
        """,
    ),
    Query(
        "points-debt-was-paid-by-the-debtor",
        "积分补扣没有记入欠账人的账户",
        """
        SELECT t.idem, a.owner FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id
        WHERE t.code = 'points-debt' AND NOT EXISTS (
            SELECT 1 FROM points_debt d JOIN refund f ON f.id = d.refund_id
            WHERE t.doc = 'refund:' || f.number AND a.owner = 'resident:' || d.resident_id)
        """,
    ),
    Query(
        "refunded-has-no-certificate",
        "已退款的单子仍有有效证书",
        """
        SELECT g.number, c.serial, c.status FROM pledge g JOIN certificate c ON c.pledge_id = g.id
        WHERE g.status = 'refunded' AND c.status IN ('applied', 'issued')
        """,
    ),
    Query(
        "receipt-is-for-money-kept",
        "捐赠票据的金额超过未退款的金额",
        """
        SELECT g.number, r.public_id, r.amount_fen FROM receipt_request r JOIN pledge g ON g.id = r.pledge_id
        WHERE r.status IN ('requested', 'issued') AND r.amount_fen > g.amount_fen - g.refunded_fen
        """,
    ),
    Query(
        "second-person-decided-the-refund",
        "退款未经第二人复核",
        """
        SELECT number, status FROM refund
        WHERE (requested_by_kind = 'staff' AND requested_by_id IN (COALESCE(decided_by, 0), COALESCE(settled_by, 0)))
           OR (requested_by_kind <> 'system' AND decided_by IS NULL AND status NOT IN ('requested', 'withdrawn'))
        """,
    ),
    Query(
        "refund-success-has-a-payer",
        "退款成功却既无微信退款号，也无线下退款登记人",
        "SELECT number FROM refund WHERE status = 'success' AND wx_refund_id IS NULL AND settled_by IS NULL",
    ),
    Query(
        "decided-refund-has-a-trail",
        "退款的审批或线下登记没有操作记录",
        """
        SELECT f.number, f.decided_by, f.settled_by FROM refund f
        WHERE (f.decided_by IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM audit_entry e WHERE e.object_kind = 'refund' AND e.object_key = f.number
                  AND e.action IN ('refund.approve', 'refund.reject', 'refund.propose')
                  AND e.actor_kind = 'staff' AND e.actor_id = f.decided_by))
           OR (f.settled_by IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM audit_entry e WHERE e.object_kind = 'refund' AND e.object_key = f.number
                  AND e.action = 'refund.settle-offline' AND e.actor_kind = 'staff' AND e.actor_id = f.settled_by))
        """,
    ),
    Query(
        "second-person-settled-the-refund",
        "线下退款由审批人自己登记，或终止挂账退款没有第二人",
        """
        SELECT f.number, f.decided_by, f.settled_by FROM refund f
        WHERE (f.settled_by IS NOT NULL AND f.settled_by = COALESCE(f.decided_by, f.settled_by))
           OR (f.requested_by_kind = 'system' AND EXISTS (
                SELECT 1 FROM audit_entry e WHERE e.object_kind = 'refund' AND e.object_key = f.number
                  AND e.action = 'refund.give-up' AND e.actor_id = COALESCE(f.decided_by, e.actor_id)))
        """,
    ),
    Query(
        "refund-ended-by-hand-is-on-no-bill",
        "已终止或已线下退款的单子，微信账单显示又退了一次",
        """
        SELECT DISTINCT f.number, f.status, l.amount_fen FROM refund f JOIN bill_line l ON l.out_refund_no = f.number
        WHERE f.submitted_at IS NULL AND (f.status = 'closed' OR (f.status = 'success' AND f.settled_by IS NOT NULL))
        """,
    ),
    Query(
        "refund-history-ends-where-it-stands",
        "退款单的状态与历史不符",
        """
        SELECT f.number, f.status, m.to_status FROM refund f
        LEFT JOIN refund_move m ON m.id = (SELECT MAX(id) FROM refund_move WHERE refund_id = f.id)
        WHERE COALESCE(m.to_status, '') <> f.status
        """,
    ),
    Query(
        "refund-is-followed",
        "已批准的退款无人跟进",
        f"""
        SELECT number, status FROM refund
        WHERE status IN {HELD_REFUND} AND next_try_at IS NULL AND last_error IS NULL
        """,
    ),
)
