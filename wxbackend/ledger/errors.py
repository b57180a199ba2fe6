"""What the ledger refuses."""

from wxbackend.core.errors import Conflict, NotFound


class Insufficient(Conflict):
    code, title = "insufficient-balance", "余额不足"


class OverReversed(Conflict):
    code, title = "already-reversed", "冲正金额超过原记账金额"


class IdempotencyMismatch(Conflict):
    code, title = "ledger-key-mismatch", "同一记账凭证号对应的内容不一致"


class NoSuchTransfer(NotFound):
    code, title = "no-such-transfer", "未找到该笔记账"
