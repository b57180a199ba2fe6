"""A person of whom everything is stored that can be, each field with a text found nowhere else."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from models import (
    AttemptStatus,
    Avatar,
    Certificate,
    CertificateFile,
    CertificateKind,
    CertificateStatus,
    ContentReview,
    ContentSubject,
    DedicationStatus,
    IdempotencyKey,
    InboxMessage,
    MessageConsent,
    MessageKind,
    PaymentAttempt,
    Pledge,
    PledgeKind,
    PledgeMove,
    PledgeStatus,
    PledgeTree,
    PointsDebt,
    ReceiptRequest,
    Refund,
    RefundDue,
    RefundDueReason,
    RefundMove,
    RefundReason,
    RefundStatus,
    Resident,
    ReviewStatus,
    TransferCode,
)
from tests.fakes import APPID, MCHID, Clock, FakeStorage
from tests.make import COUNTY, Make
from wxbackend.core.crypto import Vault, place_of
from wxbackend.core.db import reading, transaction
from wxbackend.core.rotation import sealed_fields
from wxbackend.ledger import service as ledger
from wxbackend.ledger.rules import Entry, LotTerms, green_issue, resident_green

PHONE = "13800001234"
NAME = "林小苗"
NICKNAME = "小叶子🌱"
HOLDER = "陈新叶"
DEDICATION = "愿此木长青"
OCCASION = "乔迁"
SALT = "salt-of-the-name"
DEVICE = "CanaryPhone/1.0"
KEPT_ANSWER = "answer-with-a-name"
EXPLANATION = "家里老人住院"
TITLE, USCC = "小苗林木经营部", "92445281MA0000001L"
MISSING = "叶"
#: What an erasure must leave no trace of.
SECRETS = (
    PHONE,
    NAME,
    NICKNAME,
    HOLDER,
    DEDICATION,
    OCCASION,
    SALT,
    DEVICE,
    KEPT_ANSWER,
    "openid-a",
    "unionid-a",
    EXPLANATION,
    TITLE,
    USCC,
)


def resident_id_of(safe: Vault, person: str = "a") -> int:
    index = safe.index.of(f"openid-{person}", purpose="openid")
    with reading() as session:
        return session.scalars(select(Resident.id).where(Resident.openid_index == index)).one()


@dataclass
class Holdings:
    """What ``furnish`` made, for tests that look at the rows afterwards."""

    resident_id: int
    pledge_id: int
    certificate_id: int
    file_keys: tuple[str, ...]


@dataclass
class Furnisher:
    make: Make
    clock: Clock
    safe: Vault
    storage: FakeStorage

    def unsaved_pledge(self, resident_id: int, status: PledgeStatus = PledgeStatus.FUNDED, **changes: object) -> Pledge:
        """A plant pledge of one tree with a holder name and a dedication."""
        base = self.make.base()
        number = self.make.next()
        row_key = f"pledge-row-{number}"
        facts: dict[str, object] = {
            "number": f"P260312{number:010d}",
            "kind": PledgeKind.PLANT,
            "status": status,
            "resident_id": resident_id,
            "base_id": base.id,
            "campaign_id": base.campaign_id,
            "county_code": COUNTY,
            "tree_count": 1,
            "unit_price_fen": 5000,
            "amount_fen": 5000,
            "dedication": DEDICATION,
            "dedication_status": DedicationStatus.APPROVED,
            "occasion": OCCASION,
            "row_key": row_key,
            "holder_name_sealed": self.safe.seal(HOLDER, place=place_of("pledge", "holder_name_sealed", row_key)),
            "created_at": self.clock(),
            "hold_expires_at": self.clock() + timedelta(minutes=15),
            "paid_at": None if status is PledgeStatus.PENDING else self.clock(),
            **changes,
        }
        return Pledge(**facts)

    def pledge(self, resident_id: int, status: PledgeStatus = PledgeStatus.FUNDED, **changes: object) -> Pledge:
        """The same, stored, with its first move."""
        pledge = self.unsaved_pledge(resident_id, status, **changes)
        with transaction() as session:
            session.add(pledge)
            session.flush()
            session.add(
                PledgeMove(pledge_id=pledge.id, from_status=None, to_status=status, cause="test", at=self.clock())
            )
        return pledge

    def attempt(self, pledge: Pledge, status: AttemptStatus = AttemptStatus.SUCCESS) -> PaymentAttempt:
        paid = status is AttemptStatus.SUCCESS
        with transaction() as session:
            attempt = PaymentAttempt(
                pledge_id=pledge.id,
                ordinal=1,
                out_trade_no=f"{pledge.number}01",
                mchid=MCHID,
                appid=APPID,
                amount_fen=5000,
                payer_index=self.safe.index.of("somebody", purpose="openid"),
                status=status,
                expires_at=self.clock(),
                created_at=self.clock(),
                transaction_id=f"4200{pledge.id:024d}" if paid else None,
                payer_total_fen=5000 if paid else None,
                paid_at=self.clock() if paid else None,
            )
            session.add(attempt)
        return attempt

    def certificate(self, pledge: Pledge, *, issued: bool = True) -> Certificate:
        row_key = f"certificate-row-{self.make.next()}"
        face = {
            "serial": f"RZ44528120260000{pledge.id:03d}X",
            "token": f"CERT{pledge.id:010d}",
            "content": {"holder_hash": "5a", "holder_masked": "某*"},
            "content_hash": "ab" * 32,
            "jws": "e30.e30.c2ln",
            "issued_on": date(2026, 3, 12),
        }
        with transaction() as session:
            row = Certificate(
                public_id=f"certificate{pledge.id}",
                kind=CertificateKind.RZ,
                status=CertificateStatus.ISSUED if issued else CertificateStatus.APPLIED,
                pledge_id=pledge.id,
                resident_id=pledge.resident_id,
                county_code=COUNTY,
                row_key=row_key,
                holder_name_sealed=self.safe.seal(HOLDER, place=f"certificate.holder_name:{row_key}"),
                name_salt_sealed=self.safe.seal(SALT, place=f"certificate.name_salt:{row_key}"),
                missing_glyphs=None if issued else MISSING,
                created_at=self.clock(),
                **(face if issued else {}),
            )
            session.add(row)
        return row

    def file(self, certificate: Certificate, form: str = "877.png") -> str:
        key = f"certificates/{certificate.serial}/{form}"
        self.storage.put(key, f"picture of {HOLDER}".encode())
        with transaction() as session:
            session.add(
                CertificateFile(
                    certificate_id=certificate.id, form=form, storage_key=key, sha256="00", drawn_at=self.clock()
                )
            )
        return key

    def points(self, pledge: Pledge, green: int = 5) -> None:
        entry = Entry(
            key=f"test:{pledge.number}",
            debit=green_issue(COUNTY),
            credit=resident_green(pledge.resident_id),
            amount=green,
            code=TransferCode.POINTS_FOR_PAYMENT,
            doc="test",
            pledge_id=pledge.id,
            lot=LotTerms(source="payment", purpose="store", expires_on=date(2027, 12, 31)),
        )
        with transaction() as session:
            ledger.post(session, entries=[entry], now=self.clock())

    def kept_answer(self, resident_id: int) -> None:
        scope, key = f"resident:{resident_id} POST /v1/pledges", "key-1"
        with transaction() as session:
            session.add(
                IdempotencyKey(
                    scope=scope,
                    key=key,
                    fingerprint="00",
                    answer_status=201,
                    answer_sealed=self.safe.seal(KEPT_ANSWER, place=f"idempotency_key.answer:{scope}:{key}"),
                    expires_at=self.clock() + timedelta(days=7),
                )
            )

    def nickname(self, resident_id: int) -> None:
        """One that waits for review: its text is kept twice."""
        with transaction() as session:
            resident = session.get_one(Resident, resident_id)
            place = place_of("resident", "nickname", resident.row_key)
            resident.nickname_sealed = self.safe.seal(NICKNAME, place=place)
            session.add(
                ContentReview(
                    public_id=f"review-{resident.row_key}",
                    subject=ContentSubject.NICKNAME,
                    key=resident.row_key,
                    resident_id=resident_id,
                    row_key=f"review-row-{resident.row_key}",
                    text_sealed=self.safe.seal(NICKNAME, place=f"content_review.text:review-row-{resident.row_key}"),
                    status=ReviewStatus.PENDING,
                    cause="review",
                    created_at=self.clock(),
                )
            )

    def avatar(self, resident_id: int, status: ReviewStatus = ReviewStatus.APPROVED) -> str:
        token = f"avatar{self.make.next()}"
        key = f"avatars/{token}.jpg"
        self.storage.put(key, f"portrait of {NAME}".encode())
        with transaction() as session:
            session.add(
                Avatar(resident_id=resident_id, token=token, storage_key=key, status=status, created_at=self.clock())
            )
        return token

    def refund(self, pledge: Pledge, attempt: PaymentAttempt) -> None:
        """One that its owner asked for and took back, with a debt of points as if it had gone through."""
        with transaction() as session:
            row = Refund(
                number=f"R260312{self.make.next():010d}",
                pledge_id=pledge.id,
                attempt_id=attempt.id,
                county_code=COUNTY,
                reason=RefundReason.CHANGE_OF_MIND,
                amount_fen=5000,
                tree_count=1,
                from_status=PledgeStatus.FUNDED,
                requested_by_kind="resident",
                requested_by_id=pledge.resident_id,
                requested_at=self.clock(),
                status=RefundStatus.WITHDRAWN,
                explanation=EXPLANATION,
            )
            session.add(row)
            session.flush()
            session.add(
                RefundMove(refund_id=row.id, from_status=None, to_status=row.status, cause="test", at=self.clock())
            )
            session.add(
                PointsDebt(
                    resident_id=pledge.resident_id,
                    pledge_id=pledge.id,
                    refund_id=row.id,
                    amount=1,
                    remaining=0,
                    created_at=self.clock(),
                )
            )

    def receipt(self, pledge: Pledge) -> None:
        """A request that nobody decided."""
        row_key = f"receipt-row-{self.make.next()}"
        with transaction() as session:
            session.add(
                ReceiptRequest(
                    public_id=row_key,
                    pledge_id=pledge.id,
                    resident_id=pledge.resident_id,
                    county_code=COUNTY,
                    row_key=row_key,
                    title_sealed=self.safe.seal(TITLE, place=place_of("receipt_request", "title_sealed", row_key)),
                    uscc=USCC,
                    amount_fen=5000,
                    requested_at=self.clock(),
                )
            )

    def message(self, resident_id: int) -> None:
        """One in the inbox, and the consent to another."""
        with transaction() as session:
            session.add(
                InboxMessage(
                    public_id=f"message{resident_id}",
                    resident_id=resident_id,
                    kind=MessageKind.PAID,
                    key="P1",
                    title="支付成功",
                    body="您已认种",
                    page="pages/pledge/index",
                    created_at=self.clock(),
                )
            )
            session.add(
                MessageConsent(resident_id=resident_id, kind=MessageKind.PAID, remaining=1, updated_at=self.clock())
            )

    def everything(self, resident_id: int) -> Holdings:
        """One paid pledge with a tree, points, a certificate and its files, and a refund that is due."""
        pledge = self.pledge(resident_id)
        attempt = self.attempt(pledge)
        with reading() as session:
            base = session.get_one(Pledge, pledge.id).base_id
        tree = self.make.trees(self.make.base(), 1)[0]
        certificate = self.certificate(pledge)
        with transaction() as session:
            session.add(PledgeTree(pledge_id=pledge.id, tree_id=tree.id))
            session.add(
                RefundDue(
                    attempt_id=attempt.id,
                    pledge_id=pledge.id,
                    transaction_id=str(attempt.transaction_id),
                    amount_fen=5000,
                    reason=RefundDueReason.SECOND_PAYMENT,
                    created_at=self.clock(),
                )
            )
        self.certificate(self.pledge(resident_id, base_id=base), issued=False)
        keys = tuple(self.file(certificate, form) for form in ("877.png", "pdf"))
        self.refund(pledge, attempt)
        self.receipt(pledge)
        self.nickname(resident_id)
        self.avatar(resident_id)
        self.points(pledge)
        self.message(resident_id)
        self.kept_answer(resident_id)
        return Holdings(resident_id, pledge.id, certificate.id, keys)


def dump(safe: Vault, storage: FakeStorage) -> str:
    """Every value of every table and every stored file as one text, with what the vault can open laid open."""
    from models import Base

    said = [str(storage.files)]
    with reading() as session:
        for table in Base.metadata.sorted_tables:
            said += [str(tuple(row)) for row in session.execute(select(table))]
        for field in sealed_fields():
            query = select(*field.keys, field.column).where(field.column.is_not(None))
            said += [safe.open(sealed, place=field.place(*keys)) for *keys, sealed in session.execute(query)]
    return "\n".join(said)
