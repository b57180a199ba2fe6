"""Questions and answers about refunds."""

from typing import Annotated, Literal, Self

from pydantic import Field

from models import RefundReason, RefundStatus
from wxbackend.core.schema import Answer, Moment, Schema
from wxbackend.refunds.rules import RefundWish
from wxbackend.refunds.views import RefundView

MAX_TREES, EXPLANATION_LENGTH = 100, 200
#: The reasons that a person may name; the others are told by the money itself.
Nameable = Literal[
    RefundReason.CHANGE_OF_MIND,
    RefundReason.DUPLICATE,
    RefundReason.MISTAKE,
    RefundReason.PROJECT_FAILURE,
    RefundReason.MINOR,
]


class RefundBody(Schema):
    """Without ``tree_count`` everything that is left goes back. ``refund_policy`` of the pledge names the reasons."""

    reason: Nameable
    tree_count: Annotated[int, Field(ge=1, le=MAX_TREES, strict=True)] | None = None
    explanation: Annotated[str, Field(max_length=EXPLANATION_LENGTH)] | None = None

    def wish(self) -> RefundWish:
        return RefundWish(
            reason=RefundReason(self.reason), tree_count=self.tree_count, explanation=self.explanation or None
        )


class RefundPath(Schema):
    number: Annotated[str, Field(min_length=1, max_length=40)]


class RefundMoveAnswer(Answer):
    status: RefundStatus
    at: Moment


class RefundAnswer(Answer):
    """A refund. ``note`` is what staff say about their decision, ``succeeded_at`` when the money was back."""

    number: str
    pledge_number: str
    status: RefundStatus
    reason: RefundReason
    amount_fen: int
    tree_count: int | None
    explanation: str | None
    requested_by: Literal["resident", "staff", "system"]
    note: str | None
    requested_at: Moment
    decided_at: Moment | None
    succeeded_at: Moment | None
    moves: list[RefundMoveAnswer]

    @classmethod
    def of(cls, view: RefundView) -> Self:
        refund = view.refund
        return cls(
            number=refund.number,
            pledge_number=view.pledge_number,
            status=refund.status,
            reason=refund.reason,
            amount_fen=refund.amount_fen,
            tree_count=refund.tree_count,
            explanation=refund.explanation,
            requested_by=refund.requested_by_kind,
            note=refund.decision_note,
            requested_at=refund.requested_at,
            decided_at=refund.decided_at,
            succeeded_at=refund.succeeded_at,
            moves=[RefundMoveAnswer(status=move.to_status, at=move.at) for move in view.moves],
        )


class RefundsAnswer(Answer):
    """Newest first."""

    items: list[RefundAnswer]
