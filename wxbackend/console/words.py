"""Chinese for states and kinds. A badge always carries its words: colour alone says nothing in print."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from models import (
    ApprovalStatus,
    AttemptStatus,
    BaseStatus,
    BillStatus,
    CampaignStatus,
    CertificateKind,
    CertificateStatus,
    ContentSubject,
    Display,
    LegalBasis,
    MismatchStatus,
    NoticeState,
    PledgeKind,
    PledgeStatus,
    ReceiptStatus,
    ReconQueue,
    ReconStatus,
    RefundDueReason,
    RefundReason,
    RefundStatus,
    ReviewStatus,
    Reward,
    ShippingStatus,
    TransferCode,
    TreeAdoption,
    TreeLife,
)
from wxbackend.bases.rules import BASE_STATUS_WORDS, KIND_WORDS
from wxbackend.campaigns.rules import CAMPAIGN_STATUS_WORDS
from wxbackend.console.filters import yuan
from wxbackend.console.reads.reconciliation import DayState
from wxbackend.honours.rules import KIND_NAMES
from wxbackend.receipts.rules import RECEIPT_STATUS_WORDS
from wxbackend.reconciliation.rules import Check

#: Everything that is a state or a kind, with its words. Keyed by class too: ``closed`` is several things.
TITLES: Mapping[tuple[type[StrEnum], str], str] = MappingProxyType({
    (PledgeStatus, "pending"): "待支付", (PledgeStatus, "funded"): "已支付", (PledgeStatus, "allocated"): "已分配树位",
    (PledgeStatus, "planted"): "已种植", (PledgeStatus, "active"): "养护中", (PledgeStatus, "ended"): "已到期",
    (PledgeStatus, "renewed"): "已续期", (PledgeStatus, "cancelled"): "已取消", (PledgeStatus, "expired"): "已超时",
    (PledgeStatus, "refunding"): "退款中", (PledgeStatus, "refunded"): "已退款",
    **{(CertificateKind, kind): words for kind, words in KIND_NAMES.items()},
    (CertificateStatus, "applied"): "待发证", (CertificateStatus, "issued"): "有效",
    (CertificateStatus, "revoked"): "已吊销", (CertificateStatus, "superseded"): "已换发",
    **{(PledgeKind, str(kind)): words for kind, words in KIND_WORDS.items()},
    **{(CampaignStatus, str(status)): words for status, words in CAMPAIGN_STATUS_WORDS.items()},
    **{(BaseStatus, str(status)): words for status, words in BASE_STATUS_WORDS.items()},
    (AttemptStatus, "created"): "已建单", (AttemptStatus, "prepay"): "待付款", (AttemptStatus, "success"): "已付款",
    (AttemptStatus, "closed"): "已关单", (AttemptStatus, "failed"): "失败",
    (NoticeState, "applied"): "已入账", (NoticeState, "repeated"): "重复通知", (NoticeState, "quarantined"): "已隔离",
    (NoticeState, "waiting"): "待处理",
    (TreeLife, "planned"): "待种植", (TreeLife, "pit_dug"): "已挖穴", (TreeLife, "planted"): "已种植",
    (TreeLife, "accepted"): "已验收", (TreeLife, "alive"): "成活", (TreeLife, "weak"): "长势弱",
    (TreeLife, "sick"): "有病虫害", (TreeLife, "dead"): "死亡", (TreeLife, "missing"): "缺失",
    (TreeLife, "removed"): "已移除",
    (TreeAdoption, "closed"): "不开放", (TreeAdoption, "open"): "可认养", (TreeAdoption, "held"): "认养中",
    (TreeAdoption, "adopted"): "已认养", (TreeAdoption, "ended"): "认养到期",
    (ContentSubject, "dedication"): "寄语", (ContentSubject, "holder_name"): "证书姓名",
    (ContentSubject, "plate_text"): "树牌文字", (ContentSubject, "profile_name"): "个人资料姓名",
    (ContentSubject, "nickname"): "昵称", (ContentSubject, "avatar"): "头像",
    (ReviewStatus, "pending"): "待审核", (ReviewStatus, "approved"): "已通过", (ReviewStatus, "rejected"): "已驳回",
    (ApprovalStatus, "open"): "待复核", (ApprovalStatus, "approved"): "已同意", (ApprovalStatus, "rejected"): "已退回",
    (Display, "anonymous"): "匿名", (Display, "name"): "公开姓名", (Display, "name_and_amount"): "公开姓名与金额",
    (Reward, "points"): "绿色积分", (Reward, "receipt"): "捐赠票据",
    (TransferCode, "payment"): "入账", (TransferCode, "suspense"): "挂账", (TransferCode, "spend"): "使用",
    (TransferCode, "points-for-payment"): "积分", (TransferCode, "reversal"): "冲正",
    (TransferCode, "refund-hold"): "退款备付", (TransferCode, "refund"): "退款",
    (TransferCode, "points-debt"): "补扣积分",
    (RefundDueReason, "no_stock"): "名额已满", (RefundDueReason, "second_payment"): "重复支付",
    (RefundDueReason, "mismatch"): "款项不符",
    (RefundReason, "change_of_mind"): "改变主意", (RefundReason, "duplicate"): "重复支付",
    (RefundReason, "mistake"): "误操作", (RefundReason, "project_failure"): "项目未能实施",
    (RefundReason, "minor"): "未成年人支付", (RefundReason, "no_stock"): "名额已满（挂账款）",
    (RefundReason, "second_payment"): "重复支付（挂账款）", (RefundReason, "mismatch"): "款项不符（挂账款）",
    (RefundStatus, "requested"): "待审批", (RefundStatus, "approved"): "已同意，待微信受理",
    (RefundStatus, "submitted"): "微信处理中", (RefundStatus, "success"): "已退款",
    (RefundStatus, "abnormal"): "退款异常", (RefundStatus, "closed"): "退款关闭",
    (RefundStatus, "rejected"): "已驳回", (RefundStatus, "withdrawn"): "已撤回",
    **{(ReceiptStatus, str(status)): words for status, words in RECEIPT_STATUS_WORDS.items()},
    (ShippingStatus, "waiting"): "待录入发货", (ShippingStatus, "shipped"): "已录入发货",
    (ShippingStatus, "confirmed"): "已确认收货", (ShippingStatus, "settled"): "微信已结算",
    (ShippingStatus, "refunded"): "已退款", (ShippingStatus, "failed"): "录入失败",
    (BillStatus, "waiting"): "未取得", (BillStatus, "fetched"): "已取得", (BillStatus, "empty"): "当日无交易",
    (ReconQueue, "missing_here"): "本系统缺", (ReconQueue, "missing_there"): "微信账单缺",
    (ReconQueue, "amount_differs"): "金额不符",
    (MismatchStatus, "open"): "待处理", (MismatchStatus, "resolved"): "已处理",
    (ReconStatus, "open"): "待查明", (ReconStatus, "matched"): "已相符", (ReconStatus, "resolved"): "已查明",
    (DayState, "waiting"): "账单未齐", (DayState, "open"): "有差异", (DayState, "agreed"): "相符",
    (Check, "payments"): "收款合计", (Check, "refunds"): "退款合计（已减退回的手续费）", (Check, "fees"): "手续费合计",
    (Check, "balance"): "当日余额变动", (Check, "opening"): "期初余额",
    (LegalBasis, "greening_committee"): "绿化委员会接受捐赠", (LegalBasis, "adoption_agreement"): "认种认养协议",
    (LegalBasis, "charity_own_site"): "慈善组织公开募捐", (LegalBasis, "unit_internal"): "单位内部募集",
})  # fmt: skip

GOOD, WAITING, BAD, PLAIN = "good", "waiting", "bad", "plain"
TONES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("active", "allocated", "funded", "planted", "issued", "online", "success"), GOOD),
        **dict.fromkeys(("alive", "accepted", "adopted", "approved", "care"), GOOD),
        **dict.fromkeys(("pending", "applied", "review", "open", "prepay", "created", "planned", "held"), WAITING),
        **dict.fromkeys(("planting_due", "full", "waiting"), WAITING),
        **dict.fromkeys(("agreed", "matched", "fetched", "shipped", "confirmed", "settled"), GOOD),
        **dict.fromkeys(("revoked", "suspended", "rejected", "failed", "quarantined", "dead", "sick", "missing"), BAD),
    }
)

#: Where the same word of two life cycles is not the same news.
OWN_TONES: Mapping[tuple[type[StrEnum], str], str] = MappingProxyType(
    {
        (NoticeState, "applied"): GOOD,
        (RefundStatus, "approved"): WAITING,
        (RefundStatus, "requested"): WAITING,
        (RefundStatus, "submitted"): WAITING,
        (RefundStatus, "abnormal"): BAD,
        (ReceiptStatus, "requested"): WAITING,
        (PledgeStatus, "refunding"): WAITING,
    }
)

#: Actions in the trail and wishes, in words; what is not listed is shown as it is named.
ACTIONS: Mapping[str, str] = MappingProxyType({
    "staff.create": "开通账号", "staff.grant": "授予角色", "staff.revoke": "收回角色",
    "staff.disable": "停用账号", "staff.activate": "启用账号",
    "staff.reset-totp": "重置动态码", "staff.sign-in": "登录", "staff.sign-in-refused": "登录失败",
    "staff.choose-password": "设置密码", "staff.confirm": "输入动态码确认", "staff.sign-out": "退出",
    "staff.end-session": "结束登录",
    "approval.request": "提交复核", "approval.approve": "复核同意", "approval.reject": "复核退回",
    "content.approve": "通过内容", "content.reject": "驳回内容",
    "content.reveal": "查看待审核的姓名",
    "reconciliation.resolve": "查明对账差异", "reconciliation.download": "下载账单明细",
    "mismatch.refund": "退回不符款项", "mismatch.dismiss": "结束支付差异",
    "pledge.reveal": "查看完整姓名", "outbox.retry": "重试后台任务",
    "certificate.revoke": "吊销证书", "certificate.supersede": "换发证书", "certificate.retry": "重试发证",
    "certificate.preview": "查看证书图片",
    "campaign.submit": "提交项目", "campaign.online": "项目上线", "campaign.return": "退回项目",
    "campaign.suspend": "暂停项目", "campaign.resume": "恢复项目", "campaign.close": "关闭项目",
    "base.submit": "提交基地", "base.online": "基地上线", "base.return": "退回基地",
    "base.suspend": "暂停基地", "base.resume": "恢复基地", "base.close": "关闭基地", "base.procure": "登记苗木采购",
    "refund.request": "代为申请退款", "refund.approve": "同意退款", "refund.reject": "驳回退款",
    "refund.ask-again": "重新提交退款", "refund.retry-abnormal": "异常退款转至商户账户",
    "refund.settle-offline": "登记线下退款", "refund.give-up": "终止退款",
    "refund.propose": "提出人工处理挂账退款", "refund.repay": "再次退回挂账款",
    "shipping.correct": "更正发货信息",
    "receipt.request": "申请票据", "receipt.withdraw": "撤回票据申请", "receipt.issue": "登记票据",
    "receipt.reject": "退回票据申请", "receipt.reverse": "票据红冲", "receipt.reveal": "查看票据抬头",
})  # fmt: skip
#: What each queue of a reconciliation means, and what is to be done about it.
QUEUES: Mapping[ReconQueue, str] = MappingProxyType(
    {
        ReconQueue.MISSING_HERE: "微信账单上有，本系统没有。是本系统的支付单，会自动查询补记；其余请查明来源。",
        ReconQueue.MISSING_THERE: "本系统已入账，微信账单上没有。查明之前，有关支付单不能退款。",
        ReconQueue.AMOUNT_DIFFERS: "两边都有，金额或合计不一致。",
    }
)
SUBJECTS: Mapping[str, str] = MappingProxyType({"payment": "付款", "refund": "退款", "flow": "资金流水"})
UNITS: Mapping[int, str] = MappingProxyType({1: "元", 2: "绿色积分", 3: "荣誉值"})


ACTORS: Mapping[str, str] = MappingProxyType({"system": "系统", "resident": "居民", "staff": "工作人员"})
CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "payment": "微信支付成功",
        "late payment": "超时后到账",
        "fulfilment": "系统分配",
        "hold over": "超过保留时间",
        "cancelled by owner": "本人取消",
        "issued": "系统颁发",
        "asked by resident": "本人申请",
        "asked by staff": "工作人员代为申请",
        "money in suspense": "挂账款自动退回",
        "approved": "复核同意",
        "rejected": "复核驳回",
        "withdrawn by its asker": "申请人撤回",
        "accepted by WeChat": "微信已受理",
        "WeChat says paid": "微信已退回",
        "WeChat could not pay": "微信无法退至原账户",
        "closed by WeChat": "微信已关闭",
        "retried by staff": "转至商户账户",
        "paid to the merchant": "款项已到商户账户",
        "given up by staff": "人工终止",
        "settled by other means": "线下已退",
        "refund asked": "申请退款",
        "refund withdrawn": "退款已撤回",
        "refund rejected": "退款被驳回",
        "refund given up": "退款已终止",
        "refund closed": "退款未成",
        "partly refunded": "部分退款",
        "refunded": "已退款",
    }
)
#: Why something waits for review, or how it was decided.
CONTENT_CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "pass": "微信检测通过",
        "review": "微信存疑",
        "risky": "微信判定违规",
        "unavailable": "微信未能检测",
        "no_result": "微信尚无结论",
        "staff": "人工决定",
    }
)
DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "reason": "理由",
        "subject": "类别",
        "role": "角色",
        "region": "范围",
        "wish": "事项",
        "failed_count": "失败次数",
        "frm": "原状态",
        "to": "新状态",
        "note": "意见",
        "pledge": "认种认捐单",
        "amount_fen": "金额",
        "queue": "类别",
        "receipt_number": "票据号码",
    }
)
#: What may not fit about a payment or a refund.
FIELDS: Mapping[str, str] = MappingProxyType({
    "appid": "小程序", "mchid": "商户号", "amount_fen": "金额（分）", "currency": "币种", "payer_index": "付款人",
    "transaction_id": "微信交易号", "trade_state": "交易状态",
    "refund_mchid": "退款商户号", "refund_out_trade_no": "退款的支付单号", "refund_transaction_id": "退款的微信交易号",
    "refund_fen": "退款金额（分）", "refund_total_fen": "退款的原付款（分）", "wx_refund_id": "微信退款号",
    "refund_state": "退款状态",
})  # fmt: skip


def field(name: str) -> str:
    return FIELDS.get(name, name)


def action(name: str) -> str:
    return ACTIONS.get(name, name)


def cause(name: str) -> str:
    """Why something moved: what features write, or the reason that a person gave."""
    return CAUSES.get(name, name)


def content_cause(name: str) -> str:
    return CONTENT_CAUSES.get(name, name)


def details(facts: Mapping[str, object]) -> str:
    """What an entry of the trail says besides who, what and when."""
    return "；".join(f"{DETAILS.get(name, name)}：{_fact(name, str(fact))}" for name, fact in facts.items()) or "—"


def _fact(name: str, fact: str) -> str:
    match name:
        case "frm" | "to":
            return TITLES.get((CampaignStatus, fact)) or TITLES.get((BaseStatus, fact), fact)
        case "reason":
            return TITLES.get((RefundReason, fact), fact)
        case "subject":
            return TITLES.get((ContentSubject, fact), fact)
        case "queue":
            return TITLES.get((ReconQueue, fact), fact)
        case "amount_fen":
            return f"{yuan(int(fact))} 元"
    return ACTIONS.get(fact, fact) if name == "wish" else fact


def check(key: str) -> str:
    """The key of a reconciliation's item: a number, or the sum that does not agree."""
    name, _, on = key.partition(":")
    return f"{TITLES[Check, name]} {on}" if (Check, name) in TITLES and on else key


def title(state: StrEnum) -> str:
    return TITLES[type(state), str(state)]


def tone(state: StrEnum) -> str:
    return OWN_TONES.get((type(state), str(state))) or TONES.get(str(state), PLAIN)
