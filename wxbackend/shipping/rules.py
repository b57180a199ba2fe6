"""What is reported of an order. Pure."""

from models import PledgeKind
from wxbackend.core.outbox import Work
from wxbackend.pledges.rules import KIND_WORDS

REPORT = "shipping.report"
#: WeChat's limit for the description of an item.
DESCRIPTION_LENGTH = 120


def report_due(transaction_id: str) -> Work:
    """The work of reporting a payment, once."""
    return Work(REPORT, transaction_id, {"transaction_id": transaction_id})


def description(*, kind: PledgeKind, species: str, tree_count: int, base: str, campaign: str, number: str) -> str:
    """What was pledged, where, and under which number; a long name gives way to the number."""
    what = f"{species}{tree_count}棵，{base}" if tree_count else campaign
    tail = f"，编号{number}"
    return f"{KIND_WORDS[kind]}{what}"[: DESCRIPTION_LENGTH - len(tail)] + tail
