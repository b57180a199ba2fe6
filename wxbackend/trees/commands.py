"""``flask plates``: sheets of plates for the trees of a base."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from tqdm import tqdm

from certificates.faces import PlateFace
from certificates.fonts import MissingGlyphs, font_book
from certificates.layout import FaceTooLong
from certificates.plates import PART_SIZE, plate_sheets
from certificates.qr import CodeUnreadable
from models import Issuer, PlantingBase
from wxbackend.core.db import reading
from wxbackend.core.ports import settings, vault
from wxbackend.trees import facts
from wxbackend.trees.rules import code_text

CHUNK = 500


@click.command("plates")
@click.option("--base", "base_id", required=True, help="基地编号")
@click.option("--out", "out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="PDF 文件")
@click.option("--part", default=PART_SIZE, show_default=True, type=click.IntRange(1, PART_SIZE), help="每份块数")
@with_appcontext
def plates_command(base_id: str, out: Path, part: int) -> None:
    """为一个基地的树木生成树牌印刷稿 (A4, 每份至多1000块), 每个二维码都经回读核对."""
    order = _order(base_id)
    names = _part_names(out, -(-order.count // part))
    try:
        with tqdm(_faces(order), total=order.count, desc="树牌", unit="块") as faces:
            sheets = plate_sheets(faces, part_size=part, fonts=font_book(settings().cert_font_dir))
            for name, sheet in zip(names, sheets, strict=False):
                _write(name, sheet)
    except (MissingGlyphs, FaceTooLong, CodeUnreadable) as error:
        raise click.ClickException(f"树牌无法印制：{error}") from error
    click.echo(f"已生成 {order.count} 块树牌：{'、'.join(map(str, names))}")


@dataclass(frozen=True, slots=True)
class Order:
    """What to print: a tree that comes into being while we draw is for the next time."""

    base_id: int
    office: str
    count: int
    last_id: int


def _order(base_id: str) -> Order:
    with reading() as session:
        row = session.execute(
            select(PlantingBase.id, Issuer.name)
            .outerjoin(Issuer, Issuer.county_code == PlantingBase.county_code)
            .where(PlantingBase.public_id == base_id)
        ).one_or_none()
        if row is None:
            raise click.ClickException(f"没有编号为 {base_id} 的基地")
        key, office = row
        count, last_id = facts.count_for_plates(session, base_id=key)
    if office is None:
        raise click.ClickException("该县（市、区）尚未设置发证机关，请先用 catalogue import 导入")
    if not count:
        raise click.ClickException("该基地还没有需要树牌的树")
    return Order(key, office, count, last_id)


def _part_names(out: Path, parts: int) -> list[Path]:
    """One file keeps its name; several are FILE-1.pdf, FILE-2.pdf, …"""
    if parts == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{part}{out.suffix}") for part in range(1, parts + 1)]


def _faces(order: Order) -> Iterator[PlateFace]:
    """Read in chunks, each in a transaction of its own: drawing may take minutes."""
    base_url, safe, after_id = settings().code_base_url, vault(), 0
    while after_id < order.last_id:
        with reading() as session:
            rows = facts.trees_for_plates(
                session, base_id=order.base_id, after_id=after_id, last_id=order.last_id, limit=CHUNK, safe=safe
            )
        yield from (_face(row, office=order.office, base_url=base_url) for row in rows)
        after_id = rows[-1].tree_id if rows else order.last_id


def _face(row: facts.PlateRow, *, office: str, base_url: str) -> PlateFace:
    return PlateFace(
        species=row.species,
        latin=row.latin,
        number=row.number,
        base_name=row.base_name,
        adopter=row.adopter,
        office=office,
        url=code_text(base_url, row.token),
    )


def _write(name: Path, sheet: bytes) -> None:
    """Complete or not at all: a half-written sheet must not reach the printer."""
    partial = name.with_name(f"{name.name}.part")
    partial.write_bytes(sheet)
    partial.replace(name)
