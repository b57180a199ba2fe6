"""Questions and answers about receipts."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from models import ReceiptStatus
from wxbackend.core.schema import Answer, Moment, Schema
from wxbackend.receipts.rules import TITLE_LENGTH
from wxbackend.receipts.service import OwnReceipt, Wish


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("抬头不能含有换行等控制字符")
    return " ".join(text.split())


def _compact(text: object) -> object:
    """Codes are typed with blanks and small letters; an empty field is none."""
    return "".join(text.split()).upper() or None if isinstance(text, str) else text


Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH), AfterValidator(_one_line)]


class ReceiptBody(Schema):
    """``title`` is the name on the receipt (抬头); ``uscc`` (统一社会信用代码) is for organisations."""

    title: Title
    uscc: Annotated[Annotated[str, Field(min_length=18, max_length=18)] | None, BeforeValidator(_compact)] = None

    def wish(self) -> Wish:
        return Wish(title=self.title, uscc=self.uscc)


class ReceiptAnswer(Answer):
    """A request for a receipt; number and address are there once it is issued, ``note`` says why it was refused."""

    pledge_number: str
    status: ReceiptStatus
    title: str | None
    uscc: str | None
    amount_fen: int
    receipt_number: str | None
    receipt_url: str | None
    note: str | None
    requested_at: Moment
    decided_at: Moment | None
    reversed_at: Moment | None

    @classmethod
    def of(cls, own: OwnReceipt) -> "ReceiptAnswer":
        request = own.request
        return cls(
            pledge_number=own.pledge_number,
            status=request.status,
            title=own.title,
            uscc=request.uscc,
            amount_fen=request.amount_fen,
            receipt_number=request.receipt_number,
            receipt_url=request.receipt_url,
            note=request.note,
            requested_at=request.requested_at,
            decided_at=request.decided_at,
            reversed_at=request.reversed_at,
        )
