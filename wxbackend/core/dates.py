"""Business time: instants are stored as UTC, dates are those of China."""

from datetime import date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991; every date here is later


def china_date(moment: datetime) -> date:
    """The business date (Asia/Shanghai) of an instant. Every deadline and counter is cut by this one function."""
    return moment.astimezone(CHINA).date()
