"""How refunds are refused."""

from wxbackend.core.errors import Conflict


class NotRefundable(Conflict):
    code, title = "not-refundable", "该认种认捐单当前不可退款"


class ReasonNotOpen(Conflict):
    code, title = "refund-reason-not-open", "该退款原因不适用于此单"


class RefundTooLate(Conflict):
    code, title = "refund-too-late", "支付已超过365天，无法原路退款"


class TooManyRefunds(Conflict):
    code, title = "too-many-refunds", "该笔支付的退款次数已达上限"


class RefundOpen(Conflict):
    code, title = "refund-open", "该单已有退款正在处理"


class ReceiptLive(Conflict):
    code, title = "receipt-live", "该单有申请中或已开具的捐赠票据，请先撤回或红冲后再退款"


class OrderFrozen(Conflict):
    code, title = "order-frozen", "该笔支付正在对账核实，暂不可退款"


class RefundDecided(Conflict):
    code, title = "refund-decided", "该退款已处理，当前状态不允许该操作"


class OutcomeUnknown(Conflict):
    """WeChat may have taken it: giving up, or paying by other means, could pay twice."""

    code, title = "refund-outcome-unknown", "微信支付的受理结果尚未明确，请稍后再试"
