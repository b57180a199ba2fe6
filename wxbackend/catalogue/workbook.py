"""Reading a workbook without trusting it, and writing an empty one."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from wxbackend.catalogue.format import SHEETS, BadCell, Column, Sheet
from wxbackend.core.errors import InvalidInput

MAX_FILE_BYTES = 5_000_000
#: How much a byte of the file may unpack to; a workbook of numbers stays below 30.
MAX_RATIO = 100
MAX_ROWS = 50_000
HELP_SHEET = "填写说明"
#: So many faults are told; a workbook with more needs another look anyway.
MAX_FAULTS = 200
FORMULA, ERROR = "f", "e"


class BadWorkbook(InvalidInput):
    code, title = "bad-workbook", "工作簿有误，未导入任何内容"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a workbook is wrong, and how. ``row`` and ``column`` are as the spreadsheet shows them."""

    sheet: str
    row: int | None
    column: str | None
    message: str

    def __str__(self) -> str:
        place = "".join((f"第{self.row}行 " if self.row else "", f"{self.column} " if self.column else ""))
        return f"【{self.sheet}】{place}{self.message}"


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a sheet: its values by key, and its place."""

    sheet: Sheet
    row: int
    values: dict[str, Any]
    letters: dict[str, str]

    def fault(self, key: str, message: str) -> Fault:
        title = next(column.title for column in self.sheet.columns if column.key == key)
        return Fault(self.sheet.title, self.row, f"{self.letters[key]}列“{title}”", message)


@dataclass(slots=True)
class Faults:
    """What was found wrong so far."""

    found: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.found.append(fault)

    def raise_any(self) -> None:
        if self.found:
            told = sorted(self.found, key=lambda fault: ([s.title for s in SHEETS].index(fault.sheet), fault.row or 0))
            raise refusal(told)


def refusal(faults: Sequence[Fault]) -> BadWorkbook:
    """A ``BadWorkbook`` that tells each fault with its place, and how many there are in all."""
    errors = [{"field": "/".join(map(str, (f.sheet, f.row, f.column))), "message": str(f)} for f in faults]
    return BadWorkbook(f"共{len(faults)}处错误", errors=errors[:MAX_FAULTS], count=len(faults))


def read_workbook(data: bytes, *, max_rows: int = MAX_ROWS) -> dict[str, list[Record]]:
    """Every row of every known sheet, by the sheet's title. Raises ``BadWorkbook`` with all faults of form."""
    _refuse_bombs(data)
    faults = Faults()
    try:
        read = _read_sheets(data, faults, max_rows)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, SyntaxError, TypeError, AttributeError) as error:
        raise BadWorkbook("不是可以读取的 xlsx 工作簿") from error
    faults.raise_any()
    return {sheet.title: read.get(sheet.title, []) for sheet in SHEETS}


def _read_sheets(data: bytes, faults: Faults, max_rows: int) -> dict[str, list[Record]]:
    import openpyxl  # noqa: PLC0415 - the web process reads no workbook and saves 6 MB

    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=False, keep_links=False)
    try:
        if strange := set(book.sheetnames) - {sheet.title for sheet in SHEETS} - {HELP_SHEET}:
            raise BadWorkbook(f"不认识的工作表：{'、'.join(sorted(strange))}")
        wanted = [sheet for sheet in SHEETS if sheet.title in book.sheetnames]
        return {sheet.title: list(_records(sheet, book[sheet.title], faults, max_rows)) for sheet in wanted}
    finally:
        book.close()


def _refuse_bombs(data: bytes) -> None:
    if len(data) > MAX_FILE_BYTES:
        raise BadWorkbook(f"文件超过{MAX_FILE_BYTES // 1_000_000} MB")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise BadWorkbook("不是可以读取的 xlsx 工作簿") from error
    if unpacked > MAX_RATIO * len(data):
        raise BadWorkbook(f"文件解压后超过原大小的{MAX_RATIO}倍")


def _records(sheet: Sheet, rows: Any, faults: Faults, max_rows: int) -> Iterator[Record]:
    """The rows of one sheet; an empty row is passed over, a wrong cell is noted and its row left out."""
    lines = rows.iter_rows()
    columns = _header(sheet, next(lines, ()), faults)
    if columns is None:
        return
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as above

    letters = {column.key: get_column_letter(place + 1) for place, column in enumerate(columns)}
    for number, cells in enumerate(lines, start=2):
        if number > max_rows + 1:
            faults.add(Fault(sheet.title, number, None, f"超过{max_rows}行"))
            return
        if any(cell.value not in (None, "") for cell in cells):
            record = Record(sheet, number, {}, letters)
            if _fill(record, columns, cells, faults):
                yield record


def _header(sheet: Sheet, cells: Sequence[Any], faults: Faults) -> list[Column] | None:
    """The columns in the order of the file. Every title of ours must be there, and no other."""
    known = {column.title: column for column in sheet.columns}
    titles = [str(cell.value).strip() for cell in cells if cell.value not in (None, "")]
    lost, strange = [t for t in known if t not in titles], [t for t in titles if t not in known]
    twice = len(titles) != len(set(titles)) or len(titles) != len(cells) - _trailing(cells)
    if lost:
        faults.add(Fault(sheet.title, 1, None, f"缺少列：{'、'.join(lost)}"))
    if strange or twice:
        faults.add(Fault(sheet.title, 1, None, f"多余、重复或空白的列：{'、'.join(strange) or '—'}"))
    return None if lost or strange or twice else [known[title] for title in titles]


def _trailing(cells: Sequence[Any]) -> int:
    """Empty cells at the end of the first row, which a spreadsheet may well have left there."""
    filled = [place for place, cell in enumerate(cells) if cell.value not in (None, "")]
    return len(cells) - (filled[-1] + 1 if filled else 0)


def _fill(record: Record, columns: Sequence[Column], cells: Sequence[Any], faults: Faults) -> bool:
    """Parse a row's cells into ``record.values``; False if one of them is wrong."""
    good = True
    for column, cell in zip_longest(columns, cells[: len(columns)]):
        try:
            record.values[column.key] = _value(column, cell)
        except BadCell as error:
            faults.add(record.fault(column.key, str(error)))
            good = False
    if any(cell.value not in (None, "") for cell in cells[len(columns) :]):
        faults.add(Fault(record.sheet.title, record.row, None, "表头以外的列有内容"))
        good = False
    return good


def _value(column: Column, cell: Any) -> Any:
    kind, value = getattr(cell, "data_type", None), getattr(cell, "value", None)
    if kind == FORMULA:
        raise BadCell("不接受公式，请粘贴为数值")
    if kind == ERROR:
        raise BadCell("单元格是错误值")
    if value is None or (isinstance(value, str) and not value.strip()):
        if column.required:
            raise BadCell("必填")
        return None
    return column.parse(value)


def write_template(file: Path) -> None:
    """An empty workbook with every sheet and column, and what they mean. Every cell is text, never a formula."""
    import xlsxwriter  # noqa: PLC0415 - as above

    options = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#E2F1E2", "border": 1, "text_wrap": True})
        plain = book.add_format({"num_format": "@"})
        _write_help(book, head)
        for sheet in SHEETS:
            page = book.add_worksheet(sheet.title)
            page.freeze_panes(1, 0)
            for place, column in enumerate(sheet.columns):
                page.set_column(place, place, max(14, 2 * len(column.title) + 4), plain)
                page.write_string(0, place, column.title, head)


def _write_help(book: Any, head: Any) -> None:
    page = book.add_worksheet(HELP_SHEET)
    page.set_column(0, 1, 18)
    page.set_column(2, 2, 8)
    page.set_column(3, 4, 48)
    rows = [("工作表", "列", "必填", "说明", "示例")]
    for sheet in SHEETS:
        rows.append((sheet.title, "", "", sheet.note, ""))
        rows += [("", c.title, "是" if c.required else "", c.note, c.example) for c in sheet.columns]
    for number, row in enumerate(rows):
        for place, words in enumerate(row):
            page.write_string(number, place, words, head if number == 0 else None)
