"""Places and trees: none is sold twice, lost, or made out of nothing."""

from wxbackend.auditing.query import PAID, STANDS, Query

STOCK = (
    Query(
        "places-add-up",
        "基地名额与认种单不符",
        f"""
        SELECT b.public_id, b.held, b.sold, b.capacity, n.pledged, n.paid, n.standing FROM planting_base b JOIN (
            SELECT b.id, COALESCE(SUM(CASE WHEN g.status = 'pending' THEN g.tree_count END), 0) AS pledged,
                   COALESCE(SUM(CASE WHEN g.status IN {PAID} THEN g.tree_count - g.refunded_tree_count END), 0) AS paid,
                   COALESCE(SUM((SELECT COUNT(*) FROM pledge_tree t JOIN tree e ON e.id = t.tree_id
                        WHERE t.pledge_id = g.id AND t.ended_at IS NOT NULL AND e.planted_on IS NOT NULL
                          AND g.refunded_tree_count > 0 AND g.status NOT IN ('ended', 'renewed'))), 0) AS standing
            FROM planting_base b LEFT JOIN pledge g ON g.base_id = b.id AND g.kind = 'plant' GROUP BY b.id
        ) n ON n.id = b.id
        WHERE b.held <> n.pledged OR b.sold <> n.paid + n.standing OR b.held + b.sold > b.capacity
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
        f"""
        SELECT g.number, g.kind, g.status, g.tree_count, n.bound
        FROM pledge g JOIN (
            SELECT g.id, COUNT(t.tree_id) AS bound, {STANDS} AS stands
            FROM pledge g LEFT JOIN pledge_tree t ON t.pledge_id = g.id AND t.ended_at IS NULL GROUP BY g.id, g.status
        ) n ON n.id = g.id
        WHERE n.bound <> CASE
            WHEN g.kind = 'donate' OR n.stands IN ('cancelled', 'expired', 'ended', 'renewed', 'refunded') THEN 0
            WHEN g.kind = 'plant' AND n.stands IN ('pending', 'funded') THEN 0
            ELSE g.tree_count - g.refunded_tree_count END
        """,  # noqa: S608 - constants of this package
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
        "SELECT number, life, planted_on FROM tree WHERE life <> 'removed'"
        " AND (life IN ('planned', 'pit_dug')) <> (planted_on IS NULL)",
    ),
    Query(
        "tree-stands-at-its-base",
        "认种认养的树不在该基地",
        """
        SELECT t.number, g.number FROM pledge_tree b JOIN tree t ON t.id = b.tree_id JOIN pledge g ON g.id = b.pledge_id
        WHERE t.base_id <> g.base_id
        """,
    ),
    Query(
        "tree-numbers-are-dense",
        "树号有缺号、重号或超出计数",
        """
        SELECT k.village_code, k.year, k.last, n.made FROM tree_counter k LEFT JOIN (
            SELECT substr(number, 1, 14) AS series, COUNT(*) AS made,
                   COUNT(DISTINCT substr(number, 15, 5)) AS different, MAX(substr(number, 15, 5)) AS highest
            FROM tree GROUP BY substr(number, 1, 14)
        ) n ON n.series = k.village_code || substr(CAST(k.year AS TEXT), 3, 2)
        WHERE COALESCE(n.made, 0) <> k.last OR n.different <> k.last
           OR n.highest <> substr(CAST(100000 + k.last AS TEXT), 2, 5)
        """,
    ),
    Query(
        "tree-number-has-a-counter",
        "树号没有计数记录",
        """
        SELECT n.series FROM (SELECT DISTINCT substr(number, 1, 14) AS series FROM tree) n WHERE NOT EXISTS (
            SELECT 1 FROM tree_counter k WHERE n.series = k.village_code || substr(CAST(k.year AS TEXT), 3, 2))
        """,
    ),
)
