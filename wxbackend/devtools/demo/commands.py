"""``flask demo``: fill a development database, and hand out tokens for it."""

import json

import click
from flask.cli import AppGroup
from sqlalchemy import select

from models import Region
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import settings
from wxbackend.devtools.demo import past, tokens, world
from wxbackend.devtools.demo.plan import SCALES
from wxbackend.identity import legal

demo_commands = AppGroup("demo", help="演示数据（仅限开发环境）.")


def _only_for_development() -> None:
    """The default of APP_ENV will not do: a shell beside a real database says nothing, too."""
    if settings().is_production:
        raise click.ClickException("生产环境不能使用演示数据")
    if not settings().app_env_is_stated:
        raise click.ClickException("请先写明 APP_ENV=development 或 APP_ENV=test，再使用演示数据")


@demo_commands.command("load")
@click.option("--scale", type=click.Choice(list(SCALES)), default="small", show_default=True)
def load(scale: str) -> None:
    """填充演示县市: 行政区划、项目、基地、居民、树木与过去六周的认种."""
    _only_for_development()
    with reading() as session:
        if session.scalar(select(Region.code).limit(1)) is not None:
            raise click.ClickException("数据库不是空的，请换一个新的数据库")
    size = SCALES[scale]
    world.load_catalogue(size)
    with transaction() as session:
        legal.load(session, documents=legal.supplied_documents())
    world.load_residents(size)
    world.load_trees(size)
    past.load_pledges(size)
    click.echo(f"已载入 {size.bases} 个基地、{size.trees} 株树、{size.residents} 位居民、{size.paid_pledges} 单认种。")


@demo_commands.command("tokens")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def show_tokens(*, as_json: bool) -> None:
    """给出演示居民的令牌、工作人员账号与示例对象."""
    _only_for_development()
    made = tokens.make_tokens()
    click.echo(json.dumps(made, ensure_ascii=False, indent=None if as_json else 2))
