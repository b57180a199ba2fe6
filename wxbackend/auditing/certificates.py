"""Certificates: each has a payment, a serial without gaps, and a history."""

from wxbackend.auditing.query import EVER_PAID, Query

CERTIFICATES = (
    Query(
        "certificate-needs-a-payment",
        "未付款的单子有证书",
        f"""
        SELECT c.public_id, c.serial, g.number, g.status FROM certificate c JOIN pledge g ON g.id = c.pledge_id
        WHERE g.status NOT IN {EVER_PAID} OR (c.kind = 'JK') <> (g.kind = 'donate') OR c.resident_id <> g.resident_id
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
        SELECT s.kind, s.region, s.year, s.last, n.issued FROM serial_counter s LEFT JOIN (
            SELECT substr(serial, 1, 12) AS series, COUNT(*) AS issued,
                   COUNT(DISTINCT substr(serial, 13, 7)) AS different, MAX(substr(serial, 13, 7)) AS highest
            FROM certificate WHERE serial IS NOT NULL GROUP BY substr(serial, 1, 12)
        ) n ON n.series = s.kind || s.region || s.year
        WHERE COALESCE(n.issued, 0) <> s.last OR n.different <> s.last
           OR n.highest <> substr(CAST(10000000 + s.last AS TEXT), 2, 7)
        """,
    ),
    Query(
        "serial-has-a-counter",
        "证书编号没有计数记录",
        """
        SELECT c.serial FROM certificate c WHERE c.serial IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM serial_counter s WHERE substr(c.serial, 1, 12) = s.kind || s.region || s.year)
        """,
    ),
    Query(
        "serial-says-what-it-is",
        "证书编号与类别、县或年份不符",
        """
        SELECT serial, kind, county_code, issued_on FROM certificate
        WHERE serial IS NOT NULL AND (substr(serial, 1, 2) <> kind OR substr(serial, 3, 6) <> substr(county_code, 1, 6)
           OR substr(serial, 9, 4) <> substr(CAST(issued_on AS TEXT), 1, 4))
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
        SELECT c.serial FROM certificate c JOIN pledge g ON g.id = c.pledge_id
        WHERE c.status = 'superseded' AND g.status <> 'refunded'
          AND NOT EXISTS (SELECT 1 FROM certificate n WHERE n.supersedes_id = c.id)
        """,
    ),
    Query(
        "successor-took-its-place",
        "替代证书与被替代的证书不符",
        """
        SELECT n.serial, o.serial, o.status FROM certificate n JOIN certificate o ON o.id = n.supersedes_id
        WHERE o.status <> 'superseded' OR o.pledge_id <> n.pledge_id OR o.kind <> n.kind
        """,
    ),
    Query(
        "one-first-certificate",
        "同一单子被重复颁证",
        """
        SELECT g.number, c.kind, COUNT(*) FROM certificate c JOIN pledge g ON g.id = c.pledge_id
        WHERE c.supersedes_id IS NULL GROUP BY g.number, c.kind HAVING COUNT(*) > 1
        """,
    ),
    Query(
        "certificate-moved-once",
        "证书历史重复",
        """
        SELECT c.public_id, m.to_status, COUNT(*) FROM certificate_move m JOIN certificate c ON c.id = m.certificate_id
        GROUP BY c.public_id, m.to_status HAVING COUNT(*) > 1
        """,
    ),
    Query(
        "paid-work-is-not-lost",
        "已付款的单子没有证书，也没有待办任务",
        """
        SELECT g.number, g.kind FROM pledge g WHERE g.status = 'funded'
          AND NOT EXISTS (SELECT 1 FROM certificate c WHERE c.pledge_id = g.id AND g.kind = 'donate')
          AND NOT EXISTS (SELECT 1 FROM outbox_message o
                          WHERE o.topic = 'pledge.fulfil' AND substr(o.key, 1, 17) = g.number AND o.status <> 'done')
        """,
    ),
    Query(
        "issued-is-drawn",
        "已颁发的证书没有文件，也没有待办任务",
        """
        SELECT c.serial, COUNT(f.id) FROM certificate c LEFT JOIN certificate_file f ON f.certificate_id = c.id
        WHERE c.status = 'issued' AND c.holder_name_sealed IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM outbox_message o
            WHERE o.topic = 'certificate.draw' AND o.key = c.serial AND o.status <> 'done')
        GROUP BY c.id, c.serial HAVING COUNT(f.id) < 4
        """,
    ),
)
