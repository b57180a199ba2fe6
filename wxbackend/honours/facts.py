"""What a pledge says that its certificate prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from models import (
    AttemptStatus,
    Campaign,
    CertificateKind,
    Issuer,
    PaymentAttempt,
    PlantingBase,
    Pledge,
    PledgeKind,
    PledgeTree,
    RefundDue,
    Region,
    Resident,
    ResidentStatus,
    Species,
    Tree,
)
from wxbackend.content.names import name_of, with_names
from wxbackend.content.rules import NameChoice
from wxbackend.core.crypto import Vault
from wxbackend.core.dates import china_date
from wxbackend.honours.rules import KIND_PERSON, TAIL_LENGTH
from wxbackend.pledges.rules import KIND_WORDS
from wxbackend.regions.rules import place_name

#: Stands on the certificate of a county that has named no issuing authority yet; 样例 stands across it anyway.
NO_ISSUER = "发证机关待定"
#: County, town, village.
REGION_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """``content`` lacks what issuing adds: serial, date, and what is kept of the name.

    ``name`` is what was chosen to stand there; while it waits for a decision, nothing may be issued.
    """

    pledge_id: int
    number: str
    resident_id: int
    county_code: str
    kind: CertificateKind
    name: NameChoice
    is_erased: bool
    content: dict[str, Any]
    resident_key: str

    @property
    def holder_name(self) -> str:
        return self.name.name.text if self.name.name else KIND_PERSON


def gather(session: Session, *, pledge_id: int, safe: Vault) -> Facts:
    """Read everything in two statements. The pledge must be paid."""
    village, town, county = aliased(Region), aliased(Region), aliased(Region)
    pledge, base, campaign, species, issuer, resident, transaction_id, *names = session.execute(
        with_names(select(
            Pledge, PlantingBase, Campaign, Species.name, Issuer, Resident, PaymentAttempt.transaction_id,
            county.name, town.name, village.name,
        )
        .join(PlantingBase, PlantingBase.id == Pledge.base_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .join(Species, Species.id == PlantingBase.species_id)
        .join(Resident, Resident.id == Pledge.resident_id)
        .outerjoin(Issuer, Issuer.county_code == Pledge.county_code)
        .join(PaymentAttempt, PaymentAttempt.pledge_id == Pledge.id)
        .join(village, village.code == PlantingBase.village_code)
        .join(town, town.code == village.parent_code)
        .join(county, county.code == town.parent_code)
        .where(Pledge.id == pledge_id, PaymentAttempt.status == AttemptStatus.SUCCESS)
        .where(~exists().where(RefundDue.attempt_id == PaymentAttempt.id)))  # a second payment is not this one's
    ).one()  # fmt: skip
    assert pledge.paid_at is not None, pledge.number
    regions, statuses = names[:REGION_LEVELS], names[REGION_LEVELS:]
    trees = _trees(session, pledge_id=pledge_id)
    donates = pledge.kind is PledgeKind.DONATE
    content = {
        "verb": KIND_WORDS[pledge.kind],
        "tree_count": None if donates else (pledge.tree_count or 0) - pledge.refunded_tree_count,
        "species": sorted({name for _, name in trees}) or ([] if donates else [species]),
        "tree_numbers": [number for number, _ in trees],
        "base_name": base.name,
        "region_name": "".join(place_name(region) for region in regions),
        "campaign_name": campaign.name,
        "amount_fen": pledge.amount_fen - pledge.refunded_fen if donates else None,
        "paid_on": china_date(pledge.paid_at).isoformat(),
        "issuer": issuer.name if issuer else NO_ISSUER,
        "seal_key": issuer.seal_key if issuer else None,
        "term_until": pledge.active_until.isoformat() if pledge.active_until else None,
        "payment_tail": (transaction_id or "")[-TAIL_LENGTH:] if donates else None,
    }
    return Facts(
        pledge_id=pledge.id,
        number=pledge.number,
        resident_id=pledge.resident_id,
        county_code=pledge.county_code,
        kind=CertificateKind.JK if donates else CertificateKind.RZ,
        name=name_of(pledge, resident, statuses=statuses, safe=safe),
        is_erased=resident.status is ResidentStatus.ERASED,
        content=content,
        resident_key=resident.row_key,
    )


def _trees(session: Session, *, pledge_id: int) -> Sequence[tuple[str, str]]:
    """(number, species) in the order of the numbers."""
    rows = session.execute(
        select(Tree.number, Species.name)
        .join(PledgeTree, PledgeTree.tree_id == Tree.id)
        .join(Species, Species.id == Tree.species_id)
        .where(PledgeTree.pledge_id == pledge_id, PledgeTree.ended_at.is_(None))
        .order_by(Tree.number)
    )
    return [(number, name) for number, name in rows]
