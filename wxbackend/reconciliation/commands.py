"""``flask reconcile``: compare a day, or every missing day, and print how far it agrees."""

from collections.abc import Sequence
from datetime import date, datetime

import click

from models import Bill, BillStatus, ReconQueue
from wxbackend.core.db import reading
from wxbackend.core.ports import ports
from wxbackend.reconciliation import service
from wxbackend.reconciliation.bookkeeper import bookkeeper
from wxbackend.reconciliation.rules import newest_day
from wxbackend.reconciliation.service import DayResult

STATUS_WORDS = {BillStatus.FETCHED: "已取得", BillStatus.EMPTY: "无交易", BillStatus.WAITING: "未取得"}
QUEUE_WORDS = {
    ReconQueue.MISSING_HERE: "本方缺",
    ReconQueue.MISSING_THERE: "微信缺",
    ReconQueue.AMOUNT_DIFFERS: "金额不符",
}


@click.command("reconcile")
@click.option("--date", "on", type=click.DateTime(["%Y-%m-%d"]), help="对账日期, 重新下载并核对")
@click.option("--merchant", "mchid", help="只核对这一个商户号")
@click.option("--missing", is_flag=True, help="补齐三个月内还没有账单的每一天")
@click.pass_context
def reconcile_command(context: click.Context, on: datetime | None, mchid: str | None, *, missing: bool) -> None:
    """下载微信支付账单并与本方账目核对. 全部相符退出码为 0, 有差异或账单未取得为 1."""
    if missing == (on is not None):
        raise click.UsageError("请在 --date 与 --missing 中选一个")
    if on is not None and on.date() > (newest := newest_day(ports().now())):
        raise click.UsageError(f"账单在次日十点以后才有，现在可以核对到 {newest.isoformat()}")
    merchants = _merchants(mchid)
    results = [
        bookkeeper().reconcile(mchid=merchant, on=day, again=not missing)
        for merchant in merchants
        for day in ([on.date()] if on else _missing(merchant))
    ]
    for result in results:
        click.echo(_line(result))
    in_order = sum(result.is_in_order for result in results)
    click.echo(f"共 {len(results)} 个商户日，{in_order} 个相符，{len(results) - in_order} 个待处理。")
    context.exit(0 if in_order == len(results) else 1)


def _merchants(mchid: str | None) -> Sequence[str]:
    configured = sorted(ports().pay.merchants())
    if mchid is None:
        return configured
    if mchid not in configured:
        raise click.BadParameter(f"商户号 {mchid} 没有配置", param_hint="--merchant")
    return [mchid]


def _missing(mchid: str) -> Sequence[date]:
    with reading() as session:
        return service.missing_days(session, mchid=mchid, now=ports().now())


def _line(result: DayResult) -> str:
    queues = " ".join(f"{words} {result.open.get(queue, 0)}" for queue, words in QUEUE_WORDS.items())
    return (
        f"{result.on.isoformat()} {result.mchid} 交易账单{_bill(result.trade)} 资金账单{_bill(result.fund)}"
        f" 相符 {result.matched.agreeing} {queues}"
    )


def _bill(bill: Bill | None) -> str:
    if bill is None or bill.status is not BillStatus.FETCHED:
        return STATUS_WORDS[bill.status if bill else BillStatus.WAITING]
    return f"{bill.line_count} 笔 收 {_yuan(bill.in_fen)} 支 {_yuan(bill.out_fen)}"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
