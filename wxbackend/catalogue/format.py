"""The workbook that fills the catalogue: its sheets and columns, and what may stand in a cell. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from models import LegalBasis
from wxbackend.campaigns.rules import LEGAL_BASIS_WORDS

Cell = str | int | float | bool | date | datetime | None
#: From the short names in cells to the basis; the full words and the codes are understood as well.
BASIS_NAMES: Mapping[str, LegalBasis] = MappingProxyType(
    {
        "绿委接受捐赠": LegalBasis.GREENING_COMMITTEE,
        "认种认养协议": LegalBasis.ADOPTION_AGREEMENT,
        "慈善组织自有平台": LegalBasis.CHARITY_OWN_SITE,
        "单位内部": LegalBasis.UNIT_INTERNAL,
        **{words: basis for basis, words in LEGAL_BASIS_WORDS.items()},
        **{str(basis): basis for basis in LegalBasis},
    }
)
SHORT_BASES = tuple(BASIS_NAMES)[:4]
MICRO = 1_000_000
LONGEST_PRICE_FEN = 100_000_000
#: A tree's number keeps two digits of its year: older ones could not be told apart.
OLDEST_YEARS = 99


class BadCell(ValueError):
    """What is wrong with a cell, in Chinese."""


def text(limit: int) -> Callable[[Cell], str]:
    def parse(cell: Cell) -> str:
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        words = str(cell).strip()
        if len(words) > limit:
            raise BadCell(f"不能超过{limit}个字")
        if any(ord(letter) < ord(" ") for letter in words):
            raise BadCell("含有换行或控制字符")
        return words

    return parse


def region_code(cell: Cell) -> str:
    code = text(20)(cell)
    if len(code) != 12 or not (code.isascii() and code.isdigit()):  # noqa: PLR2004
        raise BadCell("应为12位区划代码")
    return code


def merchant_number(cell: Cell) -> str:
    number = text(32)(cell)
    if not (number.isascii() and number.isdigit() and 8 <= len(number) <= 32):  # noqa: PLR2004
        raise BadCell("应为8至32位数字的商户号")
    return number


def yes_or_no(cell: Cell) -> bool:
    answers = {"是": True, "否": False}
    if cell not in answers:
        raise BadCell("应为“是”或“否”，不确定时留空")
    return answers[str(cell)]


def legal_basis(cell: Cell) -> LegalBasis:
    basis = BASIS_NAMES.get(str(cell).strip())
    if basis is None:
        raise BadCell(f"应为{'、'.join(SHORT_BASES)}之一")
    return basis


def day(cell: Cell) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    try:
        return date.fromisoformat(str(cell).strip())
    except ValueError:
        raise BadCell("应为日期，如 2026-03-12") from None


def day_or_year(cell: Cell) -> date | int:
    """A date, or the year alone where the day is not known."""
    if isinstance(cell, date | datetime):
        return day(cell)
    words = text(10)(cell)
    if words.isascii() and words.isdigit() and len(words) == 4:  # noqa: PLR2004
        return int(words)
    return day(cell)


def whole(low: int, high: int) -> Callable[[Cell], int]:
    def parse(cell: Cell) -> int:
        number = _decimal(cell)
        if number != int(number) or not low <= number <= high:
            raise BadCell(f"应为{low}至{high}的整数")
        return int(number)

    return parse


def price_fen(cell: Cell) -> int:
    """Yuan in the cell, fen from here on."""
    fen = _decimal(cell) * 100
    if fen != int(fen) or not 1 <= fen <= LONGEST_PRICE_FEN:
        raise BadCell("应为0.01至1000000元，最多两位小数")
    return int(fen)


def degrees(limit: int) -> Callable[[Cell], int]:
    """Degrees in the cell, millionths of a degree from here on."""

    def parse(cell: Cell) -> int:
        number = _decimal(cell)
        if abs(number) > limit:
            raise BadCell(f"应在-{limit}至{limit}之间")
        return int((number * MICRO).to_integral_value())

    return parse


def _decimal(cell: Cell) -> Decimal:
    try:
        number = Decimal(str(cell).strip())
    except InvalidOperation:
        raise BadCell("应为数字") from None
    if isinstance(cell, bool) or not number.is_finite() or abs(number) >= 10**12:
        raise BadCell("应为数字")
    return number


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` names the value in a row; ``note`` and ``example`` go into the template and the document."""

    key: str
    title: str
    parse: Callable[[Cell], Any]
    note: str
    example: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    note: str
    columns: tuple[Column, ...]


COUNTY = Column("county_code", "县区代码", region_code, "县（市、区）的12位区划代码", "445281000000")
SPECIES_NAME = Column("species", "树种", text(40), "“树种”表或系统中已有的名称", "荔枝")
LATITUDE = Column("latitude_e6", "纬度", degrees(90), "GCJ-02坐标，单位度", "23.297300")
LONGITUDE = Column("longitude_e6", "经度", degrees(180), "GCJ-02坐标，单位度", "116.165700")


def _optional(column: Column) -> Column:
    return Column(column.key, column.title, column.parse, column.note, column.example, required=False)


SPECIES = Sheet(
    "树种",
    "以名称区分。系统自带的树种不必填写。",
    (
        Column("name", "名称", text(40), "常用中文名", "阴香"),
        Column("latin", "拉丁学名", text(80), "不确定时留空", "Cinnamomum burmannii", required=False),
        Column("native", "是否乡土树种", yes_or_no, "是或否，不确定时留空", "是", required=False),
        Column("use", "用途", text(40), "如绿化、实用经济", "绿化", required=False),
        Column("source", "资料来源", text(200), "学名、产地的出处，填写它们时必填", "《中国植物志》", required=False),
    ),
)
PAYEES = Sheet(
    "收款主体",
    "以县区和名称区分。收款主体用自己的微信支付商户号收款。",
    (
        Column("name", "名称", text(80), "收款单位全称", "示范县绿化委员会"),
        COUNTY,
        Column("mchid", "商户号", merchant_number, "微信支付商户号", "1900000109"),
        Column("qualification", "资质", text(200), "如慈善组织登记、公开募捐资格证书编号", "", required=False),
    ),
)
ISSUERS = Sheet(
    "发证机关",
    "每个县区一个，名称印在证书和树牌上。",
    (COUNTY, Column("name", "名称", text(120), "发证机关全称", "示范县绿化委员会办公室")),
)
CAMPAIGNS = Sheet(
    "项目",
    "以县区和名称区分。导入后为草稿，须补齐收款主体、法律依据和备案号，并由第二人审核后上线。",
    (
        Column("name", "名称", text(80), "项目名称", "我为家乡种棵树"),
        COUNTY,
        Column("summary", "简介", text(500), "向居民说明用途", "为村口添一片绿"),
        Column("payee", "收款主体", text(80), "同一县区的收款主体名称", "示范县绿化委员会", required=False),
        Column(
            "legal_basis", "法律依据", legal_basis, "、".join(list(BASIS_NAMES)[:4]), "绿委接受捐赠", required=False
        ),
        Column("filing_number", "备案号", text(80), "备案或批准文号", "示绿备〔2026〕1号", required=False),
        Column("starts_on", "开始日期", day, "含当日", "2026-01-01"),
        Column("ends_on", "结束日期", day, "含当日", "2026-12-31"),
    ),
)
BASES = Sheet(
    "基地",
    "以县区和名称区分，县区由村（社区）代码得出。导入后为草稿，由第二人审核后上线。",
    (
        Column("name", "名称", text(80), "基地名称", "示范村村口义务植树基地"),
        Column("campaign", "项目", text(80), "同一县区的项目名称", "我为家乡种棵树"),
        Column("village_code", "村（社区）代码", region_code, "12位区划代码", "445281101201"),
        Column("address", "地址", text(200), "村内位置", "村口公园东侧"),
        SPECIES_NAME,
        _optional(LATITUDE),
        _optional(LONGITUDE),
        Column("price_fen", "认种单价（元）", price_fen, "每株，最多两位小数", "50.00"),
        Column("adopt_price_fen", "认养价（元）", price_fen, "每株整个期限，不开放时留空", "200.00", required=False),
        Column("term_months", "期限（月）", whole(1, 60), "1至60", "12"),
        Column("capacity", "认种名额", whole(0, 1_000_000), "可认种的株数", "100"),
    ),
)
TREES = Sheet(
    "现有树木",
    "已经种下、开放认养的树。以基地和坐标区分；同一基地的两棵树坐标不能相同。",
    (
        COUNTY,
        Column("base", "基地", text(80), "同一县区的基地名称", "示范村村口义务植树基地"),
        SPECIES_NAME,
        Column("planted", "种植日期或年份", day_or_year, "如 2019-03-12，不知道日期时填年份", "2019"),
        LATITUDE,
        LONGITUDE,
    ),
)
#: In the order in which they are read: a sheet names only what stands in those before it, or in the system.
SHEETS = (SPECIES, PAYEES, ISSUERS, CAMPAIGNS, BASES, TREES)
