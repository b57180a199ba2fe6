"""``flask catalogue``: seed, template, import."""

import hashlib
from pathlib import Path

import click
from flask.cli import AppGroup

from certificates.codes import make_token
from wxbackend.catalogue import service as catalogue
from wxbackend.catalogue.checking import Check, Plan
from wxbackend.catalogue.format import TREES
from wxbackend.catalogue.known import Known, load_known
from wxbackend.catalogue.shipped import shipped_regions, shipped_species
from wxbackend.catalogue.workbook import MAX_FILE_BYTES, BadWorkbook, Faults, read_workbook, write_template
from wxbackend.core.dates import china_date
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Conflict
from wxbackend.core.ports import Ports, ports, settings

TOKEN_BYTES = 5
catalogue_commands = AppGroup("catalogue", help="目录: 区划、树种、收款主体、项目、基地、现有树木.")
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@catalogue_commands.command("seed")
def seed() -> None:
    """写入随程序提供的区划、树种与默认积分规则; 可重复执行."""
    regions, species = shipped_regions(), shipped_species(ports().new_id)
    with transaction() as session:
        catalogue.seed(session, regions=regions, species=species)
    click.echo(f"区划 {len(regions)} 个、树种 {len(species)} 个、积分规则已就绪")


@catalogue_commands.command("template")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def template(file: Path) -> None:
    """生成空白工作簿, 附填写说明."""
    write_template(file)
    click.echo(f"已生成 {file}")


@catalogue_commands.command("import")
@click.argument("file", type=EXISTING)
@click.option("--check", "check_only", is_flag=True, help="只校验, 不写入")
def import_workbook(file: Path, check_only: bool) -> None:  # noqa: FBT001  click passes by name
    """导入工作簿: 全部成功或全部不写入; 项目和基地导入后为草稿."""
    ask, data = ports(), _read(file)
    try:
        plan, known = _check(data, ask)
        if not check_only:
            _write(plan, known, ask, source=hashlib.sha256(data).hexdigest()[:32])
    except BadWorkbook as refusal:
        raise click.ClickException(_in_words(refusal)) from refusal
    except Conflict as refusal:
        raise click.ClickException(refusal.detail or refusal.title) from refusal
    click.echo("校验通过，未写入：" if check_only else "已导入：")
    for title, rows in plan.new.items():
        click.echo(f"  {title}：新增 {len(rows)}，已有 {plan.unchanged[title]}")


def _read(file: Path) -> bytes:
    with file.open("rb") as source:
        return source.read(MAX_FILE_BYTES + 1)


def _check(data: bytes, ask: Ports) -> tuple[Plan, Known]:
    today = china_date(ask.now())
    book = read_workbook(data)
    with reading() as session:
        known = load_known(session, book=book, today=today)
    return Check(known, today, Faults()).plan(book), known


def _write(plan: Plan, known: Known, ask: Ports, *, source: str) -> None:
    keys = settings().code_keys
    names = catalogue.Names(
        new_id=ask.new_id,
        new_token=lambda: make_token(int.from_bytes(ask.random_bytes(TOKEN_BYTES)), keys, purpose="T"),
    )
    names = names.with_tokens(len(plan.new[TREES.title]))
    with transaction() as session:
        catalogue.write_import(session, plan=plan, known=known, names=names, source=source, now=ask.now())


def _in_words(refusal: BadWorkbook) -> str:
    """Every fault on a line of its own; what is not told is counted."""
    told = [error["message"] for error in refusal.extra.get("errors", [])]
    more = refusal.extra.get("count", 0) - len(told)
    lines = [f"{refusal.title}：{refusal.detail}", *told, *([f"……另有{more}处"] if more > 0 else [])]
    return "\n".join(lines)
