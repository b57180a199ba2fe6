"""``flask shipping``: what WeChat has not been told, and the one correction of what it was told."""

import click
from flask.cli import AppGroup, with_appcontext

from wxbackend.core.dates import CHINA
from wxbackend.core.db import reading
from wxbackend.core.errors import Problem
from wxbackend.shipping import service as shipping
from wxbackend.shipping.reporting import correct as send_correction

MOST = 200

shipping_commands = AppGroup("shipping", help="发货信息.")


@shipping_commands.command("waiting")
@with_appcontext
def waiting() -> None:
    """列出微信尚未收到发货信息的支付单, 先支付的在前."""
    with reading() as session:
        rows = shipping.waiting(session, limit=MOST)
    for report, number in rows:
        since = report.created_at.astimezone(CHINA)
        click.echo(f"{since:%Y-%m-%d %H:%M}  {number}  {report.transaction_id}  {report.last_error or ''}".rstrip())
    click.echo(f"共 {len(rows)} 笔待录入" + ("（只列出最早的部分）" if len(rows) == MOST else ""))


@shipping_commands.command("correct")
@click.argument("number")
@with_appcontext
def correct(number: str) -> None:
    """按认领现状更正一次发货信息 (微信只允许更正一次)."""
    try:
        send_correction(number)
    except Problem as refusal:
        raise click.ClickException(refusal.title) from refusal
    click.echo(f"{number} 的发货信息已更正。")
