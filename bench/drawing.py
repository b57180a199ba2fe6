"""What drawing costs, in CPU milliseconds (medians of interleaved runs), against naive ways and the floor.

Run from the project's folder: `python -m bench.drawing`. With `--pictures DIR` it writes the README's pictures instead.
"""

import argparse
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pylopdf_fonts_zh_cn
import qrcode
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from certificates.codes import make_token, tree_number
from certificates.faces import CertificateFace, PlateFace
from certificates.layout import certificate_layout
from certificates.pdf import certificate_pdf
from certificates.plates import plate_preview, plate_sheets
from certificates.png import WIDTHS_PX, WidthPx, draw_certificate
from certificates.qr import code_png

KEYS = {"bench": b"a key that only the bench uses..."}
NAMES = ("林小苗", "陈新叶", "𬭎𫖮", "㛃龘", "古丽·虚构", "虚构志愿服务队", "吴绿荫", "黄小荔", "郑一木", "许青青")
CODES_PER_RUN, PLATES_PER_RUN = 20, 400
Ways = Mapping[str, Callable[[int], object]]


def certificate(index: int, *, seal: bytes | None = None) -> CertificateFace:
    return CertificateFace(
        kind="RZ",
        serial=f"RZ4452812026{index:07d}0",
        holder_name=NAMES[index % len(NAMES)],
        verb="认种",
        tree_count=3,
        species=("樟树", "秋枫"),
        tree_numbers=tuple(tree_number("445281101201", 2026, 3 * index + n) for n in range(3)),
        base_name="善德村主题林",
        region_name="普宁市里湖镇",
        campaign_name="我为家乡种棵树",
        amount_fen=30000,
        paid_on=date(2026, 3, 12),
        issued_on=date(2026, 3, 12),
        issuer="普宁市虚构绿化委员会",
        dedication=None,
        verify_url=address(index, "C"),
        seal_png=seal,
        term_until=None,
        payment_tail=None,
    )


def plate(index: int) -> PlateFace:
    species = (
        ("樟树", "Cinnamomum camphora"),
        ("红花风铃木", "Handroanthus impetiginosus"),
        ("荔枝", "Litchi chinensis"),
    )
    name, latin = species[index % len(species)]
    number = tree_number("445281101201", 2026, index % 99_999)
    return PlateFace(name, latin, number, "善德村主题林", NAMES[index % 4], "普宁市虚构绿化委员会", address(index, "T"))


def address(index: int, purpose: str) -> str:
    token = make_token(random.Random(index).getrandbits(40), KEYS, purpose=purpose)  # type: ignore[arg-type]
    return f"HTTPS://T.EXAMPLE/{purpose}/{token}"


def interleaved(ways: Ways, *, rounds: int) -> dict[str, float]:
    """Run every way once a round, the first round for warmth only; medians in CPU milliseconds."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            before = time.process_time()
            way(turn)
            if turn:
                spent[name].append(1000 * (time.process_time() - before))
    return {name: statistics.median(times) for name, times in spent.items()}


class NaivePillow:
    """The way of a first attempt: background from disk, fonts opened each time, qrcode as it comes, default save."""

    def __init__(self, width_px: WidthPx) -> None:
        self.layout = certificate_layout(certificate(0))
        self.scale = width_px / 297
        picture = Image.open(BytesIO(draw_certificate(certificate(0), width_px=width_px))).convert("RGB")
        self.background = png_of(picture)

    def draw(self, index: int) -> bytes:
        face = certificate(index)
        canvas = Image.open(BytesIO(self.background)).convert("RGB")
        pen = ImageDraw.Draw(canvas)
        for line in self.layout.lines:
            font = ImageFont.truetype(str(pylopdf_fonts_zh_cn.serif_path()), line.size_mm * self.scale)
            spot = (line.left_mm * self.scale, line.baseline_mm * self.scale)
            pen.text(spot, line.setting.text, fill=(27, 38, 32), font=font, anchor="ls")
        code = qrcode.make(face.verify_url, error_correction=qrcode.constants.ERROR_CORRECT_H).get_image()
        canvas.paste(code.convert("RGB").resize((222, 222)), (230, 770))
        return png_of(canvas)


def png_of(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def floor_of(width_px: WidthPx) -> Callable[[int], bytes]:
    """Copy the finished palette picture and deflate it once at level 1: less than this no drawing can cost."""
    rows = bytearray(Image.open(BytesIO(draw_certificate(certificate(0), width_px=width_px))).tobytes())
    return lambda _turn: zlib.compress(bytes(rows), 1)


def plain_qrcode(index: int) -> bytes:
    code = qrcode.make(address(index, "T"), error_correction=qrcode.constants.ERROR_CORRECT_H)
    return png_of(code.get_image())


def picture_in_a_pdf(index: int) -> bytes:
    """The shortest way to a PDF: the naive picture, wrapped. Nothing in it can be searched or copied."""
    out = BytesIO()
    Image.open(BytesIO(NaivePillow(1754).draw(index))).convert("RGB").save(out, "PDF", resolution=150)
    return out.getvalue()


class OverlaidPdf:
    """The way of ticketing systems: texts drawn by reportlab, merged over a background page by pypdf."""

    def __init__(self) -> None:
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
        self.layout = certificate_layout(certificate(0))
        page = BytesIO()
        picture = Image.open(BytesIO(draw_certificate(certificate(0), width_px=1754))).convert("RGB")
        picture.save(page, "PDF", resolution=150)
        self.background = page.getvalue()

    def draw(self, index: int) -> bytes:
        face, overlay, out = certificate(index), BytesIO(), BytesIO()
        pen = Canvas(overlay, pagesize=(297 * mm, 210 * mm))
        for line in self.layout.lines:
            pen.setFont("STSong-Light", line.size_mm * mm)
            pen.drawString(line.left_mm * mm, (210 - line.baseline_mm) * mm, line.setting.text)
        code = qrcode.make(face.verify_url, error_correction=qrcode.constants.ERROR_CORRECT_H).get_image()
        pen.drawInlineImage(code.convert("RGB"), 36 * mm, 48 * mm, 30 * mm, 30 * mm)
        pen.save()
        writer = PdfWriter()
        writer.add_page(PdfReader(BytesIO(self.background)).pages[0])
        writer.pages[0].merge_page(PdfReader(overlay).pages[0])
        writer.write(out)
        return out.getvalue()


def file_ways() -> Ways:
    return {
        "certificate_pdf": lambda turn: certificate_pdf(certificate(turn)),
        "reportlab merged over a page by pypdf": OverlaidPdf().draw,
        "naive picture wrapped in a PDF": picture_in_a_pdf,
    }


def report(title: str, times: Mapping[str, float], *, against: str) -> None:
    print(f"\n{title}")
    ours = times[against]
    for name, milliseconds in times.items():
        print(f"  {name:<42}{milliseconds:9.2f} ms {milliseconds / ours:8.2f} ×")


def picture_ways(width_px: WidthPx) -> Ways:
    return {
        "draw_certificate": lambda turn: draw_certificate(certificate(turn), width_px=width_px),
        "floor: copy + zlib level 1": floor_of(width_px),
        "naive Pillow": NaivePillow(width_px).draw,
    }


def draw_codes(turn: int) -> list[bytes]:
    return [code_png(address(CODES_PER_RUN * turn + n, "T"), scale=10) for n in range(CODES_PER_RUN)]


def draw_plain_codes(turn: int) -> list[bytes]:
    return [plain_qrcode(CODES_PER_RUN * turn + n) for n in range(CODES_PER_RUN)]


def draw_plates(turn: int) -> list[bytes]:
    return list(plate_sheets(plate(1000 * turn + n) for n in range(PLATES_PER_RUN)))


def each(times: Mapping[str, float], count: int) -> dict[str, float]:
    return {name: milliseconds / count for name, milliseconds in times.items()}


def measure(rounds: int) -> None:
    for width_px in WIDTHS_PX[1:]:
        times = interleaved(picture_ways(width_px), rounds=rounds)
        report(f"certificate PNG, {width_px} px wide", times, against="draw_certificate")
    report("certificate PDF", interleaved(file_ways(), rounds=rounds), against="certificate_pdf")
    codes = interleaved({"code_png, read back": draw_codes, "plain qrcode, not read": draw_plain_codes}, rounds=rounds)
    report("QR code PNG, each", each(codes, CODES_PER_RUN), against="code_png, read back")
    sheets = interleaved({"plate_sheets": draw_plates}, rounds=3)
    report("plate in a sheet, each", each(sheets, PLATES_PER_RUN), against="plate_sheets")


def write_pictures(folder: Path) -> None:
    """Write the README's pictures: a sample certificate and a plate."""
    folder.mkdir(parents=True, exist_ok=True)
    face = replace(certificate(42), holder_name="林小苗", dedication="愿小树与家乡一同长大")
    (folder / "certificate.png").write_bytes(draw_certificate(face, width_px=1754))
    named = replace(plate(1), adopter="林小苗")
    (folder / "plate.png").write_bytes(plate_preview(named, dots_per_inch=200))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--pictures", type=Path, help="write certificate.png and plate.png into this folder")
    chosen = parser.parse_args(arguments)
    if chosen.pictures:
        write_pictures(chosen.pictures)
    else:
        measure(chosen.rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
