"""What a certificate says, and what of it may be shown. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from certificates.faces import CertificateFace
from certificates.signature import canonical_json

#: Printed where nobody gave a name.
KIND_PERSON = "热心人士"
#: Shown where the holder's account was erased.
ERASED = "已注销"
KIND_NAMES = {"RZ": "认种认养证书", "JK": "捐赠感谢证书"}
STATUS_LIST_SIZE = 131_072
SALT_BYTES = 16
TAIL_LENGTH = 6


def mask(name: str) -> str:
    """The first character and a star: enough to recognise one's own, too little to learn another's.

    Of a name that has one character only, nothing but the star.
    """
    return f"{name[:1]}*" if len(name) > 1 else "*"


def name_digest(salt: str, name: str) -> str:
    """What the frozen content keeps of the name: without the salt it says nothing, and both can be erased."""
    return hashlib.sha256(f"{salt}{name}".encode()).hexdigest()


def content_hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def place_in_status_list(certificate_id: int) -> tuple[int, int]:
    """(number of the list, index in it)."""
    return divmod(certificate_id, STATUS_LIST_SIZE)


def face_of(
    content: Mapping[str, Any], *, holder_name: str, verify_url: str, seal_png: bytes | None
) -> CertificateFace:
    """The face to draw, from the frozen content and the name that is kept apart from it."""
    return CertificateFace(
        kind=content["kind"],
        serial=content["serial"],
        holder_name=holder_name,
        verb=content["verb"],
        tree_count=content["tree_count"],
        species=tuple(content["species"]),
        tree_numbers=tuple(content["tree_numbers"]),
        base_name=content["base_name"],
        region_name=content["region_name"],
        campaign_name=content["campaign_name"],
        amount_fen=content["amount_fen"],
        paid_on=date.fromisoformat(content["paid_on"]),
        issued_on=date.fromisoformat(content["issued_on"]),
        issuer=content["issuer"],
        dedication=None,  # a person's own words: printed only once they are reviewed, and never frozen here
        verify_url=verify_url,
        seal_png=seal_png,
        term_until=date.fromisoformat(content["term_until"]) if content["term_until"] else None,
        payment_tail=content["payment_tail"],
    )
