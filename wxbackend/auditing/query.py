"""One thing that must be true of the database, as a SELECT that finds what breaks it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """``title`` is what staff read when a row is found; a row's first column names the thing that is wrong."""

    name: str
    title: str
    sql: str


#: What was paid for and not wholly given back.
PAID = "('funded', 'allocated', 'planted', 'active', 'ended', 'renewed', 'refunding')"
#: What was paid for once, whatever became of it.
EVER_PAID = "('funded', 'allocated', 'planted', 'active', 'ended', 'renewed', 'refunding', 'refunded')"
#: Refunds that wait for somebody, and those for which money is set aside.
OPEN_REFUND = "('requested', 'approved', 'submitted', 'abnormal')"
HELD_REFUND = "('approved', 'submitted', 'abnormal')"
#: Where a pledge ``g`` stands, apart from being frozen for a refund.
STANDS = f"""CASE WHEN g.status = 'refunding' THEN (SELECT f.from_status FROM refund f WHERE f.pledge_id = g.id
            AND f.due_id IS NULL AND f.status IN {OPEN_REFUND}) ELSE g.status END"""  # noqa: S608 - constants
