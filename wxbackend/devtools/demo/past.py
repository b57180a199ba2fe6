"""Pledges of the past weeks, made by the very use cases that make real ones: the auditor finds nothing to say."""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session
from tqdm import tqdm

from models import (
    ContentSubject,
    DedicationStatus,
    Display,
    PlantingBase,
    PledgeKind,
    Resident,
    ReviewStatus,
    Reward,
    ShippingReport,
    ShippingStatus,
)
from wxbackend.content import service as content
from wxbackend.content.rules import PASSED, Checked, Opinion, Said
from wxbackend.content.service import Whose
from wxbackend.core.db import reading, transaction
from wxbackend.core.ports import ports, vault
from wxbackend.core.wxpay import PaidTransaction
from wxbackend.devtools.demo.plan import Scale, person_name
from wxbackend.fulfilment import service as fulfilment
from wxbackend.honours.tools import issuing_tools
from wxbackend.payments import attempts
from wxbackend.payments import service as payments
from wxbackend.payments.rules import PAYER
from wxbackend.pledges import service as pledges
from wxbackend.pledges.rules import pledge_number
from wxbackend.pledges.service import Naming, Wish

DAYS = 42
DEDICATIONS = (None, None, "愿家乡年年常绿", "新居落成，种树纪念", "祝外婆福寿安康")


def load_pledges(scale: Scale) -> None:
    """Paid and fulfilled pledges, spread over six weeks; their files are drawn by the worker."""
    with reading() as session:
        bases = session.scalars(select(PlantingBase.public_id).order_by(PlantingBase.id)).all()
        people = session.scalars(select(Resident.id).order_by(Resident.id).limit(scale.paid_pledges)).all()
    luck, now = Random(scale.paid_pledges), ports().now()  # noqa: S311 - a demo, not a secret
    for turn in tqdm(range(scale.paid_pledges), desc="认种", unit="单", leave=False):
        paid_at = now - timedelta(days=DAYS * (1 - turn / scale.paid_pledges), minutes=1)
        with transaction() as session:
            number = _pay(session, luck, bases[turn % len(bases)], people[turn % len(people)], paid_at)
        with transaction() as session:
            fulfilment.fulfil(session, number=number, tools=issuing_tools(), now=paid_at)


def _wish(luck: Random, base: str, resident_id: int) -> Wish:
    kind = luck.choice((PledgeKind.PLANT, PledgeKind.PLANT, PledgeKind.DONATE, PledgeKind.ADOPT))
    donates = kind is PledgeKind.DONATE
    return Wish(
        kind=kind,
        base_id=base,
        tree_count=None if donates else luck.randint(1, 3),
        amount_fen=luck.choice((2_000, 5_000, 10_000)) if donates else None,
        tree_tokens=(),
        display=luck.choice(list(Display)),
        reward=luck.choice((Reward.POINTS, Reward.POINTS, Reward.RECEIPT)),
        dedication=luck.choice(DEDICATIONS),
        holder_name=person_name(resident_id),
        occasion=luck.choice((None, "乔迁", "贺寿")),
    )


def _harmless(wish: Wish) -> list[Checked]:
    """As WeChat would have found: the texts are ours."""
    texts = (ContentSubject.HOLDER_NAME, wish.holder_name), (ContentSubject.DEDICATION, wish.dedication)
    return [Checked(Said(subject, "", text), Opinion(ReviewStatus.APPROVED, PASSED)) for subject, text in texts if text]


def _pay(session: Session, luck: Random, base: str, resident_id: int, paid_at: datetime) -> str:
    """Pledge, order and payment in one go, as if WeChat had told us."""
    ask, safe = ports(), vault()
    naming = Naming(number=pledge_number(paid_at, ask.random_bytes(7)), row_key=safe.new_row_key())
    wish = _wish(luck, base, resident_id)
    opened = pledges.open_pledge(
        session,
        wish=wish,
        resident_id=resident_id,
        naming=naming,
        safe=safe,
        now=paid_at,
        dedication_status=DedicationStatus.APPROVED,
    )
    whose = Whose(naming.number, resident_id, opened.pledge.county_code)
    content.record(session, checked=_harmless(wish), whose=whose, safe=safe, now=paid_at)
    openid = f"demo-openid-{resident_id:06d}"
    order = attempts.take_attempt(
        session,
        number=naming.number,
        resident_id=resident_id,
        appid=ask.mini.appid,
        payer_index=safe.index.of(openid, purpose=PAYER),
        now=paid_at,
    )
    paid = PaidTransaction(
        mchid=order.mchid,
        appid=ask.mini.appid,
        out_trade_no=order.out_trade_no,
        transaction_id=f"4200{paid_at:%Y%m%d}{opened.pledge.id:016d}",
        total_fen=opened.pledge.amount_fen,
        payer_total_fen=opened.pledge.amount_fen,
        currency=payments.CURRENCY,
        payer_openid=openid,
        paid_at=paid_at,
    )
    payments.apply_transaction(session, paid=paid, index=safe.index, now=paid_at)
    session.add(
        ShippingReport(  # reported and settled long ago: the simulated WeChat of today knows nothing of it
            attempt_id=order.id,
            transaction_id=paid.transaction_id,
            status=ShippingStatus.SETTLED,
            upload_count=1,
            created_at=paid_at,
            reported_at=paid_at,
            settled_at=paid_at,
        )
    )
    return naming.number
