"""Who may have a donation receipt (公益事业捐赠票据), and how its numbers are written. Pure.

Source: 财综〔2024〕1号 第八条: no receipt for what serves the giver's own interest.
"""

import re
from types import MappingProxyType
from urllib.parse import urlsplit

from stdnum.cn.uscc import calc_check_digit

from models import PledgeStatus, ReceiptStatus

TITLE_LENGTH, URL_LENGTH, NUMBER_LENGTH = 60, 300, 40
#: GB 32100-2015: registering authority and kind, six digits of the region, nine of the organisation, a check
#: character. Authority and kind may be letters (``N2`` is a village's collective economy), which stdnum refuses.
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
#: Code and number of an electronic receipt, with or without hyphens.
_NUMBER = re.compile(rf"[0-9A-Z][0-9A-Z-]{{5,{NUMBER_LENGTH - 1}}}")
#: A pledge in one of these is paid, and no refund of it is under way.
RECEIPTABLE = (
    PledgeStatus.FUNDED,
    PledgeStatus.ALLOCATED,
    PledgeStatus.PLANTED,
    PledgeStatus.ACTIVE,
    PledgeStatus.ENDED,
    PledgeStatus.RENEWED,
)
RECEIPT_STATUS_WORDS = MappingProxyType(
    {
        ReceiptStatus.REQUESTED: "待开具",
        ReceiptStatus.ISSUED: "已开具",
        ReceiptStatus.REJECTED: "已退回",
        ReceiptStatus.WITHDRAWN: "已撤回",
        ReceiptStatus.RED_REVERSED: "已红冲",
    }
)


def is_uscc(text: str) -> bool:
    """Whether ``text`` is a unified social credit code (统一社会信用代码), in capitals, with the right last one."""
    return _USCC.fullmatch(text) is not None and calc_check_digit(text[:-1]) == text[-1]


def is_receipt_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def is_safe_url(text: str) -> bool:
    """An https address with a host and nobody's password in it."""
    try:
        parts = urlsplit(text)
        plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= URL_LENGTH
        return plain and parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # a host in broken brackets
        return False
