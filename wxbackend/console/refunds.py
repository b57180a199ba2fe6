"""Refunds: what waits, one with everything that goes back with it, and the second person's decision on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from models import RefundReason, RefundStatus
from wxbackend.console.forms import ConsoleForm, NoteForm
from wxbackend.console.frame import go, page, read_query, refusals_on
from wxbackend.console.queries import RefundQuery
from wxbackend.console.reads.refunds import RefundFilter, RefundSheet, list_refunds, read_refund
from wxbackend.console.refund_forms import GivingUpForm, RefusalForm, SettlementForm
from wxbackend.core import audit
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.policies import allow, current_caller, staff
from wxbackend.core.ports import ports
from wxbackend.refunds import service as refunds
from wxbackend.refunds import suspense
from wxbackend.refunds.desk import desk
from wxbackend.refunds.errors import RefundDecided
from wxbackend.refunds.rules import AT_MERCHANT, NOT_ENOUGH, TO_MERCHANT, UNKNOWN, VIA_MERCHANT
from wxbackend.staff.errors import ConfirmationNeeded

bp = Blueprint("refunds", __name__, url_prefix="/refunds")

#: The rule by which a reason is heard, as staff are told.
GROUNDS: Mapping[RefundReason, str] = MappingProxyType(
    {
        RefundReason.CHANGE_OF_MIND: "付款后 7 天内、苗木尚未采购，可自愿申请退款。",
        RefundReason.DUPLICATE: "同一笔重复付款，属更正错误，付款后一年内可退。",
        RefundReason.MISTAKE: "付款有误，属更正错误，付款后一年内可退；请核实经过。",
        RefundReason.PROJECT_FAILURE: "项目未能实施，付款后一年内可退。",
        RefundReason.MINOR: "未成年人付款，付款后一年内可退；请核实监护关系。",
        RefundReason.NO_STOCK: "付款到账时名额已满，款项未归入认种认捐单，系统自动退回。",
        RefundReason.SECOND_PAYMENT: "同一单第二次到账，款项未归入认种认捐单，系统自动退回。",
        RefundReason.MISMATCH: "到账与支付单不符，款项未归入认种认捐单，退回付款人。",
    }
)


def trouble(error: str | None) -> str | None:
    """What keeps WeChat from refunding, and what mends it."""
    if error == NOT_ENOUGH:
        return "商户号可用余额不足：请先向商户号充值，再点“立即重试”；系统每天也会自动重试一次。"
    if error == UNKNOWN:
        return "微信没有明确答复：系统会先查询结果，再用同一退款单号重试，不会重复退款。"
    if error == TO_MERCHANT:
        return "已请微信将款项退至商户账户：请在商户平台核对，到账后线下退给付款人，再登记线下退款。"
    if error == AT_MERCHANT:
        return "款项已退至商户账户，付款人尚未收到：请线下退给付款人，再登记线下退款。"
    return f"微信未受理（{error}）：请核对原因后重试，或改为线下退款、终止退款。" if error else None


@dataclass(frozen=True)
class Forms:
    """Every form of the page. Each reads its own fields of what was sent."""

    approving: NoteForm = field(default_factory=NoteForm)
    refusing: RefusalForm = field(default_factory=RefusalForm)
    settling: SettlementForm = field(default_factory=SettlementForm)
    ending: GivingUpForm = field(default_factory=GivingUpForm)
    pressing: ConsoleForm = field(default_factory=ConsoleForm)

    @property
    def all(self) -> tuple[ConsoleForm, ...]:
        """A refusal stands above the page: the form it came from may be gone with what somebody else did."""
        return (self.approving, self.refusing, self.settling, self.ending, self.pressing)


@bp.get("")
@allow(staff("refunds.read"))
def find() -> Response:
    """A list with filters; one exact hit is opened at once."""
    query = read_query(RefundQuery)
    want = RefundFilter(text=query.q, status=query.status, stuck=query.stuck)
    with reading() as session:
        sheet = list_refunds(session, want=want, prefixes=current_caller().prefixes, after=query.after_id)
    if query.q and len(sheet.rows) == 1:
        return go("refunds.show", number=sheet.rows[0].Refund.number)
    return page("refunds.html", sheet=sheet, query=query, statuses=RefundStatus)


@bp.get("/<string:number>")
@allow(staff("refunds.read"))
def show(number: str) -> Response:
    """What is asked, by which rule, and everything that goes back with it."""
    return _one(number, Forms())


def _one(number: str, forms: Forms, *, status: int = 200) -> Response:
    sheet = _read(number)
    return page(
        "refund.html",
        sheet=sheet,
        forms=forms,
        status=status,
        ground=GROUNDS[sheet.refund.reason],
        trouble=trouble(sheet.refund.last_error) if sheet.is_open else None,
        is_refused=sheet.refund.last_error not in (None, UNKNOWN, *VIA_MERCHANT),
        is_at_merchant=sheet.refund.last_error == AT_MERCHANT,
        is_mine=(sheet.refund.requested_by_kind, sheet.refund.requested_by_id) == ("staff", current_caller().id),
        is_decider=sheet.refund.decided_by == current_caller().id,
    )


def _read(number: str) -> RefundSheet:
    with reading() as session:
        return read_refund(session, number=number, prefixes=current_caller().prefixes)


Act = Callable[[Caller, datetime], object]
Write = Callable[[Session, Caller, datetime], object]


def _do(number: str, forms: Forms, form: ConsoleForm, act: Act, *, done: str) -> Response:
    """One act on a refund within reach, with a fresh code. A refusal is shown where it belongs."""
    _read(number)
    caller = current_caller()
    if not caller.confirmed:
        raise ConfirmationNeeded
    if form.validate():
        with refusals_on(form):
            act(caller, ports().now())
            flash(done, "good")
            return go("refunds.show", number=number)
    return _one(number, forms, status=form.status)


def _done(number: str, done: str) -> str:
    """Money in suspense is ended by two: the first word of the two ends nothing."""
    refund = _read(number).refund
    is_first = refund.requested_by_kind == "system" and refund.decided_by is None
    return "已提出，须由另一位财务同事再次登记确认" if is_first else done


def _written(write: Write) -> Act:
    """An act that is one transaction."""

    def act(caller: Caller, now: datetime) -> None:
        with transaction() as session:
            write(session, caller, now)

    return act


@bp.post("/<string:number>/approve")
@allow(staff("refunds.decide"))
def approve(number: str) -> Response:
    """Agree as the second person: the money is set aside, and the worker asks WeChat."""
    forms = Forms()
    note = forms.approving.note.data or ""
    act = _written(lambda s, who, now: refunds.decide(s, number=number, approve=True, note=note, caller=who, now=now))
    return _do(number, forms, forms.approving, act, done="已同意，款项已备付；后台随即提交微信支付，请稍后刷新查看结果")


@bp.post("/<string:number>/reject")
@allow(staff("refunds.decide"))
def reject(number: str) -> Response:
    """Refuse: the pledge goes on as before."""
    forms = Forms()
    note = forms.refusing.refusal_reason.data or ""
    act = _written(lambda s, who, now: refunds.decide(s, number=number, approve=False, note=note, caller=who, now=now))
    return _do(number, forms, forms.refusing, act, done="已驳回，认种认捐单恢复原状")


@bp.post("/<string:number>/retry")
@allow(staff("refunds.decide"))
def retry(number: str) -> Response:
    """Have the worker ask WeChat at once, after what it refused was mended."""
    forms = Forms()
    act = _written(lambda s, who, now: refunds.ask_again(s, number=number, caller=who, now=now))
    return _do(number, forms, forms.pressing, act, done="已安排重试，请稍后刷新查看结果")


@bp.post("/<string:number>/retry-abnormal")
@allow(staff("refunds.decide"))
def retry_abnormal(number: str) -> Response:
    """Have WeChat pay an abnormal refund into the merchant's account."""
    forms = Forms()

    return _do(
        number,
        forms,
        forms.pressing,
        lambda who, _now: desk().retry_abnormal(number, caller=who),
        done="已请微信退至商户账户；到账后请线下退给付款人，再登记线下已退",
    )


@bp.post("/<string:number>/settle")
@allow(staff("refunds.decide"))
def settle(number: str) -> Response:
    """Say that the person was paid by other means; WeChat is asked once more before."""
    forms = Forms()
    note = forms.settling.settlement.data or ""
    return _do(
        number,
        forms,
        forms.settling,
        lambda who, _now: desk().settle(number, note=note, caller=who),
        done=_done(number, "已登记线下退款"),
    )


@bp.post("/<string:number>/give-up")
@allow(staff("refunds.decide"))
def give_up(number: str) -> Response:
    """End a refund that WeChat definitely refused; WeChat is asked once more before."""
    forms = Forms()
    note = forms.ending.ending.data or ""
    return _do(
        number,
        forms,
        forms.ending,
        lambda who, _now: desk().give_up(number, note=note, caller=who),
        done=_done(number, "已终止，认种认捐单恢复原状"),
    )


@bp.post("/<string:number>/repay")
@allow(staff("refunds.decide"))
def repay(number: str) -> Response:
    """Send money in suspense back once more, under a new number, after WeChat closed its refund."""
    forms = Forms()

    def write(session: Session, caller: Caller, now: datetime) -> None:
        refund = read_refund(session, number=number, prefixes=caller.prefixes).refund
        if refund.due_id is None or refund.status is not RefundStatus.CLOSED:
            raise RefundDecided
        if suspense.repay(session, due_id=refund.due_id, now=now) is None:
            raise RefundDecided("该款项已另行退回")
        audit.record(session, caller=caller, action="refund.repay", on=("refund", number), now=now)

    return _do(number, forms, forms.pressing, _written(write), done="已用新的退款单号重新退回")
