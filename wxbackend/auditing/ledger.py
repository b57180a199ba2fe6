"""The ledger adds up by itself: every balance, unit, lot and reversal."""

from wxbackend.auditing.query import Query

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
    Query(
        "account-is-what-its-name-says",
        "账户的类别、单位或下限与名称不符",
        """
        SELECT owner, unit, kind, hot, floor FROM ledger_account WHERE NOT CASE kind
            WHEN 'merchant' THEN owner LIKE 'wx:%' AND unit = 1 AND hot AND floor IS NULL
            WHEN 'fund' THEN owner LIKE 'fund:%' AND unit = 1 AND hot AND floor IS NULL
            WHEN 'refunding' THEN owner LIKE 'refunding:%' AND unit = 1 AND NOT hot AND COALESCE(floor, -1) = 0
            WHEN 'suspense' THEN owner LIKE 'suspense:%' AND unit = 1 AND NOT hot AND COALESCE(floor, -1) = 0
            WHEN 'issue' THEN owner LIKE 'issue:%' AND unit IN (2, 3) AND hot AND floor IS NULL
            WHEN 'resident' THEN owner LIKE 'resident:%' AND unit IN (2, 3) AND NOT hot AND COALESCE(floor, -1) = 0
            ELSE FALSE END
        """,
    ),
    Query(
        "summed-account-keeps-no-balance",
        "合计账户存有余额",
        """
        SELECT owner, unit, balance, held FROM ledger_account WHERE hot AND (balance <> 0 OR held <> 0)
        """,
    ),
    Query(
        "balance-knows-its-newest-transfer",
        "账户记录的最新流水不符",
        """
        SELECT a.owner, a.unit, a.last_id FROM ledger_account a WHERE NOT a.hot AND a.last_id <> (
            SELECT COALESCE(MAX(t.id), 0) FROM ledger_transfer t
            WHERE t.id IN ((SELECT MAX(id) FROM ledger_transfer WHERE credit_id = a.id),
                           (SELECT MAX(id) FROM ledger_transfer WHERE debit_id = a.id)))
        """,
    ),
    Query(
        "transfer-joins-the-right-accounts",
        "流水的用途与两端账户不符",
        """
        SELECT t.idem, t.code, d.owner, c.owner FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
        WHERE NOT CASE t.code
            WHEN 'payment' THEN d.kind = 'merchant' AND c.kind = 'fund'
            WHEN 'suspense' THEN d.kind = 'merchant' AND c.kind = 'suspense'
            WHEN 'points-for-payment' THEN d.kind = 'issue' AND c.kind = 'resident'
            WHEN 'refund-hold' THEN d.kind IN ('fund', 'suspense') AND c.kind = 'refunding'
            WHEN 'refund' THEN d.kind = 'refunding' AND c.kind = 'merchant'
            WHEN 'points-debt' THEN d.kind = 'resident' AND d.unit = 2 AND c.kind = 'issue'
            WHEN 'spend' THEN d.kind IN ('fund', 'resident')
            WHEN 'reversal' THEN t.reverses_id IS NOT NULL
            ELSE FALSE END OR (t.reverses_id IS NOT NULL AND t.code <> 'reversal')
        """,
    ),
    Query(
        "reversal-mirrors-the-original",
        "冲正与原流水方向不符",
        """
        SELECT r.idem, o.idem FROM ledger_transfer r JOIN ledger_transfer o ON o.id = r.reverses_id
        WHERE r.debit_id <> o.credit_id OR r.credit_id <> o.debit_id OR o.reverses_id IS NOT NULL
        """,
    ),
    Query(
        "lot-is-its-transfer",
        "批次与入账流水不符",
        """
        SELECT l.id, l.amount, t.idem, t.amount FROM lot l JOIN ledger_transfer t ON t.id = l.transfer_id
        WHERE t.credit_id <> l.account_id OR t.amount <> l.amount OR t.reverses_id IS NOT NULL
        """,
    ),
    Query(
        "fund-money-is-in-lots",
        "专户余额与批次合计不符",
        """
        SELECT a.owner, COALESCE((SELECT SUM(remaining) FROM lot WHERE account_id = a.id), 0) AS in_lots
        FROM ledger_account a
        WHERE a.kind = 'fund' AND COALESCE((SELECT SUM(remaining) FROM lot WHERE account_id = a.id), 0) <>
               COALESCE((SELECT SUM(t.amount) FROM ledger_transfer t WHERE t.credit_id = a.id), 0)
             - COALESCE((SELECT SUM(t.amount) FROM ledger_transfer t WHERE t.debit_id = a.id), 0)
        """,
    ),
    Query(
        "lot-is-used-by-its-owner",
        "批次被其他账户使用",
        """
        SELECT u.lot_id, t.idem, u.amount FROM lot_use u
        JOIN lot l ON l.id = u.lot_id JOIN ledger_transfer t ON t.id = u.transfer_id
        WHERE l.account_id <> CASE WHEN u.amount > 0 THEN t.debit_id ELSE t.credit_id END
        """,
    ),
    Query(
        "spending-names-its-lots",
        "支出没有写明来自哪些批次",
        """
        SELECT t.idem, t.amount, COALESCE(SUM(u.amount), 0) FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        LEFT JOIN lot_use u ON u.transfer_id = t.id AND u.amount > 0
        WHERE d.kind = 'fund' OR (d.kind = 'resident' AND d.unit = 2)
        GROUP BY t.id, t.idem, t.amount HAVING COALESCE(SUM(u.amount), 0) <> t.amount
        """,
    ),
    Query(
        "reversal-gives-back-its-lots",
        "冲正没有写明归还哪些批次",
        """
        SELECT t.idem, t.amount, COALESCE(-SUM(u.amount), 0) FROM ledger_transfer t
        JOIN ledger_account c ON c.id = t.credit_id
        LEFT JOIN lot_use u ON u.transfer_id = t.id AND u.amount < 0
        WHERE t.reverses_id IS NOT NULL AND (c.kind = 'fund' OR (c.kind = 'resident' AND c.unit = 2))
        GROUP BY t.id, t.idem, t.amount HAVING COALESCE(-SUM(u.amount), 0) <> t.amount
        """,
    ),
)
