"""What stands on a certificate or a plate: frozen data, complete before anything is drawn."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

CertificateKind = Literal["RZ", "JK"]
Verb = Literal["认种", "认养", "认捐"]


class IncompleteFace(ValueError):
    """A certificate lacks a field that its kind must print."""


@dataclass(frozen=True)
class CertificateFace:
    """Everything printed on a certificate.

    RZ (认种认养证书) needs trees and their numbers; JK (捐赠感谢证书) needs an amount.
    ``seal_png`` None means that no authority lent its seal: 样例 stands across the face.
    ``issuer`` may hold several authorities, one a line.
    """

    kind: CertificateKind
    serial: str
    holder_name: str
    verb: Verb
    tree_count: int | None
    species: tuple[str, ...]
    tree_numbers: tuple[str, ...]
    base_name: str
    region_name: str
    campaign_name: str
    amount_fen: int | None
    paid_on: date
    issued_on: date
    issuer: str
    dedication: str | None
    verify_url: str
    seal_png: bytes | None
    term_until: date | None
    payment_tail: str | None

    def __post_init__(self) -> None:
        """Refuse a face that could not print what its kind must say."""
        if self.kind == "RZ" and not (self.tree_count and self.species and self.tree_numbers):
            raise IncompleteFace("RZ prints the count, species and numbers of its trees")
        if self.kind == "JK" and not self.amount_fen:
            raise IncompleteFace("JK prints an amount")
        if not (self.holder_name.strip() and self.issuer.strip() and self.serial):
            raise IncompleteFace("a certificate names its holder, issuer and serial")


@dataclass(frozen=True)
class PlateFace:
    """Everything printed on a tree's plate; ``adopter`` only when its owner chose to be named."""

    species: str
    latin: str | None
    number: str
    base_name: str
    adopter: str | None
    office: str
    url: str
