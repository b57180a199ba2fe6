"""Mini-program codes that are kept, and those that are still to be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import MiniCode, OutboxMessage, PlantingBase, Tree
from wxbackend.codes.rules import MINT, CodeWish
from wxbackend.core import outbox
from wxbackend.core.dates import china_date
from wxbackend.core.sql import insert_into
from wxbackend.trees.rules import GONE


@dataclass(frozen=True, slots=True)
class KeptCode:
    storage_key: str
    sha256: str


def find_code(session: Session, *, wish: CodeWish) -> KeptCode | None:
    row = session.execute(
        select(MiniCode.storage_key, MiniCode.sha256).where(MiniCode.digest == wish.digest)
    ).one_or_none()
    return KeptCode(row.storage_key, row.sha256) if row else None


def is_asked_for(session: Session, *, wish: CodeWish, now: datetime) -> bool:
    """Whether WeChat was or will be asked today: most who look need not write."""
    key = wish.work(on=china_date(now)).key
    return (
        session.scalar(select(OutboxMessage.id).where(OutboxMessage.topic == MINT, OutboxMessage.key == key))
        is not None
    )


def ask_for(session: Session, *, wish: CodeWish, now: datetime) -> None:
    outbox.enqueue_all(session, works=[wish.work(on=china_date(now))], now=now)


def storage_key(wish: CodeWish, *, sha256: str) -> str:
    """Named by what it says and by its content: a key is never written twice with other bytes."""
    return f"codes/{wish.digest[:32]}/{sha256[:32]}.png"


def keep_code(session: Session, *, wish: CodeWish, sha256: str, now: datetime) -> None:
    """Note a stored picture; of two for one wish the first stays."""
    row = {
        "digest": wish.digest,
        "scene": wish.scene,
        "page": wish.page,
        "width_px": wish.width_px,
        "storage_key": storage_key(wish, sha256=sha256),
        "sha256": sha256,
        "created_at": now,
    }
    session.execute(insert_into(session, MiniCode).values(row).on_conflict_do_nothing(index_elements=["digest"]))


def count_trees(session: Session, *, base_id: str | None) -> int:
    """Trees that may carry a code: of one base, or of all."""
    query = select(func.count()).select_from(Tree).join(PlantingBase, PlantingBase.id == Tree.base_id)
    query = query.where(Tree.life.not_in(GONE))
    return session.scalar(query.where(PlantingBase.public_id == base_id) if base_id else query) or 0


def trees_after(session: Session, *, base_id: str | None, after_id: int, limit: int) -> Sequence[tuple[int, str]]:
    """(id, token) of trees that may carry a code, by rising id."""
    query = select(Tree.id, Tree.token).where(Tree.id > after_id, Tree.life.not_in(GONE))
    if base_id:
        query = query.join(PlantingBase, PlantingBase.id == Tree.base_id).where(PlantingBase.public_id == base_id)
    return [(tree_id, token) for tree_id, token in session.execute(query.order_by(Tree.id).limit(limit))]


def known_digests(session: Session, *, wishes: Sequence[CodeWish]) -> frozenset[str]:
    """Digests of those wishes that are kept already."""
    query = select(MiniCode.digest).where(MiniCode.digest.in_([wish.digest for wish in wishes]))
    return frozenset(session.scalars(query))
