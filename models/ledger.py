"""The ledger (账本): accounts, transfers, and the lots from which every spending is traced.

One transfer row is one debit and one credit, so it cannot be unbalanced. Rows are only added; balances and what
remains of a lot are derived by triggers (``models.triggers``). All amounts are integers: fen, points.
"""

from datetime import date, datetime
from enum import IntEnum, StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from models.base import Base, EnumText, HasId

#: The widest amount of one transfer: what JSON carries exactly, and far from overflowing a balance.
MAX_AMOUNT = 2**53


class Unit(IntEnum):
    """What an account counts. Two units never meet in one transfer."""

    FEN = 1
    GREEN = 2  # 绿色积分, redeemable, in lots that expire
    HONOUR = 3  # 荣誉值, never spent, no lots


class AccountKind(StrEnum):
    MERCHANT = "merchant"  # where money comes in, one per merchant number
    FUND = "fund"  # what a payee holds for one campaign; each payment is a lot
    SUSPENSE = "suspense"  # money that found no pledge and waits for its refund
    ISSUE = "issue"  # where points come from, one per county and unit
    RESIDENT = "resident"
    REFUNDING = "refunding"  # money set aside for refunds that were approved, one per merchant number


class TransferCode(StrEnum):
    """Why value moved."""

    PAYMENT = "payment"
    SUSPENSE = "suspense"
    POINTS_FOR_PAYMENT = "points-for-payment"
    SPEND = "spend"
    REVERSAL = "reversal"
    REFUND_HOLD = "refund-hold"  # fund or suspense → refunding, when a refund is approved
    REFUND = "refund"  # refunding → merchant, when WeChat says that the payer has it
    POINTS_DEBT = "points-debt"  # points earned later that make up for points spent before their refund


def _whole(*columns: str) -> SchemaItem:
    """SQLite keeps ``1.5`` and ``'x'`` in a BIGINT column unless a CHECK refuses them."""
    words = " AND ".join(f"typeof({column}) IN ('integer', 'null')" for column in columns)
    return CheckConstraint(words, name="whole_numbers").ddl_if(dialect="sqlite")


class LedgerAccount(HasId, Base):
    """An account. ``hot`` ones are never updated: their balance is summed when somebody asks.

    ``kind`` and ``code`` have no CHECK of their members: widening one would rebuild a guarded table on SQLite.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (
        UniqueConstraint("owner", "unit"),
        CheckConstraint("unit IN (1, 2, 3)", name="unit"),
        CheckConstraint("length(owner) BETWEEN 1 AND 120", name="owner_length"),
        CheckConstraint("floor IS NULL OR balance - held >= floor", name="no_overdraft"),
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("NOT hot OR (floor IS NULL AND balance = 0 AND held = 0)", name="hot_is_summed"),
        CheckConstraint("hot IN (0, 1)", name="hot").ddl_if(dialect="sqlite"),
        _whole("unit", "floor", "balance", "held", "last_id"),
        {"postgresql_with": {"fillfactor": 70}},  # room for updates in place
    )

    unit: Mapped[int] = mapped_column(SmallInteger)
    owner: Mapped[str]
    kind: Mapped[AccountKind] = mapped_column(EnumText(AccountKind))
    #: The lowest balance allowed; NULL is no limit.
    floor: Mapped[int | None]
    hot: Mapped[bool]
    balance: Mapped[int] = mapped_column(default=0)
    #: Reserved for amounts set aside and not yet taken.
    held: Mapped[int] = mapped_column(default=0)
    #: The newest transfer that moved the balance.
    last_id: Mapped[int] = mapped_column(default=0)


class LedgerTransfer(HasId, Base):
    """One movement of ``amount`` from the debit to the credit account. Gaps in ``id`` are normal."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        CheckConstraint(f"amount BETWEEN 1 AND {MAX_AMOUNT}", name="amount"),
        CheckConstraint("debit_id <> credit_id", name="two_accounts"),
        CheckConstraint("length(idem) BETWEEN 1 AND 160", name="idem_length"),
        CheckConstraint("length(req) = 32", name="req_length"),
        CheckConstraint("length(doc) BETWEEN 1 AND 160", name="doc_length"),
        CheckConstraint("length(memo) <= 300", name="memo_length"),
        _whole("amount", "debit_id", "credit_id", "reverses_id", "rule_id", "pledge_id"),
        Index(None, "debit_id", "id"),
        Index(None, "credit_id", "id"),
    )

    #: The key of the event: each is booked once, for ever (``wxpay:{transaction_id}:money``).
    idem: Mapped[str] = mapped_column(unique=True)
    #: SHA-256 of what was asked: the same key with another content is refused.
    req: Mapped[bytes]
    #: The document that several transfers belong to, such as ``wxpay:{transaction_id}``.
    doc: Mapped[str]
    code: Mapped[TransferCode] = mapped_column(EnumText(TransferCode))
    debit_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    credit_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    amount: Mapped[int]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_transfer.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("points_rule.id"))
    pledge_id: Mapped[int | None] = mapped_column(ForeignKey("pledge.id"))
    at: Mapped[datetime]
    memo: Mapped[str]


Index(
    None,
    LedgerTransfer.reverses_id,
    postgresql_where=LedgerTransfer.reverses_id.is_not(None),
    sqlite_where=LedgerTransfer.reverses_id.is_not(None),
)
Index(
    None,
    LedgerTransfer.pledge_id,
    postgresql_where=LedgerTransfer.pledge_id.is_not(None),
    sqlite_where=LedgerTransfer.pledge_id.is_not(None),
)


class Lot(HasId, Base):
    """What one transfer brought in (一笔一批), until it is used up or expires.

    A fund's lots tie each fen to the payment it came from; green points are spent earliest expiry first.
    """

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint(f"amount BETWEEN 1 AND {MAX_AMOUNT}", name="amount"),
        CheckConstraint("remaining BETWEEN 0 AND amount", name="remaining"),
        CheckConstraint("length(source) BETWEEN 1 AND 40", name="source_length"),
        CheckConstraint("length(purpose) BETWEEN 1 AND 40", name="purpose_length"),
        _whole("account_id", "transfer_id", "amount", "remaining"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfer.id"), unique=True)
    #: Where it came from and what it may be used for: a restricted gift serves its purpose only.
    source: Mapped[str]
    purpose: Mapped[str]
    #: The last day (in China) on which it can be spent; NULL is for ever.
    expires_on: Mapped[date | None] = mapped_column(Date)
    amount: Mapped[int]
    remaining: Mapped[int]


#: The last day of a lot as a sort key: lots without one come last, on both databases, and an index serves it.
LAST_DAY = literal_column("coalesce(expires_on, '9999-12-31')", type_=Date())

Index(
    "ix_lot_open",
    Lot.account_id,
    Lot.purpose,
    LAST_DAY,
    Lot.id,
    postgresql_where=Lot.remaining > 0,
    sqlite_where=Lot.remaining > 0,
)


class LotUse(Base):
    """What a transfer took from a lot (``amount > 0``) or, when it reverses one, gave back (``amount < 0``)."""

    __tablename__ = "lot_use"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        _whole("transfer_id", "lot_id", "amount"),
        Index(None, "lot_id"),
    )

    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfer.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    amount: Mapped[int]
