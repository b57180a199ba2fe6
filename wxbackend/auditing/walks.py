"""What SQL alone cannot tell: check characters, signatures, files, and the database's own state."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, exists, select, text
from sqlalchemy.orm import Session

from certificates.codes import is_valid_number, read_token
from certificates.signature import BadSignature, jwks, public_jwk, verify
from models import (
    PLEDGE_MOVES,
    REFUND_MOVES,
    Base,
    Certificate,
    CertificateFile,
    CertificateStatus,
    LedgerTransfer,
    Lot,
    LotUse,
    Pledge,
    PledgeMove,
    PledgeStatus,
    PledgeTree,
    RefundMove,
    RefundStatus,
    SigningKey,
    TransferCode,
    Tree,
)
from models.triggers import GUARDS
from wxbackend.core.dates import china_date
from wxbackend.core.ports import Storage
from wxbackend.honours.rules import content_hash

BLOCK = 1_000
#: A refund begins as somebody's wish, or as money in suspense that needs nobody's word.
BORN_AS = (RefundStatus.REQUESTED, RefundStatus.APPROVED)
Facts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Violation:
    check: str
    title: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class World:
    """What is looked at: the database in one snapshot, the stored files, and the keys of tokens."""

    session: Session
    storage: Storage
    code_keys: Mapping[str, bytes]

    def rows(self, statement: Select[*tuple[Any, ...]]) -> Iterator[Any]:
        """Block by block: a county's trees do not fit into memory twice."""
        return iter(self.session.execute(statement.execution_options(yield_per=BLOCK)))

    @property
    def dialect(self) -> str:
        return self.session.get_bind().dialect.name


@dataclass(frozen=True, slots=True)
class Walk:
    """``faults`` yields the facts of each fault, the thing that is wrong first."""

    name: str
    title: str
    faults: Callable[[World], Iterator[Facts]]


def _bad_numbers(world: World) -> Iterator[Facts]:
    for column in (Tree.number, Certificate.serial):
        for (number,) in world.rows(select(column).where(column.is_not(None))):
            if not is_valid_number(number):
                yield (number,)


def _bad_tokens(world: World) -> Iterator[Facts]:
    """A token that none of our keys made: the plate or certificate that carries another one leads nowhere."""
    for number, token in world.rows(select(Tree.number, Tree.token)):
        if read_token(token, purpose="T", keys=world.code_keys) != token:
            yield number, token
    issued = select(Certificate.serial, Certificate.token).where(Certificate.token.is_not(None))
    for serial, token in world.rows(issued):
        if read_token(token, purpose="C", keys=world.code_keys) != token:
            yield serial, token


def _bad_signatures(world: World) -> Iterator[Facts]:
    """Content, hash and signature of every certificate belong together."""
    known = world.session.scalars(select(SigningKey))
    keys = jwks(public_jwk(key.public_pem.encode(), key.kid) for key in known)
    for (certificate,) in world.rows(select(Certificate).where(Certificate.serial.is_not(None))):
        if fault := _signature_fault(certificate, keys):
            yield str(certificate.serial), fault


def _signature_fault(certificate: Certificate, keys: Mapping[str, Any]) -> str | None:
    content = certificate.content or {}
    if content_hash(content) != certificate.content_hash:
        return "hash"
    if content.get("serial") != certificate.serial:
        return "serial"
    try:
        claims = verify(certificate.jws or "", keys)
    except BadSignature:
        return "signature"
    return None if claims.get("certificate") == content else "claims"


def _false_certificates(world: World) -> Iterator[Facts]:
    """A certificate in force says what was paid for and not given back, and lists the trees that are bound to it."""
    bound: dict[int, set[str]] = defaultdict(set)
    over = (PledgeStatus.ENDED, PledgeStatus.RENEWED)  # a term that is over ends the binding, not the certificate
    trees = select(PledgeTree.pledge_id, Tree.number).join(Tree).join(Pledge, Pledge.id == PledgeTree.pledge_id)
    for pledge_id, number in world.rows(trees.where(PledgeTree.ended_at.is_(None) | Pledge.status.in_(over))):
        bound[pledge_id].add(number)
    issued = select(Certificate.serial, Certificate.content, Pledge).join(Pledge, Pledge.id == Certificate.pledge_id)
    for serial, content, pledge in world.rows(issued.where(Certificate.status == CertificateStatus.ISSUED)):
        said = (content["amount_fen"], content["tree_count"], content["paid_on"], set(content["tree_numbers"]))
        if said != (*_paid_for(pledge), bound[pledge.id]):
            yield serial, pledge.number


def _paid_for(pledge: Pledge) -> tuple[int | None, int | None, str | None]:
    """(fen of a donation, trees of anything else, day of the payment), without what was refunded."""
    paid_on = china_date(pledge.paid_at).isoformat() if pledge.paid_at else None
    if pledge.tree_count is None:
        return pledge.amount_fen - pledge.refunded_fen, None, paid_on
    return None, pledge.tree_count - pledge.refunded_tree_count, paid_on


def _bad_histories(world: World) -> Iterator[Facts]:
    """Every move of a pledge is one that the state table allows, and begins where the last one ended."""
    moves = world.rows(select(PledgeMove).order_by(PledgeMove.pledge_id, PledgeMove.id))
    for pledge_id, history in groupby((move for (move,) in moves), key=lambda move: move.pledge_id):
        yield from _illegal(pledge_id, history, begins=PledgeStatus.PENDING, moves=PLEDGE_MOVES)


def _bad_refund_histories(world: World) -> Iterator[Facts]:
    """The same of refunds, whose history begins with their first row."""
    moves = world.rows(select(RefundMove).order_by(RefundMove.refund_id, RefundMove.id))
    for refund_id, history in groupby((move for (move,) in moves), key=lambda move: move.refund_id):
        first, *others = history
        if first.from_status is not None or first.to_status not in BORN_AS:
            yield str(refund_id), str(first.from_status), str(first.to_status)
        yield from _illegal(refund_id, others, begins=first.to_status, moves=REFUND_MOVES)


def _illegal(row_id: int, history: Iterable[Any], *, begins: Any, moves: Mapping[Any, Any]) -> Iterator[Facts]:
    stands = begins
    for move in history:
        if move.from_status != stands or move.to_status not in moves[stands]:
            yield str(row_id), str(move.from_status), str(move.to_status)
        stands = move.to_status


def _bad_expiries(world: World) -> Iterator[Facts]:
    """Green points for money last until the end of the year after the payment."""
    earned = (
        select(LedgerTransfer.idem, Lot.expires_on, Pledge.paid_at)
        .join(Lot, Lot.transfer_id == LedgerTransfer.id)
        .join(Pledge, Pledge.id == LedgerTransfer.pledge_id)
        .where(LedgerTransfer.code == TransferCode.POINTS_FOR_PAYMENT, Pledge.paid_at.is_not(None))
    )
    for key, expires_on, paid_at in world.rows(earned):
        if expires_on != date(china_date(paid_at).year + 1, 12, 31):
            yield key, str(expires_on)


def _spent_too_late(world: World) -> Iterator[Facts]:
    """Nothing is taken from a lot past its last day, unless a reversal takes it back."""
    taken = (
        select(LedgerTransfer.idem, LedgerTransfer.at, Lot.expires_on)
        .join(LotUse, LotUse.transfer_id == LedgerTransfer.id)
        .join(Lot, Lot.id == LotUse.lot_id)
        .where(LotUse.amount > 0, LedgerTransfer.reverses_id.is_(None), Lot.expires_on.is_not(None))
    )
    for key, at, expires_on in world.rows(taken):
        if expires_on < china_date(at):
            yield key, str(expires_on)


def _orphans(world: World) -> Iterator[Facts]:
    """Every reference leads to a row, also where the database was told not to look."""
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            parent = key.referred_table.alias("parent")
            pairs = [(element.parent, parent.c[element.column.name]) for element in key.elements]
            found = exists().where(*(theirs == ours for ours, theirs in pairs))
            given = and_(*(ours.is_not(None) for ours, _ in pairs))
            for row in world.rows(select(*(ours for ours, _ in pairs)).where(given, ~found.correlate(table))):
                yield table.name, pairs[0][0].name, *(str(value) for value in row)


NAMES = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')",
}


def _missing_guards(world: World) -> Iterator[Facts]:
    """The triggers that guard the books are in place and awake."""
    awake = {(table, name) for table, name in world.session.execute(text(NAMES[world.dialect]))}
    for guard in GUARDS[world.dialect]:
        if (guard.table, guard.name) not in awake:
            yield guard.table, guard.name


DURABLE = {
    "sqlite": {"PRAGMA synchronous": ("2", "3"), "PRAGMA journal_mode": ("wal",), "PRAGMA foreign_keys": ("1",)},
    "postgresql": {
        "SHOW fsync": ("on",),
        "SHOW full_page_writes": ("on",),
        "SHOW synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
    },
}


def _weak_settings(world: World) -> Iterator[Facts]:
    """What was acknowledged survives a power cut: the database's own settings say so."""
    for question, good in DURABLE[world.dialect].items():
        answer = str(world.session.execute(text(question)).scalar())
        if answer not in good:
            yield question, answer


def _missing_files(world: World) -> Iterator[Facts]:
    for (key,) in world.rows(select(CertificateFile.storage_key)):
        if world.storage.get(key) is None:
            yield (key,)


def _damaged_files(world: World) -> Iterator[Facts]:
    for key, digest in world.rows(select(CertificateFile.storage_key, CertificateFile.sha256)):
        data = world.storage.get(key)
        if data is not None and hashlib.sha256(data).hexdigest() != digest:
            yield (key,)


WALKS = (
    Walk("check-character", "编号校验位错误", _bad_numbers),
    Walk("token-is-ours", "树木或证书的码不是本系统的密钥所生成", _bad_tokens),
    Walk("certificate-is-signed", "证书内容与签名不符", _bad_signatures),
    Walk("certificate-says-what-was-paid", "证书内容与付款或树木不符", _false_certificates),
    Walk("moves-are-legal", "状态变更不合规则", _bad_histories),
    Walk("refund-moves-are-legal", "退款状态变更不合规则", _bad_refund_histories),
    Walk("points-expire-on-time", "绿色积分的有效期不符", _bad_expiries),
    Walk("expired-points-are-not-spent", "使用了已过期的批次", _spent_too_late),
    Walk("references-lead-somewhere", "记录引用了不存在的数据", _orphans),
    Walk("guards-stand", "保护账本的触发器缺失或停用", _missing_guards),
    Walk("durability", "数据库持久化设置不安全", _weak_settings),
    Walk("file-exists", "证书文件缺失", _missing_files),
    Walk("file-is-whole", "证书文件损坏", _damaged_files),
)
