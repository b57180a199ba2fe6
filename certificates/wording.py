"""The sentences of the certificates. A clerk who wants another wording changes it here, for picture and PDF alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from certificates.amounts import amount_in_figures, amount_in_words
from certificates.codes import NUMBER_LENGTH
from certificates.faces import CertificateFace, CertificateKind, Verb
from certificates.fonts import normalise_name

TITLES: Mapping[CertificateKind, str] = MappingProxyType({"RZ": "认种认养证书", "JK": "捐赠感谢证书"})
HOLDER_LABELS: Mapping[Verb, str] = MappingProxyType({"认种": "认种人", "认养": "认养人", "认捐": "捐赠人"})
CODE_CAPTION = "扫码验真"
WATERMARK = "样例"
NO_TITLE_TO_LAND = "本证书不改变树木和土地的产权关系"
NO_RECEIPT = "本证书为捐赠纪念，非财政票据，不作税前扣除凭证。"

MAX_LISTED_SPECIES = 4
MAX_LISTED_NUMBERS = 3
_DATE_DIGITS = "〇一二三四五六七八九"


@dataclass(frozen=True)
class Wording:
    """The texts of one certificate: main paragraph, then small lines under it."""

    title: str
    holder_label: str
    holder_name: str
    body: str
    notes: tuple[str, ...]
    issuer_lines: tuple[str, ...]
    issued: str


def wording(face: CertificateFace) -> Wording:
    """Return every text of a certificate."""
    facts = _tree_facts(face) if face.kind == "RZ" else _gift_facts(face)
    return Wording(
        title=TITLES[face.kind],
        holder_label=HOLDER_LABELS[face.verb],
        holder_name=normalise_name(face.holder_name),
        body=_body(face),
        notes=(*facts, *((f"寄语：“{normalise_name(face.dedication)}”",) if face.dedication else ())),
        issuer_lines=tuple(line.strip() for line in face.issuer.splitlines() if line.strip()),
        issued=date_in_words(face.issued_on),
    )


def date_in_words(day: date) -> str:
    """Write a date as under a public document: 二〇二六年三月十二日."""
    year = "".join(_DATE_DIGITS[int(digit)] for digit in f"{day.year:04d}")
    return f"{year}年{_up_to_99(day.month)}月{_up_to_99(day.day)}日"


def date_in_figures(day: date) -> str:
    """Write a date as in running text: 2026年3月12日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _body(face: CertificateFace) -> str:
    opening = f"感谢您于{date_in_figures(face.paid_on)}参与“{face.campaign_name}”，"
    place = f"{face.region_name}{face.base_name}"
    if face.kind == "JK":
        amount = face.amount_fen or 0
        return (
            f"{opening}捐赠人民币{amount_in_figures(amount)}元（大写：{amount_in_words(amount)}），"
            f"用于{place}的植树绿化与树木管护。谨致谢忱，特发此证。"
        )
    term = f"，认养期至{date_in_figures(face.term_until)}" if face.term_until else ""
    care = "树木由当地统一管护" if face.verb == "认养" else "树木由当地统一栽植和管护"
    return (
        f"{opening}在{place}{face.verb}{_species(face.species)}共{face.tree_count}株{term}。"
        f"{care}，{NO_TITLE_TO_LAND}。特发此证。"
    )


def _species(names: tuple[str, ...]) -> str:
    unique = tuple(dict.fromkeys(names))
    listed = "、".join(unique[:MAX_LISTED_SPECIES])
    return listed if len(unique) <= MAX_LISTED_SPECIES else f"{listed}等{len(unique)}种"


def _tree_facts(face: CertificateFace) -> tuple[str, ...]:
    return (f"树木编号：{_numbers(face.tree_numbers)}",)


def _numbers(numbers: tuple[str, ...]) -> str:
    if len(numbers) <= MAX_LISTED_NUMBERS:
        return "、".join(numbers)
    if _consecutive(numbers):
        return f"{numbers[0]}至{numbers[-1]}，共{len(numbers)}株"
    return f"{'、'.join(numbers[: MAX_LISTED_NUMBERS - 1])}等{len(numbers)}株"


def _consecutive(numbers: tuple[str, ...]) -> bool:
    if not all(len(number) == NUMBER_LENGTH and number[:-1].isdigit() for number in numbers):
        return False
    first = int(numbers[0][:-1])
    return [int(number[:-1]) for number in numbers] == list(range(first, first + len(numbers)))


def _gift_facts(face: CertificateFace) -> tuple[str, ...]:
    tail = f"支付交易单号尾号：{face.payment_tail}。" if face.payment_tail else ""
    return (tail + NO_RECEIPT,)


def _up_to_99(value: int) -> str:
    tens, ones = divmod(value, 10)
    ten = {0: "", 1: "十"}.get(tens, _DATE_DIGITS[tens] + "十")
    return ten + (_DATE_DIGITS[ones] if ones else "")
