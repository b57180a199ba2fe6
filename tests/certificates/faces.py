"""Faces for tests: invented people, places and a seal that imitates nobody's."""

from dataclasses import replace
from datetime import date
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw

from certificates.codes import make_token, tree_number
from certificates.faces import CertificateFace, PlateFace
from certificates.fonts import FontBook, font_book, open_face

RARE_NAME = "𬭎𫖮㛃龘·林"
KEYS = {"k1": b"a key for tests, thirty-two bytes"}
CERTIFICATE_URL = f"https://t.example/C/{make_token(0x2A7C19E3D5, KEYS, purpose='C')}"
TREE_URL = f"HTTPS://T.EXAMPLE/T/{make_token(0x9B3D51F60E, KEYS, purpose='T')}"


def tree_numbers(count: int, *, first: int = 17, step: int = 1) -> tuple[str, ...]:
    return tuple(tree_number("445281101201", 2026, first + step * index) for index in range(count))


PLANTED = CertificateFace(
    kind="RZ",
    serial="RZ44528120260000042N",
    holder_name="林小苗",
    verb="认种",
    tree_count=3,
    species=("樟树", "秋枫"),
    tree_numbers=tree_numbers(3),
    base_name="善德村主题林",
    region_name="普宁市里湖镇",
    campaign_name="我为家乡种棵树",
    amount_fen=30000,
    paid_on=date(2026, 3, 12),
    issued_on=date(2026, 3, 15),
    issuer="普宁市虚构绿化委员会",
    dedication=None,
    verify_url=CERTIFICATE_URL,
    seal_png=None,
    term_until=None,
    payment_tail=None,
)
DONATED = replace(
    PLANTED,
    kind="JK",
    serial="JK44528120260000011X",
    holder_name="陈新叶",
    verb="认捐",
    tree_count=None,
    species=(),
    tree_numbers=(),
    amount_fen=123456,
    payment_tail="009527",
)
PLATE = PlateFace(
    species="红花风铃木",
    latin="Handroanthus impetiginosus",
    number=tree_numbers(1)[0],
    base_name="善德村主题林",
    adopter="林小苗",
    office="普宁市虚构绿化委员会办公室",
    url=TREE_URL,
)


def planted(**changes: Any) -> CertificateFace:
    return replace(PLANTED, **changes)


def donated(**changes: Any) -> CertificateFace:
    return replace(DONATED, **changes)


@lru_cache(maxsize=1)
def seal_png(*, side: int = 400) -> bytes:
    """A red ring with a bar on transparent paper."""
    picture = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((8, 8, side - 8, side - 8), outline=(205, 25, 35, 255), width=14)
    pen.rectangle((side * 0.25, side * 0.47, side * 0.75, side * 0.53), fill=(205, 25, 35, 255))
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def scanned_seal_png() -> bytes:
    """The same seal on white paper, without transparency."""
    paper = Image.new("RGBA", (400, 400), "white")
    paper.alpha_composite(Image.open(BytesIO(seal_png())))
    out = BytesIO()
    paper.convert("RGB").save(out, "PNG")
    return out.getvalue()


def two_fonts(*, first_covers: str) -> FontBook:
    """A book whose first font covers only these characters, so that the second must help out."""
    serif = font_book().faces[0]
    sans = open_face(Path(pylopdf_fonts_zh_cn.sans_path()))
    return FontBook((replace(serif, coverage=frozenset(map(ord, first_covers))), sans))


EXTREMES: dict[str, CertificateFace] = {
    "plain planting": PLANTED,
    "plain donation": DONATED,
    "one character, one tree, short issuer": planted(
        holder_name="林", tree_count=1, tree_numbers=tree_numbers(1), species=("红花风铃木",), issuer="甲村"
    ),
    "rare characters": planted(holder_name=RARE_NAME, seal_png=seal_png()),
    "31-character holder": planted(holder_name="虚构绿美家乡志愿服务联合会暨里湖镇善德村林小苗陈新叶大家庭们"),
    "60-character holder": planted(holder_name="虚构绿美家乡志愿服务队" * 5 + "大家庭成员"),
    "Latin holder": planted(holder_name="Invented Friends of the Home Village Trees Association Limited"),
    "four authorities": planted(
        issuer="普宁市虚构绿化委员会\n普宁市虚构林业局\n里湖镇虚构人民政府\n善德村虚构村民委员会", seal_png=seal_png()
    ),
    "one issuer of four lines": planted(
        issuer="普宁市里湖镇善德村虚构绿化委员会办公室暨全民义务植树领导小组办公室（善德村虚构党群服务中心代章）",
        seal_png=seal_png(),
    ),
    "hundred trees in a row": planted(tree_count=100, tree_numbers=tree_numbers(100)),
    "hundred scattered trees, six species": planted(
        tree_count=100,
        tree_numbers=tree_numbers(100, step=3),
        species=("荔枝", "龙眼", "樟树", "秋枫", "木棉", "水翁"),
    ),
    "six-character branch, long base, dedication": planted(
        base_name="虚构第一党支部“互联网＋全民义务植树”示范主题林",
        region_name="揭阳市普宁市里湖镇善德村",
        dedication="愿小树与家乡一同长大，愿每一位远行的人都记得回家的路，愿绿荫长在。",
        seal_png=seal_png(),
    ),
    "adoption with a term": planted(verb="认养", term_until=date(2029, 3, 12), species=("马尾松",)),
    "largest donation with dedication": donated(amount_fen=99_999_999_99, dedication="愿山常青，水常绿。"),
    "smallest donation": donated(amount_fen=1, payment_tail=None, seal_png=seal_png()),
}
