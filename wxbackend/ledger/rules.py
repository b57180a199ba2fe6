"""What is booked: accounts by name, entries, splits, first-in-first-out. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from models.ledger import AccountKind, TransferCode, Unit


@dataclass(frozen=True, slots=True)
class Account:
    """An account by its name; its row appears with its first posting.

    ``floor`` None is no lower limit; a ``hot`` account has no balance row to update, so that many may post at once.
    """

    owner: str
    unit: Unit
    kind: AccountKind
    floor: int | None = None
    hot: bool = False

    @property
    def name(self) -> tuple[str, int]:
        return self.owner, int(self.unit)


def merchant_account(mchid: str) -> Account:
    """Where a merchant number's receipts come from: the other side of every payment."""
    return Account(f"wx:{mchid}", Unit.FEN, AccountKind.MERCHANT, hot=True)


def fund_account(payee_id: int, campaign_id: int) -> Account:
    """What a payee holds for a campaign. Hot: a popular campaign has no busy row; its lots guard every spending."""
    return Account(f"fund:{payee_id}:{campaign_id}", Unit.FEN, AccountKind.FUND, hot=True)


def suspense_account(mchid: str) -> Account:
    """Money received that no pledge can take any more; it goes back to its payer."""
    return Account(f"suspense:{mchid}", Unit.FEN, AccountKind.SUSPENSE, floor=0)


def refunding_account(mchid: str) -> Account:
    """Money set aside for refunds that were approved and that the payers do not have yet."""
    return Account(f"refunding:{mchid}", Unit.FEN, AccountKind.REFUNDING, floor=0)


def green_issue(county_code: str) -> Account:
    return Account(f"issue:green:{county_code}", Unit.GREEN, AccountKind.ISSUE, hot=True)


def honour_issue(county_code: str) -> Account:
    return Account(f"issue:honour:{county_code}", Unit.HONOUR, AccountKind.ISSUE, hot=True)


def resident_green(resident_id: int) -> Account:
    return Account(f"resident:{resident_id}", Unit.GREEN, AccountKind.RESIDENT, floor=0)


def resident_honour(resident_id: int) -> Account:
    return Account(f"resident:{resident_id}", Unit.HONOUR, AccountKind.RESIDENT, floor=0)


@dataclass(frozen=True, slots=True)
class LotTerms:
    """The lot that a transfer opens on its credit account. ``expires_on`` is the last day it can be spent."""

    source: str
    purpose: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One transfer to be booked. ``key`` names the event for ever; ``doc`` what the transfers of one event share.

    ``lot`` opens a lot with the whole amount; ``takes`` uses up lots of that purpose, earliest expiry first;
    ``takes_from`` uses the very lot that the transfer of that key opened.
    """

    key: str
    debit: Account
    credit: Account
    amount: int
    code: TransferCode
    doc: str
    pledge_id: int | None = None
    rule_id: int | None = None
    lot: LotTerms | None = None
    takes: str | None = None
    takes_from: str | None = None
    reverses_id: int | None = None
    memo: str = ""

    @property
    def digest(self) -> bytes:
        """What makes two entries of one key the same."""
        lot = self.lot and (self.lot.source, self.lot.purpose, str(self.lot.expires_on))
        said: tuple[object, ...] = (
            *(*self.debit.name, *self.credit.name, self.amount, self.code, self.doc, self.pledge_id, self.rule_id),
            *(lot, self.takes, self.reverses_id, self.memo),
        )
        if self.takes_from is not None:  # digests of entries booked before there was such a thing stay as they are
            said = (*said, self.takes_from)
        return hashlib.sha256(json.dumps(said).encode()).digest()


def split_fen(total_fen: int, weights: Sequence[int]) -> list[int]:
    """Split by weight, largest remainders first; ``sum(result) == total_fen``. No weight is negative, one is not 0."""
    whole = sum(weights)
    shares = [total_fen * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: total_fen * weights[i] % whole, reverse=True)
    for i in by_remainder[: total_fen - sum(shares)]:
        shares[i] += 1
    return shares


@dataclass(frozen=True, slots=True)
class Take:
    lot_id: int
    amount: int


def take_in_order(lots: Iterable[tuple[int, int]], amount: int) -> tuple[list[Take], int]:
    """Take ``amount`` from ``(lot_id, remaining)`` in the given order; also tells what could not be covered."""
    taken = []
    for lot_id, remaining in lots:
        if amount == 0:
            break
        part = min(remaining, amount)
        taken.append(Take(lot_id, part))
        amount -= part
    return taken, amount
