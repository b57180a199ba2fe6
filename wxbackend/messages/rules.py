"""What residents are told, in words: pure, from facts that name nobody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models import MessageKind, RefundStatus

#: More consents of one kind than anybody is ever sent messages.
CONSENTS_KEPT = 50

Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of news is told: title, sentence and page; ``facts`` is what a template may show of it.

    ``page`` is where a tap leads in the mini-program; ``{document}`` stands for the number that the news is about.
    """

    title: Callable[[Facts], str]
    body: str
    page: str
    facts: frozenset[str]


def yuan(fen: int) -> str:
    """12345 → ¥123.45"""
    return f"¥{fen // 100}.{fen % 100:02d}"


#: Short enough for a field of five Chinese letters (phrase).
REFUND_TITLES: Mapping[str, str] = MappingProxyType(
    {
        RefundStatus.SUCCESS: "退款成功",
        RefundStatus.ABNORMAL: "退款异常",
        RefundStatus.REJECTED: "未予退款",
        RefundStatus.CLOSED: "退款未成",
    }
)
#: What becomes of the money, and what the person can do.
REFUND_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        RefundStatus.SUCCESS: "款项已原路退回您的支付账户，到账时间以银行为准。",
        RefundStatus.ABNORMAL: "款项暂时无法退回原支付账户，工作人员将与您联系，请保持电话畅通。",
        RefundStatus.REJECTED: "认领保持不变，如有疑问请联系活动主办单位。",
        RefundStatus.CLOSED: "款项没有退出，认领保持不变，工作人员会再次处理。",
    }
)

#: Of a success that staff brought about: what WeChat's own puts back into the payer's account.
SETTLED_SENTENCE = "款项已由工作人员以其他方式退给您，如未收到请联系活动主办单位。"

WORDINGS: Mapping[MessageKind, Wording] = MappingProxyType(
    {
        MessageKind.PAID: Wording(
            lambda _: "支付成功",
            "您已为“{base}”{verb}，金额 {amount}。感谢您为家乡添绿。",
            "pages/pledge/index?number={document}",
            frozenset({"number", "base", "campaign", "verb", "amount", "paid_at", "status"}),
        ),
        MessageKind.CERTIFICATE_ISSUED: Wording(
            lambda _: "证书已颁发",
            "您在“{base}”的{certificate}已颁发，编号 {serial}。",
            "pages/certificate/index?serial={document}",
            frozenset({"serial", "base", "campaign", "certificate", "issued_on", "status"}),
        ),
        MessageKind.REFUND: Wording(
            lambda facts: facts["status"],
            "“{base}”的退款 {amount}：{outcome}",
            "pages/refund/index?number={document}",
            frozenset({"number", "pledge", "base", "campaign", "amount", "status", "outcome", "at"}),
        ),
        MessageKind.PLANTED: Wording(
            lambda _: "您的树已种下",
            "您在“{base}”认领的 {trees} 棵树已经种下，快去看看吧。",
            "pages/pledge/index?number={document}",
            frozenset({"number", "base", "campaign", "trees", "status"}),
        ),
        MessageKind.TREE_NEWS: Wording(
            lambda _: "您的树有新消息",
            "“{base}”的{species}（树号 {tree}）：{status}。",
            "pages/tree/index?token={token}",
            frozenset({"tree", "token", "base", "species", "status"}),
        ),
        MessageKind.POINTS_EXPIRING: Wording(
            lambda _: "绿色积分即将到期",
            "您有 {points} 绿色积分将于 {expires_on} 到期，请及时使用。",
            "pages/points/index",
            frozenset({"points", "expires_on", "status"}),
        ),
    }
)
