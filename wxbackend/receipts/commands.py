"""``flask receipts``: what waits for the finance office. Decisions need a person, hence the console."""

import click
from flask.cli import AppGroup, with_appcontext

from wxbackend.core.dates import CHINA
from wxbackend.core.db import reading
from wxbackend.receipts import service as receipts

MOST = 200

receipts_commands = AppGroup("receipts", help="捐赠票据.")


@receipts_commands.command("waiting")
@with_appcontext
def waiting() -> None:
    """列出待开具的票据申请, 先申请的在前; 不显示抬头."""
    with reading() as session:
        rows = receipts.waiting(session, limit=MOST)
    for request, number in rows:
        asked, (whole, rest) = request.requested_at.astimezone(CHINA), divmod(request.amount_fen, 100)
        click.echo(f"{asked:%Y-%m-%d %H:%M}  {number}  {request.county_code}  {whole:>9,}.{rest:02d} 元")
    click.echo(f"共 {len(rows)} 份待开具" + ("（只列出最早的部分）" if len(rows) == MOST else ""))
