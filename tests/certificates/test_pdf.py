import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pypdf
import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageFilter

from certificates.engine import Document, PdfFailed, compile_pdf, compile_png
from certificates.fonts import MissingGlyphs, font_book
from certificates.pdf import certificate_document, certificate_pdf
from certificates.png import draw_certificate
from tests.certificates.faces import (
    CERTIFICATE_URL,
    DONATED,
    EXTREMES,
    PLANTED,
    RARE_NAME,
    donated,
    planted,
    scanned_seal_png,
    seal_png,
    two_fonts,
)


def read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    return read(pdf).pages[0].extract_text().replace("\n", "").replace(" ", "")


def picture_of_pdf(face) -> Image.Image:
    png = compile_png(certificate_document(face, font_book()), dots_per_inch=150)
    return Image.open(BytesIO(png)).convert("RGB")


def test_the_page_is_one_a4_landscape():
    reader = read(certificate_pdf(PLANTED))
    assert len(reader.pages) == 1
    box = reader.pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (842, 595)


@pytest.mark.parametrize("face", EXTREMES.values(), ids=EXTREMES.keys())
def test_every_text_can_be_copied_from_the_file(face):
    said = text_of(certificate_pdf(face))
    assert face.holder_name.replace(" ", "") in said
    assert face.serial in said
    assert face.base_name in said
    for authority in face.issuer.splitlines():
        assert authority in said


def test_rare_names_are_copied_as_the_characters_they_are():
    assert RARE_NAME in text_of(certificate_pdf(planted(holder_name=RARE_NAME)))


def test_same_face_gives_the_same_bytes_also_after_another_one():
    first = certificate_pdf(planted(seal_png=seal_png()))
    certificate_pdf(DONATED)
    assert certificate_pdf(planted(seal_png=seal_png())) == first


def test_same_face_gives_the_same_bytes_in_another_process():
    code = (
        "import sys, hashlib; from certificates.pdf import certificate_pdf; from certificates.png import *;"
        "from tests.certificates.faces import PLANTED;"
        "print(hashlib.sha256(certificate_pdf(PLANTED) + draw_certificate(PLANTED, width_px=877)).hexdigest())"
    )
    digests = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(digests) == 1


def test_the_file_names_its_title_serial_and_day():
    reader = read(certificate_pdf(PLANTED))
    assert reader.metadata.title == "认种认养证书"
    assert reader.metadata.author == PLANTED.issuer
    assert PLANTED.serial in reader.metadata["/Keywords"]
    assert reader.metadata.creation_date.date() == PLANTED.issued_on


def test_a_sample_says_so_and_a_sealed_one_does_not():
    assert "样例" in text_of(certificate_pdf(PLANTED))
    assert "样例" not in text_of(certificate_pdf(planted(seal_png=seal_png())))


@pytest.mark.parametrize(
    "face",
    [
        planted(seal_png=seal_png()),
        PLANTED,
        donated(seal_png=seal_png(), dedication="（“愿山常青”）"),
        planted(seal_png=seal_png(), base_name="“互联网＋全民义务植树”（《虚构》）基地", holder_name=RARE_NAME),
        EXTREMES["four authorities"],
    ],
    ids=["sealed", "sample", "marks", "more marks", "four authorities"],
)
def test_file_and_picture_look_alike(face):
    """Softened, so that only displacements count: a line set half a character off fails."""
    printed = picture_of_pdf(face)
    drawn = Image.open(BytesIO(draw_certificate(face, width_px=1754))).convert("RGB").resize(printed.size)
    inside = (120, 120, printed.width - 120, printed.height - 120)
    soft = [picture.crop(inside).convert("L").filter(ImageFilter.GaussianBlur(5)) for picture in (printed, drawn)]
    difference = ImageChops.difference(*soft)
    assert difference.getextrema()[1] < 40
    histogram = difference.histogram()
    assert sum(grey * count for grey, count in enumerate(histogram)) / sum(histogram) < 1.5


def test_a_seal_scanned_on_white_paper_hides_nothing():
    scanned, cut = (picture_of_pdf(planted(seal_png=png)) for png in (scanned_seal_png(), seal_png()))
    difference = ImageChops.difference(scanned, cut).convert("L").filter(ImageFilter.GaussianBlur(2))
    assert difference.getextrema()[1] < 12


def test_threads_may_set_files_at_the_same_time():
    faces = [planted(holder_name=f"林小{name}") for name in "苗叶枝花"]
    alone = [certificate_pdf(face) for face in faces]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(certificate_pdf, faces * 2)) == alone * 2


def test_a_name_in_two_fonts_is_drawn_and_copied_as_one():
    every_but_one = "".join(map(chr, font_book().faces[0].coverage)).replace("小", "")
    book, face = two_fonts(first_covers=every_but_one), planted(seal_png=seal_png())
    pdf = certificate_pdf(face, fonts=book)
    assert "林小苗" in text_of(pdf)
    used = {str(font["/BaseFont"]) for font in read(pdf).pages[0]["/Resources"]["/Font"].values()}
    assert any("Sans" in name for name in used)
    assert draw_certificate(face, width_px=877, fonts=book) != draw_certificate(face, width_px=877)


def test_the_code_reads_from_the_printed_page():
    page = picture_of_pdf(planted(seal_png=seal_png())).convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(page)] == [CERTIFICATE_URL.upper()]


def test_a_missing_glyph_is_refused():
    with pytest.raises(MissingGlyphs):
        certificate_pdf(planted(holder_name="林🌳"))


def test_every_font_is_embedded():
    for font in read(certificate_pdf(planted(holder_name=RARE_NAME))).pages[0]["/Resources"]["/Font"].values():
        descendant = font["/DescendantFonts"][0]
        assert {"/FontFile2", "/FontFile3"} & set(descendant["/FontDescriptor"])


def test_a_document_that_the_engine_refuses_says_why():
    with pytest.raises(PdfFailed, match="dictionary does not contain"):
        compile_pdf(Document("certificate.typ", {}, font_book()))
