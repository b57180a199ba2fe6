import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image, ImageChops
from pyzbar.pyzbar import ZBarSymbol
from pyzbar.pyzbar import decode as zbar_decode

from certificates import palette
from certificates.background import px_per_mm
from certificates.faces import CertificateFace
from certificates.fonts import MissingGlyphs
from certificates.layout import CODE, Box, certificate_layout
from certificates.png import WIDTHS_PX, CodeTooDense, draw_certificate
from certificates.stamp import MAX_SEAL_SIDE_PX, BadSeal, seal_picture
from certificates.trees import silhouette_of
from tests.certificates.faces import CERTIFICATE_URL, DONATED, EXTREMES, PLANTED, planted, scanned_seal_png, seal_png

SIZES = {877: (877, 620), 1754: (1754, 1240), 2480: (2480, 1754)}
every_width = pytest.mark.parametrize("width_px", WIDTHS_PX)


def opened(face: CertificateFace, width_px: int = 1754) -> Image.Image:
    picture = Image.open(BytesIO(draw_certificate(face, width_px=width_px)))
    picture.load()
    return picture


def part(picture: Image.Image, box: Box) -> Image.Image:
    scale = px_per_mm(picture.width)
    return picture.crop(tuple(round(edge * scale) for edge in (box.left, box.top, box.right, box.bottom)))


@every_width
def test_the_picture_is_a_palette_of_220_colours_in_the_asked_size(width_px):
    picture = opened(PLANTED, width_px)
    assert (picture.mode, picture.size) == ("P", SIZES[width_px])
    assert palette.COLOUR_COUNT == 220
    assert len(picture.getpalette()) == 3 * 220
    assert max(picture.tobytes()) < 220
    assert round(picture.info["dpi"][0]) == round(25.4 * width_px / 297)


@every_width
@pytest.mark.parametrize("seal", [None, seal_png()], ids=["sample", "sealed"])
def test_two_readers_read_the_code_from_the_whole_page(width_px, seal):
    page = opened(planted(seal_png=seal), width_px).convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(page)] == [CERTIFICATE_URL.upper()]
    found = zbar_decode(page, symbols=[ZBarSymbol.QRCODE])
    assert [code.data.decode() for code in found] == [CERTIFICATE_URL.upper()]


@pytest.mark.parametrize("face", EXTREMES.values(), ids=EXTREMES.keys())
def test_every_extreme_is_drawn_and_its_code_reads(face):
    page = opened(face, 877).convert("L")
    assert [found.text for found in zxingcpp.read_barcodes(page)] == [face.verify_url.upper()]


@every_width
@pytest.mark.parametrize("seal", [None, seal_png()], ids=["sample", "sealed"])
def test_the_quiet_zone_is_bare_paper(width_px, seal):
    area = part(opened(planted(seal_png=seal), width_px), CODE).convert("RGB")
    module = int((CODE.right - CODE.left) * px_per_mm(width_px)) // 37
    margin = 4 * module - 1
    area.paste(palette.CREAM, (margin, margin, area.width - margin, area.height - margin))
    assert area.getcolors() == [(area.width * area.height, palette.CREAM)]


def test_same_face_gives_the_same_bytes_also_from_threads():
    faces = [planted(holder_name=f"林小{name}", seal_png=seal_png()) for name in "苗叶枝花果根芽藤"]
    alone = [draw_certificate(face, width_px=877) for face in faces]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda face: draw_certificate(face, width_px=877), faces * 3))
    assert together == alone * 3


def test_drawing_leaves_no_trace_on_the_next_certificate():
    before = draw_certificate(PLANTED, width_px=877)
    draw_certificate(EXTREMES["four authorities"], width_px=877)
    draw_certificate(DONATED, width_px=877)
    assert draw_certificate(PLANTED, width_px=877) == before


def reddish(picture: Image.Image) -> int:
    """Number of clearly red pixels."""
    red, green, _ = picture.convert("RGB").split()
    return ImageChops.subtract(red, green).point(lambda excess: excess >= 15).histogram()[1]


def test_without_a_seal_the_face_bears_a_sample_mark_and_with_one_it_does_not():
    middle = Box(100, 62, 200, 128)
    sample, sealed = opened(PLANTED), opened(planted(seal_png=seal_png()))
    assert reddish(part(sample, middle)) > 20_000
    assert reddish(part(sealed, middle)) == 0


def test_the_seal_is_red_where_the_layout_puts_it_and_text_reads_over_it():
    face = planted(seal_png=seal_png())
    layout = certificate_layout(face)
    area = part(opened(face), layout.seal)
    assert reddish(area) > 3_000
    issuer = next(line for line in layout.lines if line.role == "issuer")
    crossed = Box(layout.seal.left, issuer.box.top, layout.seal.right, issuer.box.bottom)
    darkest = part(opened(face), crossed).convert("L").getextrema()[0]
    assert darkest < 45


def test_a_seal_scanned_on_white_paper_stamps_like_a_cut_out():
    scanned, cut = opened(planted(seal_png=scanned_seal_png())), opened(planted(seal_png=seal_png()))
    difference = ImageChops.difference(scanned.convert("RGB"), cut.convert("RGB")).convert("L")
    assert difference.point(lambda step: step > 40).getbbox() is None


@pytest.mark.parametrize("png", [b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(20)])
def test_a_seal_that_is_no_picture_is_refused(png):
    with pytest.raises(BadSeal):
        draw_certificate(planted(seal_png=png), width_px=877)


def test_a_seal_of_giant_size_is_refused():
    out = BytesIO()
    Image.new("L", (MAX_SEAL_SIDE_PX + 1, 2)).save(out, "PNG")
    with pytest.raises(BadSeal, match="过大"):
        seal_picture(out.getvalue())


def test_a_seal_that_would_unpack_to_gigabytes_is_refused():
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    with pytest.raises(BadSeal):
        seal_picture(png + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")))


def test_text_leaves_the_frame_as_it_is():
    long, short = opened(EXTREMES["four authorities"], 877), opened(PLANTED, 877)
    band = Box(0, 0, 297, 18.0)
    assert part(long, band).tobytes() == part(short, band).tobytes()


def test_the_text_is_where_the_layout_says():
    with_name, without = opened(planted(holder_name="林小苗")), opened(planted(holder_name="·"))
    name = next(line for line in certificate_layout(PLANTED).lines if line.role == "name")
    changed = ImageChops.difference(with_name.convert("RGB"), without.convert("RGB")).getbbox()
    scale = px_per_mm(1754)
    room = name.box.grown(0.6)
    assert changed[0] >= room.left * scale
    assert changed[1] >= room.top * scale
    assert changed[2] <= room.right * scale
    assert changed[3] <= room.bottom * scale


def test_rare_characters_have_ink_of_the_same_weight_as_common_ones():
    def darkness(name: str) -> float:
        face = planted(holder_name=name, seal_png=seal_png())
        line = next(line for line in certificate_layout(face).lines if line.role == "name")
        histogram = part(opened(face), line.box).convert("L").histogram()
        return sum((255 - grey) * count for grey, count in enumerate(histogram)) / len(name)

    assert 0.6 < darkness("𬭎𫖮㛃") / darkness("铉颜洁") < 1.7


def test_a_missing_glyph_is_refused_and_never_drawn_as_a_box():
    with pytest.raises(MissingGlyphs, match="U\\+1F333"):
        draw_certificate(planted(holder_name="林🌳"), width_px=877)


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match="pixels wide"):
        draw_certificate(PLANTED, width_px=1000)


def test_an_address_too_long_for_the_width_is_refused():
    with pytest.raises(CodeTooDense):
        draw_certificate(planted(verify_url="HTTPS://T.EXAMPLE/" + "X" * 120), width_px=877)


@pytest.mark.parametrize(
    ("species", "silhouette"),
    [
        ((), "broad"),
        (("樟树",), "broad"),
        (("马尾松", "荔枝"), "conifer"),
        (("荔枝",), "fruit"),
        (("木棉",), "blossom"),
    ],
)
def test_the_grove_shows_the_kind_of_the_first_species(species, silhouette):
    assert silhouette_of(species) == silhouette


def test_groves_of_different_kinds_look_different():
    grove = Box(95, 160, 165, 191)
    seen = {part(opened(planted(species=(name,)), 877), grove).tobytes() for name in ("樟树", "马尾松", "荔枝", "木棉")}
    assert len(seen) == 4


def test_the_landscape_is_lighter_than_a_third_of_full_strength():
    for ground in palette.GROUNDS[:14]:
        assert all(ground[c] >= palette.CREAM[c] - 0.37 * palette.CREAM[c] for c in range(3))
