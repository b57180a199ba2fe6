"""``flask legal``: the texts that residents agree to. ``flask keys``: the keys of sealed fields."""

from pathlib import Path

import click
from flask.cli import AppGroup
from pydantic import ValidationError

from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Problem
from wxbackend.core.ports import vault
from wxbackend.core.rotation import SealedField, count_old, reseal_batch, sealed_fields
from wxbackend.identity import legal, profile

legal_commands = AppGroup("legal", help="法律文本: 隐私政策、用户协议、认种认捐说明.")
keys_commands = AppGroup("keys", help="字段加密密钥.")


@legal_commands.command("load")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load_texts(files: tuple[Path, ...]) -> None:
    """发布法律文本 (TOML); 不带参数时发布随程序附带的三份. 已发布的版本不可修改."""
    try:
        documents = [legal.read_document(file) for file in files] or legal.supplied_documents()
        with transaction() as session:
            new = legal.load(session, documents=documents)
    except (ValidationError, ValueError, Problem) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"共 {len(documents)} 份文本，新发布 {new} 份")


@keys_commands.command("rotate")
@click.option("--batch", type=click.IntRange(1, 2_000), default=200, show_default=True, help="每个事务处理的行数")
@click.pass_context
def rotate(context: click.Context, batch: int) -> None:
    """用 FIELD_KEYS 中的第一把密钥重新加密全部字段; 可随时中断, 再次运行即续做."""
    left = sum(_rotate_field(field, batch) for field in sealed_fields())
    if left:
        click.echo(f"仍有 {left} 个值不在当前密钥之下，旧密钥不可移除", err=True)
        context.exit(1)
    click.echo(f"全部加密字段均已使用密钥 {vault().cipher.current}")


@keys_commands.command("index-phones")
@click.option("--batch", type=click.IntRange(1, 2_000), default=200, show_default=True, help="每个事务处理的行数")
def index_phones(batch: int) -> None:
    """为此前绑定的手机号补写盲索引; 可随时中断, 再次运行即续做."""
    done, after = 0, 0
    while True:
        with transaction() as session:
            count, last = profile.index_phones(session, after_id=after, limit=batch, safe=vault())
        done += count
        if last is None:
            break
        after = last
    click.echo(f"补写手机号盲索引 {done} 个")


def _rotate_field(field: SealedField, size: int) -> int:
    """Rotate one column, a transaction a batch; how many values are still under another key."""
    safe, resealed, failed, after, more = vault(), 0, 0, None, True
    while more:
        with transaction() as session:
            batch = reseal_batch(session, field=field, after=after, limit=size, safe=safe)
        after, more = batch.last, batch.last is not None
        resealed, failed = resealed + batch.resealed, failed + batch.undecipherable
        if more:
            click.echo(f"{field.name}: {resealed} …")
    with reading() as session:
        left = count_old(session, field=field, safe=safe)
    click.echo(f"{field.name}: 重新加密 {resealed}，无法解密 {failed}，剩余 {left}")
    return left
