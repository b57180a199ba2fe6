"""Workbooks, and the commands that read them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xlsxwriter
from click.testing import Result
from flask import Flask

from tests.make import COUNTY, VILLAGE
from wxbackend.catalogue.format import SHEETS

SPECIES = ("阴香", "Cinnamomum burmannii", "是", "绿化", "《中国植物志》")
PAYEE = ("示范县绿化委员会", COUNTY, "1900000109", None)
ISSUER = (COUNTY, "示范县绿化委员会办公室")
CAMPAIGN = (
    "我为家乡种棵树", COUNTY, "为村口添一片绿", "示范县绿化委员会", "绿委接受捐赠", "示绿备〔2026〕1号", "2026-01-01",
    "2026-12-31",
)  # fmt: skip
BASE = (
    "村口基地", "我为家乡种棵树", VILLAGE, "村口公园东侧", "阴香", "23.2973", "116.1657", "50.00", "200", "12", "100",
)  # fmt: skip
TREE = (COUNTY, "村口基地", "阴香", "2019", "23.297301", "116.165701")
WHOLE = {
    "树种": [SPECIES],
    "收款主体": [PAYEE],
    "发证机关": [ISSUER],
    "项目": [CAMPAIGN],
    "基地": [BASE],
    "现有树木": [TREE],
}
HEADS = {sheet.title: [column.title for column in sheet.columns] for sheet in SHEETS}
Rows = dict[str, Sequence[Sequence[object]]]


def write(file: Path, rows: Rows, heads: dict[str, Sequence[str]] = HEADS) -> Path:
    """A workbook of these rows. Texts stay texts; ``=…`` becomes a formula; dates are written as dates."""
    with xlsxwriter.Workbook(str(file), {"default_date_format": "yyyy-mm-dd"}) as book:
        for title, lines in rows.items():
            page = book.add_worksheet(title)
            page.write_row(0, 0, heads.get(title, ["？"]))
            for number, line in enumerate(lines, start=1):
                page.write_row(number, 0, line)
    return file


def change(title: str, column: str, value: object) -> Rows:
    """The whole workbook with one cell of one sheet changed."""
    place, (row,) = HEADS[title].index(column), WHOLE[title]
    return {**WHOLE, title: [[*row[:place], value, *row[place + 1 :]]]}


@pytest.fixture
def flask_command(app: Flask) -> Callable[..., Result]:
    def run(*args: object) -> Result:
        return app.test_cli_runner().invoke(args=["catalogue", *map(str, args)])

    return run


@pytest.fixture
def load(flask_command: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Import a workbook of these rows."""

    def run(rows: Rows = WHOLE, *options: str) -> Result:
        return flask_command("import", write(tmp_path / "catalogue.xlsx", rows), *options)

    return run
