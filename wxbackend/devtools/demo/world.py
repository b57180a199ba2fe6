"""Filling the database: the catalogue, the people and old trees in bulk."""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from tqdm import tqdm

from certificates.codes import make_token
from models import (
    BaseStatus,
    Campaign,
    CampaignStatus,
    Issuer,
    LegalBasis,
    Payee,
    PlantingBase,
    Region,
    RegionLevel,
    Resident,
    ResidentStatus,
    Species,
    Tree,
    TreeAdoption,
    TreeLife,
)
from wxbackend.core.crypto import Vault
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports, settings, vault
from wxbackend.core.settings import ROOT
from wxbackend.devtools.demo.plan import Scale, base_plan, person_name, spread
from wxbackend.identity.service import openid_place
from wxbackend.points import service as points
from wxbackend.regions.rules import place_name
from wxbackend.trees import service as trees

BLOCK = 2_000
COUNTY = "445281000000"
Progress = Callable[[int], object]


def blocks(rows: Iterator[dict[str, Any]], size: int = BLOCK) -> Iterator[list[dict[str, Any]]]:
    """Batches small enough that no write block holds the queue for long."""
    while block := list(islice(rows, size)):
        yield block


def load_catalogue(scale: Scale) -> None:
    """Regions, species, rules, one payee, issuer and campaign for every county, and the bases."""
    now = ports().now()
    with transaction() as session:
        _regions(session)
        _species(session)
        points.ensure_rules(session)
        counties = session.scalars(select(Region).where(Region.level == RegionLevel.COUNTY)).all()
        chosen = counties if scale.bases > len(counties) * 50 else [c for c in counties if c.code == COUNTY]
        campaigns = {county.code: _campaign(session, county, now) for county in chosen}
    with transaction() as session:
        session.execute(insert(PlantingBase), _bases(session, scale, campaigns, now))


def _regions(session: Session) -> None:
    with (ROOT / "wxbackend" / "data" / "regions.csv").open(encoding="utf-8") as file:
        rows = [
            {"code": r["code"], "level": RegionLevel(r["level"]), "name": r["name"], "parent_code": r["parent"] or None}
            for r in csv.DictReader(file)
        ]
    session.execute(insert(Region), rows)


def _species(session: Session) -> None:
    with (ROOT / "wxbackend" / "data" / "species.csv").open(encoding="utf-8") as file:
        rows = [
            {
                "public_id": f"species-{number}",
                "name": row["name"],
                "latin": row["latin"] or None,
                "native": {"是": True, "否": False}.get(row["native"]),
                "use": row["use"] or None,
                "source": row["source"] or None,
            }
            for number, row in enumerate(csv.DictReader(file), 1)
        ]
    session.execute(insert(Species), rows)


def _campaign(session: Session, county: Region, now: datetime) -> int:
    """A running campaign whose payee has the first configured merchant number."""
    mchid = min(ports().pay.merchants(), default="0")
    payee = Payee(
        public_id=f"payee-{county.code}", name=f"{county.name}绿化委员会", mchid=mchid, county_code=county.code
    )
    session.add_all([payee, Issuer(county_code=county.code, name=f"{county.name}绿化委员会办公室")])
    session.flush()
    today = now.date()
    campaign = Campaign(
        public_id=f"campaign-{county.code}",
        name="我为家乡种棵树",
        summary="为家乡的村口、河岸和校园添一片绿",
        county_code=county.code,
        payee_id=payee.id,
        legal_basis=LegalBasis.GREENING_COMMITTEE,
        filing_number=f"示绿备〔{today.year}〕{county.code[:6]}号",
        starts_on=today - timedelta(days=60),
        ends_on=today + timedelta(days=300),
        status=CampaignStatus.ONLINE,
        created_at=now,
    )
    session.add(campaign)
    session.flush()
    return campaign.id


def _bases(session: Session, scale: Scale, campaigns: dict[str, int], now: datetime) -> list[dict[str, Any]]:
    prefixes = tuple(code[:6] for code in campaigns)
    villages = session.execute(
        select(Region.code, Region.name).where(Region.level == RegionLevel.VILLAGE).order_by(Region.code)
    ).all()
    near = [(code, name) for code, name in villages if code.startswith(prefixes)]
    species = session.scalars(select(Species.id).where(Species.latin.is_not(None)).order_by(Species.id)).all()
    step = max(1, len(near) // scale.bases)
    chosen = [near[i * step % len(near)] for i in range(scale.bases)]
    named = [(code, place_name(name)) for code, name in chosen]
    return [_base_row(n, code, name, campaigns, species, now) for n, (code, name) in enumerate(named, 1)]


def _base_row(
    number: int, village: str, name: str, campaigns: dict[str, int], species: Sequence[int], now: datetime
) -> dict[str, Any]:
    plan, county = base_plan(number, name), f"{village[:6]}000000"
    return {
        "public_id": f"base-{number}",
        "name": plan.name,
        "campaign_id": campaigns[county],
        "species_id": species[number % len(species)],
        "county_code": county,
        "village_code": village,
        "address": plan.address,
        "latitude_e6": plan.latitude_e6,
        "longitude_e6": plan.longitude_e6,
        "price_fen": plan.price_fen,
        "adopt_price_fen": 40_000,
        "term_months": plan.term_months,
        "capacity": plan.capacity,
        "held": 0,
        "sold": 0,
        "status": BaseStatus.ONLINE,
        "created_at": now,
    }


def load_residents(scale: Scale) -> None:
    safe, now = vault(), ports().now()
    rows = (resident_row(number, safe, now) for number in range(1, scale.residents + 1))
    with tqdm(total=scale.residents, desc="居民", unit="人", leave=False) as bar:
        for block in blocks(rows):
            with transaction() as session:
                session.execute(insert(Resident), block)
            bar.update(len(block))


def resident_row(number: int, safe: Vault, now: datetime) -> dict[str, Any]:
    openid, row_key = f"demo-openid-{number:06d}", safe.new_row_key()
    return {
        "row_key": row_key,
        "appid": settings().wx_appid,
        "openid_index": safe.index.of(openid, purpose="openid"),
        "openid_sealed": safe.seal(openid, place=openid_place(row_key)),
        "name_sealed": safe.seal(person_name(number), place=f"resident.name:{row_key}"),
        "status": ResidentStatus.ACTIVE,
        "created_at": now,
    }


def load_trees(scale: Scale) -> None:
    """Trees that stand already, open for adoption, spread over the bases."""
    with reading() as session:
        bases = session.scalars(select(PlantingBase).order_by(PlantingBase.id)).all()
    with tqdm(total=scale.trees, desc="树木", unit="株", leave=False) as bar:
        for base, n in zip(bases, spread(scale.trees, len(bases)), strict=True):
            with transaction() as session:
                session.execute(insert(Tree), _tree_rows(session, base, n))
            bar.update(n)


def _tree_rows(session: Session, base: PlantingBase, n: int) -> list[dict[str, Any]]:
    ask, keys = ports(), settings().code_keys
    planted = ask.now().date().replace(day=12, month=3) - timedelta(days=365)
    numbers = trees.number_trees(session, village_code=base.village_code, year=planted.year, n=n)
    return [
        {
            "number": number,
            "token": make_token(int.from_bytes(ask.random_bytes(5)), keys, purpose="T"),
            "base_id": base.id,
            "species_id": base.species_id,
            "life": TreeLife.ALIVE,
            "adoption": TreeAdoption.OPEN,
            "planted_on": date(planted.year, 3, 12),
            "created_at": ask.now(),
        }
        for number in numbers
    ]
