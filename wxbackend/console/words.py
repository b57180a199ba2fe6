"""Chinese for states and kinds. A badge always carries its words: colour alone says nothing in print."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from models import (
    ApprovalStatus,
    AttemptStatus,
    BaseStatus,
    CampaignStatus,
    CertificateKind,
    CertificateStatus,
    Display,
    LegalBasis,
    NoticeState,
    PledgeKind,
    PledgeStatus,
    RefundDueReason,
    Reward,
    TransferCode,
    TreeAdoption,
    TreeLife,
)
from wxbackend.bases.rules import BASE_STATUS_WORDS, KIND_WORDS
from wxbackend.campaigns.rules import CAMPAIGN_STATUS_WORDS
from wxbackend.honours.rules import KIND_NAMES

#: Everything that is a state or a kind, with its words. Keyed by class too: ``closed`` is several things.
TITLES: Mapping[tuple[type[StrEnum], str], str] = MappingProxyType({
    (PledgeStatus, "pending"): "待支付", (PledgeStatus, "funded"): "已支付", (PledgeStatus, "allocated"): "已分配树位",
    (PledgeStatus, "planted"): "已种植", (PledgeStatus, "active"): "养护中", (PledgeStatus, "ended"): "已到期",
    (PledgeStatus, "renewed"): "已续期", (PledgeStatus, "cancelled"): "已取消", (PledgeStatus, "expired"): "已超时",
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
    (ApprovalStatus, "open"): "待复核", (ApprovalStatus, "approved"): "已同意", (ApprovalStatus, "rejected"): "已退回",
    (Display, "anonymous"): "匿名", (Display, "name"): "公开姓名", (Display, "name_and_amount"): "公开姓名与金额",
    (Reward, "points"): "绿色积分", (Reward, "receipt"): "捐赠票据",
    (TransferCode, "payment"): "入账", (TransferCode, "suspense"): "挂账", (TransferCode, "spend"): "使用",
    (TransferCode, "points-for-payment"): "积分", (TransferCode, "reversal"): "冲正",
    (RefundDueReason, "no_stock"): "名额已满", (RefundDueReason, "second_payment"): "重复支付",
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
        **dict.fromkeys(("revoked", "suspended", "rejected", "failed", "quarantined", "dead", "sick", "missing"), BAD),
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
    "pledge.reveal": "查看完整姓名", "outbox.retry": "重试后台任务",
    "certificate.revoke": "吊销证书", "certificate.supersede": "换发证书", "certificate.retry": "重试发证",
    "certificate.preview": "查看证书图片",
    "campaign.submit": "提交项目", "campaign.online": "项目上线", "campaign.return": "退回项目",
    "campaign.suspend": "暂停项目", "campaign.resume": "恢复项目", "campaign.close": "关闭项目",
    "base.submit": "提交基地", "base.online": "基地上线", "base.return": "退回基地",
    "base.suspend": "暂停基地", "base.resume": "恢复基地", "base.close": "关闭基地",
})  # fmt: skip
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
    }
)
DETAILS: Mapping[str, str] = MappingProxyType(
    {
        "reason": "理由",
        "role": "角色",
        "region": "范围",
        "wish": "事项",
        "failed_count": "失败次数",
        "frm": "原状态",
        "to": "新状态",
    }
)


def action(name: str) -> str:
    return ACTIONS.get(name, name)


def cause(name: str) -> str:
    """Why something moved: what features write, or the reason that a person gave."""
    return CAUSES.get(name, name)


def details(facts: Mapping[str, object]) -> str:
    """What an entry of the trail says besides who, what and when."""
    return "；".join(f"{DETAILS.get(name, name)}：{_fact(name, str(fact))}" for name, fact in facts.items()) or "—"


def _fact(name: str, fact: str) -> str:
    if name in {"frm", "to"}:
        return TITLES.get((CampaignStatus, fact)) or TITLES.get((BaseStatus, fact), fact)
    return ACTIONS.get(fact, fact) if name == "wish" else fact


def title(state: StrEnum) -> str:
    return TITLES[type(state), str(state)]


def tone(state: StrEnum) -> str:
    return GOOD if state is NoticeState.APPLIED else TONES.get(str(state), PLAIN)
