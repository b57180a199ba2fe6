"""Money and points: each is booked once, where it belongs, for a reason that can be named."""

from wxbackend.auditing.query import EVER_PAID, Query

PAYMENTS = (
    Query(
        "paid-attempt-is-booked-once",
        "已支付的支付单没有恰好一笔等额入账",
        """
        SELECT p.out_trade_no, p.transaction_id, p.amount_fen, COUNT(t.id), COALESCE(SUM(t.amount), 0)
        FROM payment_attempt p
        LEFT JOIN ledger_transfer t ON t.idem = 'wxpay:' || p.transaction_id || ':money'
        WHERE p.status = 'success'
        GROUP BY p.id, p.out_trade_no, p.transaction_id, p.amount_fen
        HAVING COUNT(t.id) <> 1 OR COALESCE(SUM(t.amount), 0) <> p.amount_fen
        """,
    ),
    Query(
        "booked-money-has-an-attempt",
        "入账没有对应的已支付支付单",
        """
        SELECT t.idem, t.amount FROM ledger_transfer t
        WHERE (t.code IN ('payment', 'suspense') OR t.idem LIKE 'wxpay:%:money') AND NOT EXISTS (
            SELECT 1 FROM payment_attempt p
            WHERE p.status = 'success' AND t.idem = 'wxpay:' || p.transaction_id || ':money')
        """,
    ),
    Query(
        "money-lies-where-it-belongs",
        "款项没有进入该项目的专户，或应退款没有进入暂存户",
        """
        SELECT p.out_trade_no, c.owner, r.id IS NOT NULL AS due
        FROM payment_attempt p
        JOIN pledge g ON g.id = p.pledge_id
        JOIN campaign k ON k.id = g.campaign_id
        JOIN ledger_transfer t ON t.idem = 'wxpay:' || p.transaction_id || ':money'
        JOIN ledger_account c ON c.id = t.credit_id
        JOIN ledger_account d ON d.id = t.debit_id
        LEFT JOIN refund_due r ON r.attempt_id = p.id
        WHERE p.status = 'success' AND (d.owner <> 'wx:' || p.mchid OR COALESCE(t.pledge_id, 0) <> p.pledge_id
            OR c.owner <> CASE WHEN r.id IS NULL
                THEN 'fund:' || k.payee_id || ':' || k.id ELSE 'suspense:' || p.mchid END)
        """,
    ),
    Query(
        "paid-pledge-has-one-payment",
        "已付款的认种认捐单没有恰好一笔属于它的支付",
        f"""
        SELECT g.number, g.status, COUNT(p.id) FROM pledge g
        LEFT JOIN payment_attempt p ON p.pledge_id = g.id AND p.status = 'success' AND p.amount_fen = g.amount_fen
             AND NOT EXISTS (SELECT 1 FROM refund_due r WHERE r.attempt_id = p.id)
        GROUP BY g.id, g.number, g.status
        HAVING COUNT(p.id) <> CASE WHEN g.status IN {EVER_PAID} THEN 1 ELSE 0 END
        """,  # noqa: S608 - a constant of this module
    ),
    Query(
        "points-follow-their-rule",
        "付款积分与规则不符",
        """
        SELECT g.number, u.unit, COALESCE(t.amount, 0), g.amount_fen
        FROM pledge g
        JOIN points_rule r ON r.id = g.points_rule_id
        JOIN payment_attempt p ON p.pledge_id = g.id AND p.status = 'success'
             AND NOT EXISTS (SELECT 1 FROM refund_due d WHERE d.attempt_id = p.id)
        JOIN (SELECT 2 AS unit, ':green' AS ending UNION ALL SELECT 3, ':honour') u ON 1 = 1
        LEFT JOIN ledger_transfer t ON t.idem = 'wxpay:' || p.transaction_id || u.ending
        WHERE COALESCE(t.amount, 0) <> CASE u.unit
            WHEN 3 THEN g.amount_fen / r.fen_per_honour
            ELSE CASE WHEN g.reward = 'points' THEN COALESCE(g.amount_fen / r.fen_per_green, 0) ELSE 0 END END
           OR (t.id IS NOT NULL AND t.rule_id <> r.id)
        """,
    ),
    Query(
        "points-for-money-have-a-payment",
        "付款积分没有对应的支付",
        """
        SELECT t.idem, t.amount FROM ledger_transfer t
        WHERE (t.code = 'points-for-payment' OR t.idem LIKE 'wxpay:%:green' OR t.idem LIKE 'wxpay:%:honour')
          AND NOT EXISTS (
            SELECT 1 FROM payment_attempt p WHERE p.status = 'success' AND p.pledge_id = t.pledge_id
              AND t.idem IN ('wxpay:' || p.transaction_id || ':green', 'wxpay:' || p.transaction_id || ':honour')
              AND NOT EXISTS (SELECT 1 FROM refund_due r WHERE r.attempt_id = p.id))
        """,
    ),
    Query(
        "points-went-to-the-payer",
        "付款积分没有记入付款人的账户",
        """
        SELECT t.idem, c.owner, d.owner FROM ledger_transfer t
        JOIN ledger_account c ON c.id = t.credit_id JOIN ledger_account d ON d.id = t.debit_id
        JOIN pledge g ON g.id = t.pledge_id
        WHERE t.code = 'points-for-payment' AND (c.owner <> 'resident:' || g.resident_id OR c.unit <> d.unit
            OR (t.idem LIKE '%:green') <> (c.unit = 2)
            OR d.owner <> CASE c.unit WHEN 2 THEN 'issue:green:' ELSE 'issue:honour:' END || g.county_code)
        """,
    ),
    Query(
        "attempt-asks-the-price",
        "支付单金额与认种认捐单不符",
        """
        SELECT p.out_trade_no, p.amount_fen, g.amount_fen FROM payment_attempt p
        JOIN pledge g ON g.id = p.pledge_id WHERE p.amount_fen <> g.amount_fen
          AND NOT EXISTS (SELECT 1 FROM refund_due r WHERE r.attempt_id = p.id AND r.reason = 'mismatch')
        """,
    ),
    Query(
        "price-times-trees",
        "认种认养单的金额不等于单价乘株数",
        """
        SELECT number, unit_price_fen, tree_count, amount_fen FROM pledge
        WHERE kind <> 'donate' AND amount_fen <> COALESCE(unit_price_fen * tree_count, 0)
        """,
    ),
    Query(
        "paid-when-wechat-says",
        "认种认捐单的付款时间与支付单不符",
        f"""
        SELECT g.number, g.paid_at FROM pledge g WHERE g.status IN {EVER_PAID} AND NOT EXISTS (
            SELECT 1 FROM payment_attempt p WHERE p.pledge_id = g.id AND p.status = 'success' AND p.paid_at = g.paid_at)
        """,  # noqa: S608 - a constant of this module
    ),
    Query(
        "refund-due-is-what-came-in",
        "应退款与收款不符",
        """
        SELECT r.transaction_id, r.amount_fen, p.amount_fen
        FROM refund_due r JOIN payment_attempt p ON p.id = r.attempt_id
        WHERE p.status <> 'success' OR p.transaction_id <> r.transaction_id
           OR p.amount_fen <> r.amount_fen OR p.pledge_id <> r.pledge_id
        """,
    ),
    Query(
        "suspense-holds-what-is-owed",
        "暂存户余额与应退款合计不符",
        """
        SELECT a.owner, a.balance, COALESCE(SUM(r.amount_fen), 0) AS waits FROM ledger_account a
        LEFT JOIN payment_attempt p ON a.owner = 'suspense:' || p.mchid
        LEFT JOIN refund_due r ON r.attempt_id = p.id AND NOT EXISTS (
            SELECT 1 FROM refund f
            WHERE f.due_id = r.id AND f.status IN ('approved', 'submitted', 'abnormal', 'success'))
        WHERE a.kind = 'suspense'
        GROUP BY a.id, a.owner, a.balance HAVING a.balance <> COALESCE(SUM(r.amount_fen), 0)
        """,
    ),
    Query(
        "applied-notice-is-booked",
        "已处理的支付通知没有对应的成功支付单",
        """
        SELECT n.id, n.out_trade_no FROM payment_notice n WHERE n.state = 'applied' AND NOT EXISTS (
            SELECT 1 FROM payment_attempt p WHERE p.out_trade_no = n.out_trade_no AND p.status = 'success')
        """,
    ),
    Query(
        "quarantined-notice-has-a-mismatch",
        "被隔离的支付通知没有差异记录",
        """
        SELECT n.id, n.out_trade_no FROM payment_notice n WHERE n.state = 'quarantined' AND NOT EXISTS (
            SELECT 1 FROM payment_mismatch m WHERE m.out_trade_no = n.out_trade_no
                OR (m.field LIKE 'refund_out_trade_no:%' AND m.found = n.out_trade_no))
        """,
    ),
    Query(
        "rules-do-not-overlap",
        "积分规则的有效期重叠",
        """
        SELECT a.code, a.version, b.version FROM points_rule a JOIN points_rule b ON b.id > a.id AND b.code = a.code
             AND COALESCE(b.county_code, '') = COALESCE(a.county_code, '')
        WHERE a.valid_from <= COALESCE(b.valid_to, a.valid_from) AND b.valid_from <= COALESCE(a.valid_to, b.valid_from)
        """,
    ),
)
