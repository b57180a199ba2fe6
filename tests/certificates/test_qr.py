from io import BytesIO

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyzbar.pyzbar import ZBarSymbol
from pyzbar.pyzbar import decode as zbar_decode

from certificates.codes import make_token
from certificates.qr import QUIET_ZONE_MODULES, CodeUnreadable, code_image, code_matrix, code_png, code_svg, read_codes
from tests.certificates.faces import KEYS, TREE_URL


def test_a_short_host_gives_version_three_and_a_longer_one_version_four():
    assert len(code_matrix(TREE_URL)) == 29
    assert len(code_matrix(TREE_URL.replace("T.EXAMPLE", "TREES.EXAMPLE"))) == 33


def test_letters_become_capitals():
    assert code_matrix(TREE_URL.lower()) == code_matrix(TREE_URL)


def test_the_format_information_names_level_h_and_the_fixed_mask():
    matrix = code_matrix(TREE_URL)
    written = "".join("1" if matrix[8][x] else "0" for x in range(5))
    # the first five format bits (level 10 = H, mask 100), under the standard's 10101
    assert int(written, 2) ^ 0b10101 == 0b10100


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40 - 1), st.integers(2, 12))
def test_two_readers_read_every_picture(token_id, scale):
    text = f"HTTPS://T.EXAMPLE/T/{make_token(token_id, KEYS, purpose='T')}"
    picture = Image.open(BytesIO(code_png(text, scale=scale)))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [text]
    grey = picture.convert("L")
    assert [found.data.decode() for found in zbar_decode(grey, symbols=[ZBarSymbol.QRCODE])] == [text]


def test_the_picture_has_one_bit_a_pixel_and_a_bare_quiet_zone():
    picture = Image.open(BytesIO(code_png(TREE_URL, scale=3)))
    assert picture.mode == "1"
    assert picture.size == (37 * 3, 37 * 3)
    dark = picture.convert("L").point(lambda grey: 255 - grey).getbbox()
    margin = QUIET_ZONE_MODULES * 3
    assert dark == (margin, margin, 37 * 3 - margin, 37 * 3 - margin)


def test_the_vector_drawing_has_the_modules_of_the_matrix():
    matrix = code_matrix(TREE_URL)
    assert dark_modules(code_svg(TREE_URL)) == {
        (x + QUIET_ZONE_MODULES, y + QUIET_ZONE_MODULES)
        for y, row in enumerate(matrix)
        for x, dark in enumerate(row)
        if dark
    }


def dark_modules(svg: str) -> set[tuple[int, int]]:
    """Walk the stroked path as a renderer would."""
    path = svg.rsplit(' d="', 1)[1].split('"', maxsplit=1)[0]
    found: set[tuple[int, int]] = set()
    for row in path.split("M")[1:]:
        x, y = int(row.split(" ")[0]), int(row.split(" ")[1].split(".")[0])
        steps = row.split(".5", 1)[1].replace(" 0", "").replace("h", " h").replace("m", " m").split()
        for step in steps:
            length = int(step[1:])
            if step[0] == "h":
                found |= {(x + offset, y) for offset in range(length)}
            x += length
    return found


def test_same_text_gives_the_same_bytes():
    assert code_png(TREE_URL, scale=4) == code_png(TREE_URL.lower(), scale=4)


@pytest.mark.parametrize("read", [[], [TREE_URL + "X"], [TREE_URL, TREE_URL]])
def test_a_code_that_does_not_read_back_is_refused(read):
    with pytest.raises(CodeUnreadable):
        code_matrix(TREE_URL, reader=lambda picture: read)


def test_the_reader_sees_a_code_and_no_other():
    broken = [list(row) for row in code_matrix(TREE_URL)]
    assert read_codes(code_image(code_matrix(TREE_URL), scale=2)) == [TREE_URL]
    for y in range(9, 24):
        for x in range(9, 24):
            broken[y][x] = not broken[y][x]
    assert read_codes(code_image(tuple(map(tuple, broken)), scale=2)) == []


@pytest.mark.parametrize("text", ["", "HTTPS://T.EXAMPLE/?A=1", "树", "A_B"])
def test_text_outside_of_the_alphabet_is_refused(text):
    with pytest.raises(ValueError, match="code holds"):
        code_matrix(text)
