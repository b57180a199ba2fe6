"""Questions and answers about certificates."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from models import Certificate
from wxbackend.core.crypto import Vault
from wxbackend.core.schema import Answer, Schema
from wxbackend.honours.reading import holder_name
from wxbackend.honours.rules import KIND_NAMES
from wxbackend.honours.verification import Verdict


class CertificateAnswer(Answer):
    """One's own certificate, with the name as it is printed."""

    serial: str
    kind: str
    kind_name: str
    status: str
    reason: str | None
    holder_name: str | None
    tree_count: int | None
    tree_numbers: list[str]
    species: list[str]
    base_name: str
    amount_fen: int | None
    issuer: str
    issued_on: date
    token: str
    content_hash: str

    @classmethod
    def of(cls, row: Certificate, safe: Vault) -> "CertificateAnswer":
        content = row.content or {}
        return cls(
            serial=row.serial or "",
            kind=str(row.kind),
            kind_name=KIND_NAMES[str(row.kind)],
            status=str(row.status),
            reason=row.reason,
            holder_name=holder_name(row, safe),
            tree_count=content["tree_count"],
            tree_numbers=content["tree_numbers"],
            species=content["species"],
            base_name=content["base_name"],
            amount_fen=content["amount_fen"],
            issuer=content["issuer"],
            issued_on=date.fromisoformat(content["issued_on"]),
            token=row.token or "",
            content_hash=row.content_hash or "",
        )


class VerdictAnswer(Answer):
    """What anybody may know. ``unknown`` comes with nulls."""

    kind: str | None
    serial: str | None
    status: Literal["valid", "revoked", "superseded", "unknown"]
    reason: str | None
    holder_masked: str | None
    year: int | None
    trees: int | None
    issuer: str | None
    issued_on: date | None

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictAnswer":
        return cls.model_validate({field: getattr(verdict, field) for field in cls.model_fields})


class SerialPath(Schema):
    serial: Annotated[str, Field(min_length=1, max_length=40)]


class FilePath(Schema):
    serial: Annotated[str, Field(min_length=1, max_length=40)]


class PngQuery(Schema):
    width: Literal["877", "1754", "2480"] = "1754"


class TokenPath(Schema):
    token: Annotated[str, Field(min_length=1, max_length=40)]


class ListPath(Schema):
    number: Annotated[int, Field(ge=0, le=1_000_000)]
