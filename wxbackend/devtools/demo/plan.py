"""How large a demo is, and what its invented world is made of. Pure: the same number gives the same thing."""

from dataclasses import dataclass
from random import Random

SURNAMES = "林叶木森苗桑柏杨柳梅桂松"
GIVEN = ("小苗", "新叶", "青禾", "春芽", "绿野", "成荫", "知秋", "向阳", "春晓", "清泉", "山青", "望岳")
PLACES = ("村口", "河岸", "学校旁", "祠堂周边", "活动广场", "荒山地", "路边地", "口袋公园")
PRICES_YUAN = (60, 88, 99, 126, 150, 188, 238, 350)


@dataclass(frozen=True, slots=True)
class Scale:
    """``paid_pledges`` go through the real use cases; the trees are existing ones, open for adoption."""

    bases: int
    trees: int
    residents: int
    paid_pledges: int


#: ``city`` has the figures published for 揭阳: 1,366 bases, with 160,000 trees and 50,000 residents.
SCALES = {
    "small": Scale(bases=8, trees=60, residents=6, paid_pledges=5),
    "county": Scale(bases=220, trees=20_000, residents=5_000, paid_pledges=300),
    "city": Scale(bases=1_366, trees=160_000, residents=50_000, paid_pledges=1_000),
}


@dataclass(frozen=True, slots=True)
class BasePlan:
    name: str
    address: str
    price_fen: int
    capacity: int
    latitude_e6: int
    longitude_e6: int
    term_months: int


def person_name(number: int) -> str:
    return SURNAMES[number % len(SURNAMES)] + GIVEN[number // len(SURNAMES) % len(GIVEN)]


def base_plan(number: int, village: str) -> BasePlan:
    """A base of the village; positions lie around 揭阳, prices and sizes where the published means are."""
    luck = Random(number)  # noqa: S311 - a demo, not a secret
    place = luck.choice(PLACES)
    return BasePlan(
        name=f"{village}{place}义务植树基地",
        address=f"{village}{place}",
        price_fen=luck.choice(PRICES_YUAN) * 100,
        capacity=luck.randint(80, 200),
        latitude_e6=luck.randint(23_250_000, 23_600_000),
        longitude_e6=luck.randint(115_850_000, 116_550_000),
        term_months=luck.choice((12, 12, 24, 36)),
    )


def spread(total: int, parts: int) -> list[int]:
    """``total`` over ``parts`` as evenly as whole numbers allow."""
    each, rest = divmod(total, parts)
    return [each + (i < rest) for i in range(parts)]
