"""Forms about refunds and receipts. Fields have names of their own: several forms stand on one page."""

from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from wxbackend.console.forms import REQUIRED, ConsoleForm, stripped
from wxbackend.receipts.rules import NUMBER_LENGTH, URL_LENGTH, is_receipt_number, is_safe_url
from wxbackend.refunds.schemas import EXPLANATION_LENGTH, MAX_TREES


def _text_field(label: str, *, hint: str = "") -> TextAreaField:
    return TextAreaField(
        label,
        description=hint,
        filters=[stripped],
        validators=[REQUIRED, Length(min=4, max=200, message="请用 4 至 200 个字说明")],
        render_kw={"rows": 2, "maxlength": 200},
    )


class RefundWishForm(ConsoleForm):
    """A refund that staff ask for on somebody's behalf. The choices are what is heard for the pledge today."""

    reason = SelectField("退款原因", validators=[REQUIRED])
    tree_count = IntegerField(
        "退几棵",
        description="不填则退全部剩余棵数。",
        validators=[Optional(), NumberRange(1, MAX_TREES, message=f"请填写 1 至 {MAX_TREES} 的整数")],
        render_kw={"inputmode": "numeric", "min": 1, "max": MAX_TREES},
    )
    explanation = TextAreaField(
        "情况说明",
        description="如来电核实的经过。请勿填写身份证号、银行卡号。",
        filters=[stripped],
        validators=[REQUIRED, Length(min=4, max=EXPLANATION_LENGTH, message="请用 4 至 200 个字说明情况")],
        render_kw={"rows": 3, "maxlength": EXPLANATION_LENGTH},
    )


class RefusalForm(ConsoleForm):
    refusal_reason = _text_field("驳回理由", hint="申请人会看到，请勿填写他人的姓名、电话。")


class SettlementForm(ConsoleForm):
    settlement = _text_field(
        "退款方式与凭证",
        hint="如：商户账户转账，凭证号……。申请人会看到，请勿填写姓名、银行卡号。登记后视为已退款，不可撤销。",
    )


class GivingUpForm(ConsoleForm):
    ending = _text_field("终止原因", hint="申请人会看到，请勿填写姓名、银行卡号。终止后认种认捐单恢复原状，款项不退。")


class IssueForm(ConsoleForm):
    """What the finance system answered."""

    receipt_number = StringField(
        "票据号码",
        description="财政电子票据的票据代码与号码，如 44060125-0012345678。",
        filters=[lambda text: text.strip().upper() if text else text],
        validators=[REQUIRED],
        render_kw={"maxlength": NUMBER_LENGTH, "autocomplete": "off"},
    )
    url = StringField(
        "票据查验地址",
        description="以 https:// 开头，可不填。",
        filters=[stripped],
        validators=[Optional()],
        render_kw={"maxlength": URL_LENGTH, "autocomplete": "off"},
    )

    def validate_receipt_number(self, field: StringField) -> None:
        if not is_receipt_number(field.data):
            raise ValidationError("应为 6 至 40 位数字、大写字母或连字符")

    def validate_url(self, field: StringField) -> None:
        if not is_safe_url(field.data):
            raise ValidationError("应为以 https:// 开头的完整地址")


class ReceiptRefusalForm(ConsoleForm):
    refusal_reason = _text_field("退回理由", hint="申请人会看到，如：抬头与统一社会信用代码不符。")


class ReversalForm(ConsoleForm):
    reversal_reason = _text_field("红冲原因", hint="请先在财政票据系统中完成红冲，再在此登记；登记后不可撤销。")


class ProcurementForm(ConsoleForm):
    sure = BooleanField("苗木已经采购，我确认登记", validators=[REQUIRED])
