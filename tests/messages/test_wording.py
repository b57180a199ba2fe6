"""Every kind of news in words, from an outbox row to the inbox."""

from datetime import date

import pytest
from sqlalchemy import select, update

from models import (
    Certificate,
    CertificateStatus,
    InboxMessage,
    MessageKind,
    Pledge,
    PledgeStatus,
    Refund,
    RefundReason,
    RefundStatus,
    Resident,
    Tree,
    TreeLife,
)
from wxbackend.core import outbox
from wxbackend.core.db import reading, transaction
from wxbackend.core.news import news
from wxbackend.messages.facts import READERS, read_news
from wxbackend.messages.rules import REFUND_SENTENCES, REFUND_TITLES, WORDINGS, yuan


@pytest.fixture
def me(make):
    return make.resident("a")


@pytest.fixture
def planted(walk, me):
    """A paid and worked off pledge of two trees, the inbox empty again."""
    number = walk.open(walk.make.base(name="后山基地"), me, tree_count=2)
    walk.fulfilled(number, me)
    with transaction() as session:
        session.execute(InboxMessage.__table__.delete())
    return number


def told(walk, kind, document):
    """(title, body, page) of what the worker makes of an outbox row."""
    with transaction() as session:
        outbox.enqueue_all(session, works=[news(MessageKind(kind), document)], now=walk.clock())
    walk.drain()
    with reading() as session:
        rows = session.scalars(select(InboxMessage).where(InboxMessage.kind == kind)).all()
    return [(row.title, row.body, row.page) for row in rows]


def test_trees_that_were_planted(walk, planted):
    assert told(walk, "planted", planted) == [
        ("您的树已种下", "您在“后山基地”认领的 2 棵树已经种下，快去看看吧。", f"pages/pledge/index?number={planted}")
    ]


def test_trees_that_went_back_are_not_counted_as_planted(walk, planted):
    with transaction() as session:
        session.execute(update(Pledge).values(refunded_tree_count=1))
    [(_, body, _)] = told(walk, "planted", planted)
    assert "1 棵树" in body


def test_a_donation_has_no_tree_to_plant(walk, me):
    number = walk.donate(walk.make.base(), me)
    assert told(walk, "planted", number) == []


def test_news_of_a_tree_go_to_whoever_holds_it(walk, planted):
    tree = walk.trees()[0]
    with transaction() as session:
        session.execute(update(Tree).where(Tree.id == tree.id).values(life=TreeLife.ALIVE))
    assert told(walk, "tree_news", f"{tree.number}@2026-06") == [
        (
            "您的树有新消息",
            f"“后山基地”的荔枝（树号 {tree.number}）：生长良好。",
            f"pages/tree/index?token={tree.token}",
        )
    ]
    assert len(told(walk, "tree_news", f"{tree.number}@2026-07")) == 2


def test_a_tree_that_nobody_holds_is_no_news(walk, me):
    assert told(walk, "tree_news", "nosuchtree@x") == []


def test_points_about_to_expire(walk, planted):
    with reading() as session:
        whose = session.scalars(select(Resident.id)).one()
    assert told(walk, "points_expiring", f"{whose}@2027-12-31@60") == [
        ("绿色积分即将到期", "您有 10 绿色积分将于 2027-12-31 到期，请及时使用。", "pages/points/index")
    ]


def test_points_that_expire_another_day_or_were_spent_are_no_news(walk, planted):
    with reading() as session:
        whose = session.scalars(select(Resident.id)).one()
    assert told(walk, "points_expiring", f"{whose}@2026-12-31@60") == []
    assert told(walk, "points_expiring", "999@2027-12-31@60") == []


def refund_of(walk, number, status):
    """A refund of money that came too late, standing at ``status``."""
    attempt = walk.attempts()[0]
    with transaction() as session:
        pledge = session.scalars(select(Pledge).where(Pledge.number == number)).one()
        refund = Refund(
            number=f"{number}R01",
            pledge_id=pledge.id,
            attempt_id=attempt.id,
            county_code=pledge.county_code,
            reason=RefundReason.CHANGE_OF_MIND,
            amount_fen=5000,
            tree_count=1,
            from_status=PledgeStatus.ALLOCATED,
            requested_by_kind="system",
            requested_at=walk.clock(),
            status=status,
            succeeded_at=walk.clock() if status is RefundStatus.SUCCESS else None,
        )
        session.add(refund)
        session.flush()
        return refund.number


@pytest.mark.parametrize("status", sorted(REFUND_TITLES))
def test_each_end_of_a_refund_in_its_own_words(walk, planted, status):
    number = refund_of(walk, planted, RefundStatus(status))
    assert told(walk, "refund", number) == [
        (
            REFUND_TITLES[status],
            f"“后山基地”的退款 ¥50.00：{REFUND_SENTENCES[status]}",
            f"pages/refund/index?number={number}",
        )
    ]


def test_a_refund_that_could_not_be_paid_out_and_then_was_is_told_twice(walk, planted):
    number = refund_of(walk, planted, RefundStatus.ABNORMAL)
    assert len(told(walk, "refund", number)) == 1
    with transaction() as session:
        session.execute(update(Refund).values(status=RefundStatus.SUCCESS, succeeded_at=walk.clock()))
        outbox.enqueue(
            session,
            topic="message.tell",
            key=f"refund:{number}:success",
            payload={"kind": "refund", "document": number},
            now=walk.clock(),
        )
    walk.drain()
    with reading() as session:
        titles = session.scalars(select(InboxMessage.title).order_by(InboxMessage.id)).all()
    assert titles == ["退款异常", "退款成功"]


def test_a_refund_under_way_is_no_news(walk, planted):
    assert told(walk, "refund", refund_of(walk, planted, RefundStatus.REQUESTED)) == []


def test_a_certificate_that_was_revoked_before_it_was_told_is_no_news(walk, planted):
    [certificate] = walk.certificates()
    with transaction() as session:
        session.execute(update(Certificate).values(status=CertificateStatus.REVOKED, reason="错发"))
    with reading() as session:
        found = read_news(session, kind=MessageKind.CERTIFICATE_ISSUED, document=certificate.serial, now=walk.clock())
    assert found is None


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_has_a_reader_and_words(kind):
    assert kind in READERS
    assert WORDINGS[kind].facts


def test_every_sentence_is_made_of_known_facts(walk, planted):
    """A fact that a reader gives and a template may show are the same."""
    tree, number = walk.trees()[0], refund_of(walk, planted, RefundStatus.SUCCESS)
    [certificate] = walk.certificates()
    with reading() as session:
        whose = session.scalars(select(Resident.id)).one()
        documents = {
            MessageKind.PAID: planted,
            MessageKind.CERTIFICATE_ISSUED: certificate.serial,
            MessageKind.REFUND: number,
            MessageKind.PLANTED: planted,
            MessageKind.TREE_NEWS: f"{tree.number}@1",
            MessageKind.POINTS_EXPIRING: f"{whose}@{date(2027, 12, 31)}@7",
        }
        for kind, document in documents.items():
            found = read_news(session, kind=kind, document=document, now=walk.clock())
            assert found is not None
            assert set(found.facts) == WORDINGS[kind].facts
            assert all(isinstance(value, str) and value for value in found.facts.values())


@pytest.mark.parametrize(
    ("fen", "words"), [(1, "¥0.01"), (100, "¥1.00"), (12345, "¥123.45"), (10**10, "¥100000000.00")]
)
def test_money_in_words(fen, words):
    assert yuan(fen) == words
