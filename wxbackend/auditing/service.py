"""Run every check and name what is wrong. Reads only; never mends."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from certificates.codes import is_valid_number
from certificates.signature import BadSignature, jwks, public_jwk, verify
from models import PLEDGE_MOVES, Certificate, CertificateFile, PledgeMove, PledgeStatus, SigningKey, Tree
from wxbackend.auditing.queries import QUERIES
from wxbackend.core.ports import Storage
from wxbackend.honours.rules import content_hash

#: Of one kind of fault, so many are named.
SHOWN = 20
BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class Violation:
    check: str
    title: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    checks: int
    violations: tuple[Violation, ...]

    @property
    def is_clean(self) -> bool:
        return not self.violations


def audit(session: Session, *, storage: Storage) -> Report:
    """Check everything on one snapshot of the database."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    found = [violation for query in QUERIES for violation in _by_query(session, query.name, query.title, query.sql)]
    walks = (_numbers, _signatures, _histories, _durability)
    found += [violation for walk in walks for violation in islice(walk(session), SHOWN)]
    found += islice(_files(session, storage), SHOWN)
    return Report(checks=len(QUERIES) + len(walks) + 1, violations=tuple(found))


def _by_query(session: Session, name: str, title: str, sql: str) -> Iterator[Violation]:
    for row in islice(session.execute(text(sql.replace(":", r"\:"))), SHOWN):  # a colon here is never a parameter
        yield Violation(name, title, tuple(str(fact) for fact in row))


def _numbers(session: Session) -> Iterator[Violation]:
    """Every printed number passes its own check character."""
    for column in (Tree.number, Certificate.serial):
        for number in session.scalars(select(column).where(column.is_not(None)).execution_options(yield_per=BLOCK)):
            if not is_valid_number(number or ""):
                yield Violation("check-character", "编号校验位错误", (str(number),))


def _signatures(session: Session) -> Iterator[Violation]:
    """Content, hash and signature of every certificate belong together."""
    keys = jwks(public_jwk(key.public_pem.encode(), key.kid) for key in session.scalars(select(SigningKey)))
    rows = select(Certificate).where(Certificate.serial.is_not(None)).execution_options(yield_per=BLOCK)
    for certificate in session.scalars(rows):
        if fault := _signature_fault(certificate, keys):
            yield Violation("certificate-is-signed", "证书内容与签名不符", (str(certificate.serial), fault))


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


def _histories(session: Session) -> Iterator[Violation]:
    """Every move of a pledge is one that the state table allows, and begins where the last one ended."""
    rows = session.scalars(
        select(PledgeMove).order_by(PledgeMove.pledge_id, PledgeMove.id).execution_options(yield_per=BLOCK)
    )
    previous: PledgeMove | None = None
    for move in rows:
        same = previous is not None and previous.pledge_id == move.pledge_id
        start = previous.to_status if same and previous else PledgeStatus.PENDING
        if move.from_status != start or move.to_status not in PLEDGE_MOVES[start]:
            yield Violation(
                "moves-are-legal", "状态变更不合规则", (str(move.pledge_id), str(move.from_status), str(move.to_status))
            )
        previous = move


DURABLE = {
    "sqlite": {"PRAGMA synchronous": ("2", "3"), "PRAGMA journal_mode": ("wal",), "PRAGMA foreign_keys": ("1",)},
    "postgresql": {
        "SHOW fsync": ("on",),
        "SHOW full_page_writes": ("on",),
        "SHOW synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
    },
}


def _durability(session: Session) -> Iterator[Violation]:
    """What was acknowledged survives a power cut: the database's own settings say so."""
    for question, good in DURABLE[session.get_bind().dialect.name].items():
        answer = str(session.execute(text(question)).scalar())
        if answer not in good:
            yield Violation("durability", "数据库持久化设置不安全", (question, answer))


def _files(session: Session, storage: Storage) -> Iterator[Violation]:
    """Every file noted is there, byte for byte."""
    for file in session.scalars(select(CertificateFile).execution_options(yield_per=BLOCK)):
        data = storage.get(file.storage_key)
        if data is None:
            yield Violation("file-exists", "证书文件缺失", (file.storage_key,))
        elif hashlib.sha256(data).hexdigest() != file.sha256:
            yield Violation("file-is-whole", "证书文件损坏", (file.storage_key,))
