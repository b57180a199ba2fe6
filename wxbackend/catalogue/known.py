"""What the system knows already of the things a workbook names. Read once, before anything is checked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Campaign, Issuer, Payee, PlantingBase, Region, RegionLevel, Species, Tree
from wxbackend.catalogue.format import OLDEST_YEARS
from wxbackend.catalogue.workbook import Record

#: What makes a row the same thing: its name within its county; for a tree, its place at its base.
Key = tuple[Any, ...]
Rows = Mapping[Key, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """Rows by the title of their sheet and their key, in the words of the workbook; their ids beside them."""

    regions: Mapping[str, RegionLevel]
    rows: Mapping[str, Rows]
    ids: Mapping[str, Mapping[Key, int]]
    fingerprint: tuple[int, ...]


def load_known(session: Session, *, book: Mapping[str, list[Record]], today: date) -> Known:
    """Everything the rows of ``book`` may refer to or repeat. A constant number of statements."""
    # The fingerprint goes first: what is added while the rest is read, shows as a change when the import is written.
    base_names = {record.values["base"] for record in book["现有树木"]}
    fingerprint = take_fingerprint(session, base_names=base_names)
    found: dict[str, dict[Key, tuple[int, dict[str, Any]]]] = {
        "树种": _species(session),
        "收款主体": _payees(session),
        "发证机关": _issuers(session),
        "项目": _campaigns(session),
        "基地": _bases(session),
        "现有树木": _trees(session, base_names=base_names, today=today),
    }
    return Known(
        regions={region.code: region.level for region in session.execute(select(Region.code, Region.level))},
        rows={title: {key: values for key, (_, values) in rows.items()} for title, rows in found.items()},
        ids={title: {key: id_ for key, (id_, _) in rows.items()} for title, rows in found.items()},
        fingerprint=fingerprint,
    )


def take_fingerprint(session: Session, *, base_names: Collection[str]) -> tuple[int, ...]:
    """Changes with every row that is added to what an import compares itself with. One statement."""
    placed = (
        select(func.count(Tree.latitude_e6))
        .join(PlantingBase, PlantingBase.id == Tree.base_id)
        .where(PlantingBase.name.in_(base_names))
    )
    newest = [select(func.coalesce(func.max(t.id), 0)) for t in (Species, Payee, Issuer, Campaign, PlantingBase)]
    return tuple(session.execute(select(*(query.scalar_subquery() for query in (*newest, placed)))).one())


Found = dict[Key, tuple[int, dict[str, Any]]]


def _species(session: Session) -> Found:
    return {
        (row.name,): (
            row.id,
            {"name": row.name, "latin": row.latin, "native": row.native, "use": row.use, "source": row.source},
        )
        for row in session.scalars(select(Species))
    }


def _payees(session: Session) -> Found:
    return {
        (row.county_code, row.name): (
            row.id,
            {
                "name": row.name,
                "county_code": row.county_code,
                "mchid": row.mchid,
                "qualification": row.qualification,
            },
        )
        for row in session.scalars(select(Payee))
    }


def _issuers(session: Session) -> Found:
    return {
        (row.county_code,): (row.id, {"county_code": row.county_code, "name": row.name})
        for row in session.scalars(select(Issuer))
    }


def _campaigns(session: Session) -> Found:
    query = select(Campaign, Payee.name).outerjoin(Payee, Payee.id == Campaign.payee_id)
    return {
        (row.county_code, row.name): (
            row.id,
            {
                "name": row.name,
                "county_code": row.county_code,
                "summary": row.summary,
                "payee": payee,
                "legal_basis": row.legal_basis,
                "filing_number": row.filing_number,
                "starts_on": row.starts_on,
                "ends_on": row.ends_on,
            },
        )
        for row, payee in session.execute(query)
    }


BASE_FACTS = (
    "name", "village_code", "address", "latitude_e6", "longitude_e6", "price_fen", "adopt_price_fen", "term_months",
    "capacity",
)  # fmt: skip


def _bases(session: Session) -> Found:
    query = (
        select(PlantingBase, Campaign.name, Species.name)
        .join(Campaign, Campaign.id == PlantingBase.campaign_id)
        .join(Species, Species.id == PlantingBase.species_id)
    )
    return {
        (row.county_code, row.name): (
            row.id,
            {**{fact: getattr(row, fact) for fact in BASE_FACTS}, "campaign": campaign, "species": species},
        )
        for row, campaign, species in session.execute(query)
    }


def _trees(session: Session, *, base_names: Collection[str], today: date) -> Found:
    """Trees with a position at the bases that the workbook names."""
    query = (
        select(
            Tree.id,
            Tree.number,
            Tree.planted_on,
            Tree.latitude_e6,
            Tree.longitude_e6,
            PlantingBase.county_code,
            PlantingBase.name,
            Species.name,
        )
        .join(PlantingBase, PlantingBase.id == Tree.base_id)
        .join(Species, Species.id == Tree.species_id)
        .where(PlantingBase.name.in_(base_names), Tree.latitude_e6.is_not(None))
    )
    return {
        (county, base, latitude, longitude): (
            id_,
            {
                "county_code": county,
                "base": base,
                "species": species,
                "planted": planted_on or year_of_number(number, today=today),
                "latitude_e6": latitude,
                "longitude_e6": longitude,
            },
        )
        for id_, number, planted_on, latitude, longitude, county, base, species in session.execute(query)
    }


def year_of_number(number: str, *, today: date) -> int:
    """The year in a tree's number, of which it keeps two digits: the newest such year that is not to come."""
    age = (today.year - int(number[12:14])) % 100
    return today.year - min(age, OLDEST_YEARS)
