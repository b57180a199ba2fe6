"""The sidebar: the features in the words of those who use them."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; without ``permission`` everybody sees it."""

    endpoint: str
    title: str
    permission: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: tuple[Entry, ...]


MENU = (
    Group("", (Entry("console.workbench.show", "工作台", "figures.read"),)),
    Group(
        "认种认捐",
        (
            Entry("console.pledges.find", "认种认捐单", "pledges.read"),
            Entry("console.certificates.find", "证书", "certificates.read"),
            Entry("console.certificates.waiting", "待发证", "certificates.read"),
            Entry("console.content.find", "内容审核", "content.review"),
        ),
    ),
    Group(
        "项目与基地",
        (
            Entry("console.catalogue.campaigns", "认种认捐项目", "catalogue.read"),
            Entry("console.catalogue.bases", "义务植树基地", "catalogue.read"),
        ),
    ),
    Group(
        "资金",
        (
            Entry("console.queues.mismatches", "支付差异", "payments.read"),
            Entry("console.refunds.find", "退款", "refunds.read"),
            Entry("console.receipts.find", "捐赠票据", "receipts.read"),
            Entry("console.reconciliation.days", "对账", "reconciliation.read"),
        ),
    ),
    Group(
        "管理",
        (
            Entry("console.approvals.show", "双人复核"),
            Entry("console.queues.dead_letters", "未完成的后台任务", "jobs.read"),
            Entry("console.trail.show", "操作记录", "audit.read"),
            Entry("console.entrance.list_sessions", "我的登录"),
        ),
    ),
)


def menu(permissions: Collection[str]) -> tuple[Group, ...]:
    """What somebody with these permissions can open."""
    groups = (
        Group(group.title, tuple(e for e in group.entries if e.permission is None or e.permission in permissions))
        for group in MENU
    )
    return tuple(group for group in groups if group.entries)
