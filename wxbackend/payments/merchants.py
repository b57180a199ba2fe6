"""Merchant numbers that our books name and the configuration does not."""

from datetime import datetime

from sqlalchemy.orm import Session

from wxbackend.core import outbox
from wxbackend.core.dates import china_date

UNCONFIGURED = "merchant.unconfigured"


def report_unconfigured(session: Session, *, mchid: str, now: datetime) -> None:
    """Have somebody told that nothing can be asked for this merchant: once a day, whoever notices and how often."""
    outbox.enqueue(session, topic=UNCONFIGURED, key=f"{mchid}:{china_date(now)}", payload={"mchid": mchid}, now=now)
