"""Questions and answers about pledges."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from certificates.fonts import normalise_name
from models import ContentSubject, Display, PledgeKind, PledgeStatus, RefundReason, RefundStatus, Reward
from wxbackend.content.rules import Said
from wxbackend.core.schema import Answer, Moment, Schema
from wxbackend.pledges.refund_policy import GRACE_DAYS
from wxbackend.pledges.rules import OCCASIONS
from wxbackend.pledges.service import Wish
from wxbackend.pledges.views import PledgeView

Token = Annotated[str, Field(min_length=14, max_length=20)]
Occasion = Literal[OCCASIONS]  # type: ignore[valid-type]
MAX_DONATION_FEN = 100_000_000
MAX_TREES = 100


class PledgeBody(Schema):
    """plant and adopt take ``tree_count``, donate takes ``amount_fen``; the price of trees is never sent."""

    kind: PledgeKind
    base_id: Annotated[str, Field(min_length=1, max_length=40)]
    tree_count: Annotated[int, Field(ge=1, le=MAX_TREES, strict=True)] | None = None
    amount_fen: Annotated[int, Field(ge=100, le=MAX_DONATION_FEN, strict=True)] | None = None
    tree_tokens: Annotated[list[Token], Field(min_length=1, max_length=MAX_TREES)] | None = None
    display: Display = Display.ANONYMOUS
    reward: Reward = Reward.POINTS
    dedication: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    holder_name: Annotated[str, Field(min_length=1, max_length=30), AfterValidator(normalise_name)] | None = None
    occasion: Occasion | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        donates = self.kind is PledgeKind.DONATE
        faults = {
            "认捐需要 amount_fen，不接受 tree_count": donates
            and (self.amount_fen is None or self.tree_count is not None),
            "认种、认养需要 tree_count，不接受 amount_fen": not donates
            and (self.tree_count is None or self.amount_fen is not None),
            "只有认养可以指定 tree_tokens": self.tree_tokens is not None and self.kind is not PledgeKind.ADOPT,
            "tree_tokens 应互不相同，且数量与 tree_count 一致": self.tree_tokens is not None
            and len({token.upper() for token in self.tree_tokens}) != self.tree_count,
        }
        if said := [text for text, wrong in faults.items() if wrong]:
            raise ValueError("；".join(said))
        return self

    def wish(self) -> Wish:
        return Wish(
            kind=self.kind,
            base_id=self.base_id,
            tree_count=self.tree_count,
            amount_fen=self.amount_fen,
            tree_tokens=tuple(token.upper() for token in self.tree_tokens or ()),
            display=self.display,
            reward=self.reward,
            dedication=self.dedication,
            holder_name=self.holder_name or None,
            occasion=self.occasion,
        )

    def said(self) -> list[Said]:
        """What has to be judged before anybody else reads it."""
        texts = (ContentSubject.HOLDER_NAME, self.holder_name), (ContentSubject.DEDICATION, self.dedication)
        return [Said(subject, f"/body/{subject}", text) for subject, text in texts if text]


class PledgePath(Schema):
    number: Annotated[str, Field(min_length=1, max_length=40)]


class PledgeTreeAnswer(Answer):
    code: str
    token: str
    species: str
    status: str


class PledgeCertificateAnswer(Answer):
    serial: str
    kind: str
    status: str


class PledgePointsAnswer(Answer):
    green: int
    honour: int


class RefundPolicyAnswer(Answer):
    """What may be asked back now; before the payment, what may be asked after it.

    ``change_of_mind`` is heard until the end of the day ``until`` in China, ``grace_days`` after the payment.
    """

    until: date | None
    grace_days: int
    reasons: list[RefundReason]


class PledgeRefundAnswer(Answer):
    """The newest refund of a pledge."""

    number: str
    status: RefundStatus
    amount_fen: int


class PledgeAnswer(Answer):
    """A pledge. Until it is paid, ``points`` says what paying will earn; what refunds took back is taken off."""

    number: str
    kind: PledgeKind
    status: PledgeStatus
    base_id: str
    tree_count: int | None
    amount_fen: int
    hold_expires_at: Moment
    paid_at: Moment | None
    display: Display
    reward: Reward
    dedication: str | None
    dedication_status: str | None
    occasion: str | None
    active_until: str | None
    trees: list[PledgeTreeAnswer]
    certificates: list[PledgeCertificateAnswer]
    points: PledgePointsAnswer
    #: Paid, but it came too late or twice: it waits to be paid back.
    refund_due_fen: int
    refunded_fen: int
    refunded_tree_count: int
    refund: PledgeRefundAnswer | None
    refund_policy: RefundPolicyAnswer

    @classmethod
    def of(cls, view: PledgeView) -> "PledgeAnswer":
        pledge = view.pledge
        return cls(
            number=pledge.number,
            kind=pledge.kind,
            status=pledge.status,
            base_id=view.base_public_id,
            tree_count=pledge.tree_count,
            amount_fen=pledge.amount_fen,
            hold_expires_at=pledge.hold_expires_at,
            paid_at=pledge.paid_at,
            display=pledge.display,
            reward=pledge.reward,
            dedication=pledge.dedication,
            dedication_status=pledge.dedication_status,
            occasion=pledge.occasion,
            active_until=pledge.active_until.isoformat() if pledge.active_until else None,
            trees=[
                PledgeTreeAnswer(code=tree.number, token=tree.token, species=tree.species, status=tree.life)
                for tree in view.trees
            ],
            certificates=[
                PledgeCertificateAnswer(serial=line.serial, kind=line.kind, status=line.status)
                for line in view.certificates
            ],
            points=PledgePointsAnswer(green=view.points.green, honour=view.points.honour),
            refund_due_fen=view.refund_due_fen,
            refunded_fen=pledge.refunded_fen,
            refunded_tree_count=pledge.refunded_tree_count,
            refund=_refund(view),
            refund_policy=_policy(view),
        )


def _refund(view: PledgeView) -> PledgeRefundAnswer | None:
    line = view.refund
    if line is None:
        return None
    return PledgeRefundAnswer(number=line.number, status=RefundStatus(line.status), amount_fen=line.amount_fen)


def _policy(view: PledgeView) -> RefundPolicyAnswer:
    allows = view.refund_policy
    days = GRACE_DAYS if RefundReason.CHANGE_OF_MIND in allows.reasons else 0
    return RefundPolicyAnswer(until=allows.until, grace_days=days, reasons=list(allows.reasons))
