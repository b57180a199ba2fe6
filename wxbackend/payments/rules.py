"""When to ask WeChat about an order, and how an order is named. Pure."""

from datetime import datetime, timedelta

from wxbackend.pledges.rules import PAY_MARGIN

#: An unpaid order is queried this long after it was placed; after the last step, when its time is over.
QUERY_STEPS = tuple(timedelta(seconds=s) for s in (10, 30, 60, 300))
#: While WeChat says that the user is typing the password.
BUSY_STEP = timedelta(seconds=60)
DESCRIPTION_BYTES = 127
#: The blind index of a payer is not that of the account: an erased account cannot be tied to its payments by it.
PAYER = "payer"


def out_trade_no(pledge_number: str, ordinal: int) -> str:
    """The pledge's number and a two-digit attempt: within 6–32 characters of ``[0-9A-Za-z_-*]``."""
    return f"{pledge_number}{ordinal:02d}"


def next_query_at(*, created_at: datetime, expires_at: datetime, query_count: int) -> datetime:
    """When to ask again after ``query_count`` answers that were not final."""
    over = expires_at + PAY_MARGIN
    if query_count >= len(QUERY_STEPS):
        return over
    return min(created_at + QUERY_STEPS[query_count], over)


def order_description(verb: str, base_name: str) -> str:
    """``认种 · 某某基地`` within WeChat's 127 bytes, cut at a whole character."""
    text = f"{verb} · {base_name}".encode()[:DESCRIPTION_BYTES]
    return text.decode(errors="ignore")
