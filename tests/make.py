"""Things that tests need, made in one line each. Names are invented."""

from dataclasses import dataclass
from datetime import date
from itertools import count

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    BaseStatus,
    Campaign,
    CampaignStatus,
    Issuer,
    LegalBasis,
    Payee,
    PlantingBase,
    PointsRule,
    Region,
    RegionLevel,
    Species,
    Tree,
    TreeAdoption,
    TreeLife,
)
from models.points import default_rules
from tests.fakes import MCHID, Clock
from wxbackend.core.db import transaction

CITY, COUNTY, TOWN, VILLAGE = "445200000000", "445281000000", "445281101000", "445281101201"
OTHER_COUNTY, OTHER_TOWN, OTHER_VILLAGE = "445222000000", "445222100000", "445222100201"


@dataclass
class Make:
    """Factories over the database of one test. Each writes in a transaction of its own and returns detached rows."""

    client: FlaskClient
    clock: Clock

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def next(self) -> int:
        return next(self._numbers)

    def regions(self) -> None:
        """One city, two counties, each with a town and a village."""
        rows = [
            (CITY, RegionLevel.CITY, "揭阳市", None),
            (COUNTY, RegionLevel.COUNTY, "普宁市", CITY),
            (TOWN, RegionLevel.TOWN, "示范镇", COUNTY),
            (VILLAGE, RegionLevel.VILLAGE, "示范村", TOWN),
            (OTHER_COUNTY, RegionLevel.COUNTY, "揭西县", CITY),
            (OTHER_TOWN, RegionLevel.TOWN, "样板镇", OTHER_COUNTY),
            (OTHER_VILLAGE, RegionLevel.VILLAGE, "样板村", OTHER_TOWN),
        ]
        with transaction() as session:
            if session.get(Region, CITY) is not None:
                return
            for code, level, name, parent in rows:
                session.add(Region(code=code, level=level, name=name, parent_code=parent))
                session.flush()
            for rule in default_rules():
                if not session.scalar(select(PointsRule.id).limit(1)):
                    session.add(rule)

    def species(self, name: str = "荔枝", latin: str | None = "Litchi chinensis") -> Species:
        with transaction() as session:
            found = session.scalar(select(Species).where(Species.name == name))
            return found or self._add(
                session, Species(public_id=f"species{self.next()}", name=name, latin=latin, native=True)
            )

    def payee(self, *, county: str = COUNTY, mchid: str = MCHID) -> Payee:
        self.regions()
        with transaction() as session:
            return self._add(
                session,
                Payee(public_id=f"payee{self.next()}", name="示范县绿化委员会", mchid=mchid, county_code=county),
            )

    def issuer(self, *, county: str = COUNTY) -> Issuer:
        with transaction() as session:
            found = session.scalar(select(Issuer).where(Issuer.county_code == county))
            return found or self._add(session, Issuer(county_code=county, name="示范县绿化委员会办公室"))

    def campaign(self, *, county: str = COUNTY, **changes: object) -> Campaign:
        """An online campaign that runs through the whole of 2026."""
        payee = self.payee(county=county)
        facts: dict[str, object] = {
            "public_id": f"campaign{self.next()}",
            "name": "我为家乡种棵树",
            "summary": "为村口添一片绿",
            "county_code": county,
            "payee_id": payee.id,
            "legal_basis": LegalBasis.GREENING_COMMITTEE,
            "filing_number": "示绿备〔2026〕1号",
            "starts_on": date(2026, 1, 1),
            "ends_on": date(2026, 12, 31),
            "status": CampaignStatus.ONLINE,
            "created_at": self.clock(),
            **changes,
        }
        with transaction() as session:
            return self._add(session, Campaign(**facts))

    def base(self, *, campaign: Campaign | None = None, **changes: object) -> PlantingBase:
        """An online base of 100 places at ¥50 in a campaign of its own."""
        campaign = campaign or self.campaign()
        self.issuer(county=campaign.county_code)
        village = VILLAGE if campaign.county_code == COUNTY else OTHER_VILLAGE
        number = self.next()
        facts: dict[str, object] = {
            "public_id": f"base{number}",
            "name": f"示范村{number}号义务植树基地",
            "campaign_id": campaign.id,
            "species_id": self.species().id,
            "county_code": campaign.county_code,
            "village_code": village,
            "address": "示范村村口",
            "latitude_e6": 23_300_000,
            "longitude_e6": 116_160_000,
            "price_fen": 5000,
            "adopt_price_fen": 20_000,
            "term_months": 12,
            "capacity": 100,
            "status": BaseStatus.ONLINE,
            "created_at": self.clock(),
            **changes,
        }
        with transaction() as session:
            return self._add(session, PlantingBase(**facts))

    def trees(self, base: PlantingBase, n: int = 1, *, adoption: TreeAdoption = TreeAdoption.OPEN) -> list[Tree]:
        """``n`` living trees of the base, open for adoption."""
        with transaction() as session:
            return [
                self._add(
                    session,
                    Tree(
                        number=f"{base.village_code}25{(serial := self.next()):05d}X",
                        token=f"TREE{serial:010d}",
                        base_id=base.id,
                        species_id=base.species_id,
                        life=TreeLife.ALIVE,
                        adoption=adoption,
                        planted_on=date(2025, 3, 12),
                        created_at=self.clock(),
                    ),
                )
                for _ in range(n)
            ]

    def resident(self, person: str = "a") -> dict[str, str]:
        """Sign a resident in over HTTP; the headers that carry the token."""
        answer = self.client.post("/v1/sessions", json={"code": f"code-{person}"})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json['token']}"}

    def _add(self, session: Session, row):  # type: ignore[no-untyped-def]
        session.add(row)
        session.flush()
        return row
