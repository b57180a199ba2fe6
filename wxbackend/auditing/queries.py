"""What must be true of the database, each as one SELECT that finds what breaks it.

Nothing here is shared with the code that books: a mistake there must not hide itself here. A row's first column names
the thing that is wrong, the others say how. The SQL is the same on SQLite and PostgreSQL.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """``title`` is what staff read when a row is found."""

    name: str
    title: str
    sql: str


PAID = "('funded', 'allocated', 'planted', 'active', 'ended', 'renewed')"

LEDGER = (
    Query(
        "balance-is-the-sum",
        "账户余额与流水合计不符",
        """
        SELECT a.owner, a.unit, a.balance,
               COALESCE((SELECT SUM(t.amount) FROM ledger_transfer t WHERE t.credit_id = a.id), 0)
             - COALESCE((SELECT SUM(t.amount) FROM ledger_transfer t WHERE t.debit_id = a.id), 0) AS summed
        FROM ledger_account a
        WHERE NOT a.hot AND a.balance <>
               COALESCE((SELECT SUM(t.amount) FROM ledger_transfer t WHERE t.credit_id = a.id), 0)
             - COALESCE((SELECT SUM(t.amount) FROM ledger_transfer t WHERE t.debit_id = a.id), 0)
        """,
    ),
    Query(
        "no-overdraft",
        "账户余额低于下限",
        "SELECT owner, unit, balance, held, floor FROM ledger_account"
        " WHERE held < 0 OR (floor IS NOT NULL AND balance - held < floor)",
    ),
    Query(
        "one-unit-a-transfer",
        "流水两端单位不同",
        """
        SELECT t.idem, d.unit, c.unit FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
        WHERE d.unit <> c.unit OR t.amount < 1
        """,
    ),
    Query(
        "lots-add-up",
        "批次余额与使用记录不符",
        """
        SELECT l.id, l.amount, l.remaining, COALESCE(SUM(u.amount), 0) AS used
        FROM lot l LEFT JOIN lot_use u ON u.lot_id = l.id
        GROUP BY l.id, l.amount, l.remaining
        HAVING l.remaining < 0 OR l.remaining <> l.amount - COALESCE(SUM(u.amount), 0)
        """,
    ),
    Query(
        "green-points-are-in-lots",
        "绿色积分余额与批次合计不符",
        """
        SELECT a.owner, a.balance, COALESCE((SELECT SUM(remaining) FROM lot WHERE account_id = a.id), 0) AS in_lots
        FROM ledger_account a WHERE a.unit = 2 AND NOT a.hot
          AND a.balance <> COALESCE((SELECT SUM(remaining) FROM lot WHERE account_id = a.id), 0)
        """,
    ),
    Query(
        "reversals-within-the-original",
        "冲正超过原流水",
        """
        SELECT o.idem, o.amount, SUM(r.amount) FROM ledger_transfer r JOIN ledger_transfer o ON o.id = r.reverses_id
        GROUP BY o.id, o.idem, o.amount HAVING SUM(r.amount) > o.amount
        """,
    ),
)

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
        WHERE t.idem LIKE 'wxpay:%:money' AND NOT EXISTS (
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
        LEFT JOIN refund_due r ON r.attempt_id = p.id
        WHERE p.status = 'success' AND c.owner <> CASE WHEN r.id IS NULL
            THEN 'fund:' || k.payee_id || ':' || k.id ELSE 'suspense:' || p.mchid END
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
        HAVING COUNT(p.id) <> CASE WHEN g.status IN {PAID} THEN 1 ELSE 0 END
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
        WHERE (t.idem LIKE 'wxpay:%:green' OR t.idem LIKE 'wxpay:%:honour') AND NOT EXISTS (
            SELECT 1 FROM payment_attempt p WHERE p.status = 'success' AND p.pledge_id = t.pledge_id
              AND t.idem LIKE 'wxpay:' || p.transaction_id || ':%')
        """,
    ),
)

STOCK = (
    Query(
        "places-add-up",
        "基地名额与认种单不符",
        f"""
        SELECT b.public_id, b.held, b.sold, b.capacity,
               COALESCE(SUM(CASE WHEN g.status = 'pending' THEN g.tree_count END), 0) AS pledged,
               COALESCE(SUM(CASE WHEN g.status IN {PAID} THEN g.tree_count END), 0) AS paid
        FROM planting_base b LEFT JOIN pledge g ON g.base_id = b.id AND g.kind = 'plant'
        GROUP BY b.id, b.public_id, b.held, b.sold, b.capacity
        HAVING b.held <> COALESCE(SUM(CASE WHEN g.status = 'pending' THEN g.tree_count END), 0)
            OR b.sold <> COALESCE(SUM(CASE WHEN g.status IN {PAID} THEN g.tree_count END), 0)
            OR b.held + b.sold > b.capacity
        """,  # noqa: S608 - a constant of this module
    ),
    Query(
        "full-means-sold-out",
        "基地标记为已满但未售完",
        "SELECT public_id, sold, capacity FROM planting_base WHERE status = 'full' AND sold <> capacity",
    ),
    Query(
        "pledge-has-its-trees",
        "认种认养单的树木数量不符",
        """
        SELECT g.number, g.kind, g.status, g.tree_count, COUNT(t.tree_id)
        FROM pledge g LEFT JOIN pledge_tree t ON t.pledge_id = g.id AND t.ended_at IS NULL
        GROUP BY g.id, g.number, g.kind, g.status, g.tree_count
        HAVING COUNT(t.tree_id) <> CASE
            WHEN g.kind = 'donate' OR g.status IN ('cancelled', 'expired', 'ended', 'renewed') THEN 0
            WHEN g.kind = 'plant' AND g.status IN ('pending', 'funded') THEN 0
            ELSE g.tree_count END
        """,
    ),
    Query(
        "tree-and-pledge-agree",
        "树木的认养状态与认养单不符",
        f"""
        SELECT t.number, t.adoption, g.number, g.status
        FROM tree t
        LEFT JOIN pledge_tree b ON b.tree_id = t.id AND b.ended_at IS NULL
        LEFT JOIN pledge g ON g.id = b.pledge_id
        WHERE t.adoption <> CASE
            WHEN g.id IS NULL AND t.adoption IN ('open', 'closed', 'ended') THEN t.adoption
            WHEN g.status = 'pending' THEN 'held'
            WHEN g.status IN {PAID} THEN 'adopted'
            ELSE '' END
        """,  # noqa: S608 - a constant of this module
    ),
    Query(
        "planted-has-a-date",
        "未种植的树有种植日期，或已种植的树没有",
        "SELECT number, life, planted_on FROM tree WHERE (life IN ('planned', 'pit_dug')) <> (planted_on IS NULL)",
    ),
)

CERTIFICATES = (
    Query(
        "certificate-needs-a-payment",
        "未付款的单子有证书",
        f"""
        SELECT c.public_id, c.serial, g.number, g.status FROM certificate c JOIN pledge g ON g.id = c.pledge_id
        WHERE g.status NOT IN {PAID} OR (c.kind = 'JK') <> (g.kind = 'donate') OR c.resident_id <> g.resident_id
        """,  # noqa: S608 - a constant of this module
    ),
    Query(
        "fulfilled-has-a-certificate",
        "已履约的单子没有证书",
        """
        SELECT g.number, g.status FROM pledge g
        WHERE g.status IN ('allocated', 'planted', 'active')
          AND NOT EXISTS (SELECT 1 FROM certificate c WHERE c.pledge_id = g.id)
        """,
    ),
    Query(
        "one-live-certificate",
        "同一单子有多份有效证书",
        """
        SELECT g.number, c.kind, COUNT(*) FROM certificate c JOIN pledge g ON g.id = c.pledge_id
        WHERE c.status IN ('applied', 'issued') GROUP BY g.number, c.kind HAVING COUNT(*) > 1
        """,
    ),
    Query(
        "serials-are-dense",
        "证书编号有缺号、重号或超出计数",
        """
        SELECT s.kind, s.region, s.year, s.last, COUNT(c.id) FROM serial_counter s
        LEFT JOIN certificate c ON c.serial IS NOT NULL
             AND substr(c.serial, 1, 12) = s.kind || s.region || s.year
             AND CAST(substr(c.serial, 13, 7) AS INTEGER) BETWEEN 1 AND s.last
        GROUP BY s.kind, s.region, s.year, s.last HAVING COUNT(DISTINCT substr(c.serial, 13, 7)) <> s.last
        """,
    ),
    Query(
        "serial-within-its-counter",
        "证书编号没有计数记录",
        """
        SELECT c.serial FROM certificate c WHERE c.serial IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM serial_counter s WHERE substr(c.serial, 1, 12) = s.kind || s.region || s.year
              AND CAST(substr(c.serial, 13, 7) AS INTEGER) <= s.last)
        """,
    ),
    Query(
        "ended-certificate-has-a-history",
        "证书状态与历史不符",
        """
        SELECT c.serial, c.status FROM certificate c WHERE c.status <> 'applied' AND NOT EXISTS (
            SELECT 1 FROM certificate_move m WHERE m.certificate_id = c.id AND m.to_status = c.status)
        """,
    ),
    Query(
        "superseded-has-a-successor",
        "被替代的证书没有后继",
        """
        SELECT c.serial FROM certificate c WHERE c.status = 'superseded'
          AND NOT EXISTS (SELECT 1 FROM certificate n WHERE n.supersedes_id = c.id)
        """,
    ),
)

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
)

QUERIES = (*LEDGER, *PAYMENTS, *STOCK, *CERTIFICATES, *STATES)
