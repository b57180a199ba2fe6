"""``flask content``: what waits for review."""

import click
from flask.cli import AppGroup

from wxbackend.content.rechecks import count_waiting
from wxbackend.core.db import reading

content_commands = AppGroup("content", help="内容审核.")
WORDS = {
    "dedication": "寄语",
    "holder_name": "证书姓名",
    "plate_text": "树牌文字",
    "profile_name": "个人资料姓名",
    "nickname": "昵称",
    "avatar": "头像",
}


@content_commands.command("waiting")
def waiting() -> None:
    """各类待审核内容的数量; 内容本身只在后台显示."""
    with reading() as session:
        counts = count_waiting(session)
    for subject, count in counts.items():
        click.echo(f"{WORDS[subject]}：{count.total} 项，其中待人工 {count.by_hand} 项，最早 {count.oldest_on}")
    if not counts:
        click.echo("没有待审核的内容")
