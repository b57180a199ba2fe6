import itertools
import random
import zlib
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from certificates import palette
from certificates.encoding import STRIP_ROWS, inked_png, prepared


def page(width: int, height: int, seed: int) -> Image.Image:
    grounds = [8 * ground for ground in range(len(palette.GROUNDS))]
    return Image.frombytes("L", (width, height), bytes(random.Random(seed).choices(grounds, k=width * height)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 130), st.integers(0, 999), st.data())
def test_a_spliced_file_holds_the_very_pixels(width, height, seed, data):
    indices, ink = page(width, height, seed), Image.new("L", (width, height))
    for _ in range(data.draw(st.integers(0, 3))):
        spot = (data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1)))
        ink.putpixel(spot, data.draw(st.integers(0, 255)))
    picture = Image.open(BytesIO(inked_png(prepared(indices), ink, dots_per_inch=150)))
    wanted = ImageChops.add(indices, ink.point(palette.INK_LEVEL_OF))
    assert picture.mode == "P"
    assert picture.tobytes() == wanted.tobytes()


def test_the_combined_checksum_is_that_of_all_rows():
    indices = page(40, 3 * STRIP_ROWS + 5, 1)
    png = inked_png(prepared(indices), Image.new("L", indices.size), dots_per_inch=150)
    start = png.index(b"IDAT")
    length = int.from_bytes(png[start - 4 : start])
    # zlib itself compares the Adler-32 at the end of the stream
    rows = zlib.decompress(png[start + 4 : start + 4 + length])
    assert len(rows) == 41 * indices.height
    assert set(rows[::41]) == {0}


def test_ink_on_every_ground_has_its_own_colour_between_ground_and_ink():
    colours = [tuple(palette.palette_bytes()[3 * index : 3 * index + 3]) for index in range(palette.COLOUR_COUNT)]
    for number, ground in enumerate(palette.GROUNDS):
        ramp = colours[8 * number : 8 * number + 8]
        assert ramp[0] == ground
        assert ramp[-1] == palette.INK
        assert all(sum(before) >= sum(after) for before, after in itertools.pairwise(ramp))


def test_text_never_shares_an_index_with_the_frame():
    assert palette.FIRST_FRAME_INDEX + len(palette.FRAME_COLOURS) == palette.COLOUR_COUNT
    assert 8 * (len(palette.GROUNDS) - 1) + 7 < palette.FIRST_FRAME_INDEX
