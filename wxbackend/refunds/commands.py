"""``flask refunds``: what is under way, and asking WeChat again. Decisions need two persons, hence the console."""

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select, update

from models import Refund
from wxbackend.core import audit
from wxbackend.core.dates import CHINA
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem
from wxbackend.core.ports import ports
from wxbackend.refunds import rules, views
from wxbackend.refunds.desk import desk

MOST = 200

refunds_commands = AppGroup("refunds", help="退款.")


@refunds_commands.command("waiting")
@with_appcontext
def waiting() -> None:
    """列出尚未结束的退款, 先申请的在前. 同意、驳回须由两人在管理后台进行."""
    with reading() as session:
        rows = views.waiting(session, limit=MOST)
    for refund, pledge_number in rows:
        asked, (whole, rest) = refund.requested_at.astimezone(CHINA), divmod(refund.amount_fen, 100)
        facts = f"{refund.number}  {pledge_number}  {refund.county_code}  {whole:>9,}.{rest:02d} 元  {refund.status}"
        click.echo(f"{asked:%Y-%m-%d %H:%M}  {facts}  {refund.last_error or ''}".rstrip())
    click.echo(f"共 {len(rows)} 笔" + ("（只列出最早的部分）" if len(rows) == MOST else ""))


@refunds_commands.command("retry")
@click.argument("number")
@with_appcontext
def retry(number: str) -> None:
    """立即就一笔已同意的退款询问微信 (如充值之后); 同一退款单号不会重复退款."""
    _hasten(number)
    try:
        desk().follow(number)
    except Problem as problem:
        raise click.ClickException(problem.detail or problem.title) from problem
    with reading() as session:
        refund = session.scalars(select(Refund).where(Refund.number == number)).one()
    click.echo(f"{number}  {refund.status}  {refund.last_error or ''}".rstrip())


def _hasten(number: str) -> None:
    """Make it due, and leave a trace: nobody is signed in at a command line."""
    now = ports().now()
    with transaction() as session:
        hastened = session.scalar(
            update(Refund)
            .where(Refund.number == number, Refund.status.in_(rules.HELD))
            .values(next_try_at=now)
            .returning(Refund.id)
            .execution_options(synchronize_session=False)
        )
        if hastened is None:
            raise click.ClickException(f"{number} 不是已同意而尚未退回的退款单")
        audit.record(session, caller=None, action="refund.ask-again", on=("refund", number), now=now)
