"""Checking a workbook against itself and against what is known. Pure: every fault is found before a row is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from models import RegionLevel
from wxbackend.catalogue.format import BASES, CAMPAIGNS, ISSUERS, OLDEST_YEARS, PAYEES, SPECIES, TREES, Sheet
from wxbackend.catalogue.known import Key, Known, Rows
from wxbackend.catalogue.workbook import Fault, Faults, Record
from wxbackend.regions.rules import county_of

Book = Mapping[str, list[Record]]
KEYS: Mapping[str, Callable[[dict[str, Any]], Key]] = {
    SPECIES.title: lambda row: (row["name"],),
    PAYEES.title: lambda row: (row["county_code"], row["name"]),
    ISSUERS.title: lambda row: (row["county_code"],),
    CAMPAIGNS.title: lambda row: (row["county_code"], row["name"]),
    BASES.title: lambda row: (county_of(row["village_code"]), row["name"]),
    TREES.title: lambda row: (row["county_code"], row["base"], row["latitude_e6"], row["longitude_e6"]),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to write, by sheet and key; rows that stand in the system word for word are only counted."""

    new: Mapping[str, Mapping[Key, dict[str, Any]]]
    unchanged: Mapping[str, int]


@dataclass(slots=True)
class Check:
    """One run over a workbook: rows found so far by sheet and key, those of the system among them."""

    known: Known
    today: date
    faults: Faults

    def plan(self, book: Book) -> Plan:
        """Raises ``BadWorkbook`` with every fault of every sheet."""
        new: dict[str, dict[Key, dict[str, Any]]] = {}
        unchanged: dict[str, int] = {}
        present: dict[str, dict[Key, Mapping[str, Any]]] = {}
        for sheet, check in SHEET_CHECKS:
            found = self._sort_out(sheet, book[sheet.title])
            new[sheet.title] = found
            unchanged[sheet.title] = len(book[sheet.title]) - len(found)
            present[sheet.title] = {**self.known.rows[sheet.title], **found}
            for record in book[sheet.title]:
                for key, message in check(self, record.values, present):
                    self.faults.add(record.fault(key, message))
        self.faults.raise_any()
        return Plan(new, unchanged)

    def _sort_out(self, sheet: Sheet, records: list[Record]) -> dict[Key, dict[str, Any]]:
        """The new rows of a sheet; a row that repeats or contradicts another is a fault."""
        known, key_of = self.known.rows[sheet.title], KEYS[sheet.title]
        seen: dict[Key, int] = {}
        new: dict[Key, dict[str, Any]] = {}
        for record in records:
            key = key_of(record.values)
            if key in seen:
                self._fault(record, f"与第{seen[key]}行重复")
            elif key not in known:
                new[key] = record.values
            elif different := _differences(sheet, record.values, known[key]):
                self._fault(record, f"系统中已有，但{'、'.join(different)}不同；请与系统一致，或改用其他名称")
            seen.setdefault(key, record.row)
        return new

    def _fault(self, record: Record, message: str) -> None:
        self.faults.add(Fault(record.sheet.title, record.row, None, message))

    def region(self, key: str, code: str, level: RegionLevel) -> list[tuple[str, str]]:
        words = {RegionLevel.COUNTY: "县（市、区）", RegionLevel.VILLAGE: "村（社区）"}[level]
        return [] if self.known.regions.get(code) is level else [(key, f"没有代码为{code}的{words}")]


def _differences(sheet: Sheet, given: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    return [f"“{column.title}”" for column in sheet.columns if given[column.key] != known[column.key]]


Present = Mapping[str, Rows]
Complaints = list[tuple[str, str]]


def _check_species(_check: Check, row: dict[str, Any], _present: Present) -> Complaints:
    claims = row["latin"] is not None or row["native"] is not None
    return [("source", "填写学名或是否乡土树种时，须注明资料来源")] if claims and not row["source"] else []


def _check_county(check: Check, row: dict[str, Any], _present: Present) -> Complaints:
    return check.region("county_code", row["county_code"], RegionLevel.COUNTY)


def _check_campaign(check: Check, row: dict[str, Any], present: Present) -> Complaints:
    county, payee = row["county_code"], row["payee"]
    return [
        *check.region("county_code", county, RegionLevel.COUNTY),
        *_missing(payee is None or (county, payee) in present[PAYEES.title], "payee", "该县区没有此收款主体"),
        *_missing(row["ends_on"] >= row["starts_on"], "ends_on", "结束日期早于开始日期"),
    ]


def _check_base(check: Check, row: dict[str, Any], present: Present) -> Complaints:
    county = county_of(row["village_code"])
    placed = (row["latitude_e6"] is None) == (row["longitude_e6"] is None)
    return [
        *check.region("village_code", row["village_code"], RegionLevel.VILLAGE),
        *_missing((county, row["campaign"]) in present[CAMPAIGNS.title], "campaign", "该县区没有此项目"),
        *_missing((row["species"],) in present[SPECIES.title], "species", "没有此树种"),
        *_missing(placed, "longitude_e6", "纬度和经度须同时填写或同时留空"),
    ]


def _check_tree(check: Check, row: dict[str, Any], present: Present) -> Complaints:
    base = present[BASES.title].get((row["county_code"], row["base"]))
    return [
        *_missing(base is not None, "base", "该县区没有此基地"),
        *_missing(base is None or base["adopt_price_fen"] is not None, "base", "该基地没有认养价，不开放认养"),
        *_missing((row["species"],) in present[SPECIES.title], "species", "没有此树种"),
        *_planted_fault(row["planted"], check.today),
    ]


def _planted_fault(planted: date | int, today: date) -> Complaints:
    year = planted.year if isinstance(planted, date) else planted
    late = planted > today if isinstance(planted, date) else year > today.year
    if late:
        return [("planted", "不能晚于今天")]
    oldest = today.year - OLDEST_YEARS
    return _missing(year >= oldest, "planted", f"不能早于{oldest}年；古树名木另行登记")


def _missing(right: bool, key: str, message: str) -> Complaints:  # noqa: FBT001  a table of rules reads best so
    return [] if right else [(key, message)]


SHEET_CHECKS: tuple[tuple[Sheet, Callable[[Check, dict[str, Any], Present], Complaints]], ...] = (
    (SPECIES, _check_species),
    (PAYEES, _check_county),
    (ISSUERS, _check_county),
    (CAMPAIGNS, _check_campaign),
    (BASES, _check_base),
    (TREES, _check_tree),
)
