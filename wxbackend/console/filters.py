"""How figures and times are written on console pages."""

from datetime import date, datetime

from wxbackend.core.dates import CHINA

FEN_PER_YUAN = 100


def yuan(amount_fen: int) -> str:
    """``175830050`` → ``1,758,300.50``."""
    whole, rest = divmod(abs(amount_fen), FEN_PER_YUAN)
    return f"{'-' if amount_fen < 0 else ''}{whole:,}.{rest:02d}"


def count(number: int) -> str:
    return f"{number:,}"


def moment(at: datetime | None) -> str:
    """China time to the second; a dash for nothing."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S") if at else "—"


def day(on: date | None) -> str:
    return on.isoformat() if on else "—"
