"""``flask refunds``: what is under way, and asking WeChat again. Decisions need two persons, hence the console."""

import click
from flask.cli import AppGroup, with_appcontext

from wxbackend.core.dates import CHINA
from wxbackend.core.db import reading
from wxbackend.refunds import views

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
