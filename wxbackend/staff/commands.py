"""``flask staff``: how accounts begin and end. There is no default account and no default password."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from models import Role
from wxbackend.core.db import transaction
from wxbackend.core.errors import Problem
from wxbackend.core.ports import ports, settings, vault
from wxbackend.staff import service as accounts
from wxbackend.staff.rules import ROLE_TITLES

USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")
ROLES = "、".join(f"{role} {title}" for role, title in ROLE_TITLES.items())

staff = AppGroup("staff", help="工作人员账号: 开通、授权、停用.")
role_option = click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help=ROLES)
region_option = click.option("--region", required=True, metavar="CODE", help="12 位行政区划代码 (市或县)")


@staff.command("create")
@click.argument("username")
@click.option("--name", required=True, help="姓名, 显示在后台")
@role_option
@region_option
def create(username: str, name: str, role: str, region: str) -> None:
    """开通账号, 打印 24 小时内有效的一次性激活链接."""
    if not USERNAME.fullmatch(username):
        raise click.BadParameter("3 至 32 位小写字母、数字或 . _ -, 以字母开头", param_hint="USERNAME")
    new = accounts.NewAccount(username=username, display_name=name, row_key=vault().new_row_key())
    token = ports().new_token()
    with _told_plainly(), transaction() as session:
        accounts.invite(session, new=new, role=Role(role), region=region, link_token=token, now=ports().now())
    _print_link(token)


@staff.command("grant")
@click.argument("username")
@role_option
@region_option
def grant(username: str, role: str, region: str) -> None:
    """增加一个角色及其管辖范围."""
    with _told_plainly(), transaction() as session:
        accounts.grant(session, username=username, role=Role(role), region=region, now=ports().now())
    click.echo(f"已授权: {username} {ROLE_TITLES[Role(role)]} {region}")


@staff.command("revoke")
@click.argument("username")
@role_option
@region_option
def revoke(username: str, role: str, region: str) -> None:
    """收回一个角色并结束该账号的全部登录."""
    with _told_plainly(), transaction() as session:
        accounts.revoke(session, username=username, role=Role(role), region=region, now=ports().now())
        left = accounts.grants_of(session, username=username)
    click.echo(f"已收回: {username} {ROLE_TITLES[Role(role)]} {region}")
    _tell_grants(left)


@staff.command("disable")
@click.argument("username")
def disable(username: str) -> None:
    """停用账号并结束其全部登录."""
    with _told_plainly(), transaction() as session:
        accounts.disable(session, username=username, now=ports().now())
        left = accounts.grants_of(session, username=username)
    click.echo(f"已停用: {username}")
    _tell_grants(left)


@staff.command("reset-totp")
@click.argument("username")
def reset_totp(username: str) -> None:
    """作废密码与动态码, 打印新的激活链接 (也用于重新启用)."""
    token = ports().new_token()
    with _told_plainly(), transaction() as session:
        accounts.reset_totp(session, username=username, link_token=token, now=ports().now())
        left = accounts.grants_of(session, username=username)
    _tell_grants(left)
    _print_link(token)


def _tell_grants(grants: Sequence[tuple[Role, str]]) -> None:
    """What the account may do once somebody signs in with it (again). Nothing comes back unseen."""
    click.echo("该账号保留的角色 (可用 flask staff revoke 收回):" if grants else "该账号没有任何角色.", err=True)
    for role, region in grants:
        click.echo(f"  {role} {ROLE_TITLES[role]} {region}", err=True)


def _print_link(token: str) -> None:
    click.echo("一次性激活链接 (24 小时内有效):", err=True)
    click.echo(f"{settings().public_base_url.rstrip('/')}/console/activate/{token}")


@contextmanager
def _told_plainly() -> Iterator[None]:
    """A refusal ends the command with one line and status 1."""
    try:
        yield
    except Problem as refusal:
        said = f"{refusal.title}: {refusal.detail}" if refusal.detail else refusal.title
        raise click.ClickException(said) from refusal
