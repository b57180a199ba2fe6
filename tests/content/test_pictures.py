"""What a picture may be, and that nothing but its pixels is left."""

import random
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from tests.content.conftest import picture
from wxbackend.content.pictures import MAX_PIXELS, BadPicture, recoded

PLACE = "23.3N116.1E"


def with_exif(kind: str, *, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = PLACE  # maker
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (23.0, 18.0, 0.0)
    return picture(kind, (600, 300), exif=exif, **({"comment": PLACE} if kind == "JPEG" else {}))


def read(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_pixels_is_left(kind):
    sent = with_exif(kind)
    assert PLACE.encode() in sent
    kept = recoded(sent)
    assert PLACE.encode() not in kept
    assert b"Exif" not in kept
    image = read(kept)
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (512, 256), {})
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_picture_is_turned_as_its_maker_meant_it():
    assert read(recoded(with_exif("JPEG", orientation=6))).size == (256, 512)


def test_small_picture_is_not_blown_up():
    assert read(recoded(picture("PNG", (40, 30)))).size == (40, 30)


def test_what_shines_through_becomes_white():
    file = BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(file, "PNG")
    assert min(read(recoded(file.getvalue())).getpixel((5, 5))) > 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel_is_understood(mode):
    file = BytesIO()
    Image.new(mode, (20, 20)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert read(recoded(file.getvalue())).mode == "RGB"


def png_header(width: int, height: int) -> bytes:
    """A PNG that only says how large it is: whoever unpacks it finds nothing, and says something else."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    sizes = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", sizes) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def webp_header(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + sizes
    return b"RIFF" + (len(extended) + 4).to_bytes(4, "little") + b"WEBP" + extended


@pytest.mark.parametrize(
    "bomb",
    [png_header(12_000, 12_000), png_header(5_000, 5_001), png_header(65_000, 65_000), webp_header(16_000, 16_000)],
    ids=["144 Mpx", "a pixel row too many", "4 Gpx", "WebP 256 Mpx"],
)
def test_bomb_is_refused_by_what_it_says_of_its_size(bomb):
    """By us or, beyond what it ever opens, by Pillow: who had unpacked it would have found it cut short."""
    with pytest.raises(BadPicture) as refused:
        recoded(bomb)
    cause = refused.value.__cause__
    assert "图片尺寸过大" in str(refused.value) or isinstance(cause, Image.DecompressionBombError)


def test_largest_size_is_let_in():
    assert MAX_PIXELS == 5_000 * 5_000
    assert read(recoded(picture("PNG", (5_000, 5_000)))).size == (512, 512)


def frames(kind: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (20, 20), "red").save(
        file, kind, save_all=True, append_images=[Image.new("RGB", (20, 20), "blue")], duration=100
    )
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_moving_picture_is_refused(kind):
    with pytest.raises(BadPicture):
        recoded(frames(kind))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0", b"GIF89a" + bytes(40),
        b"BM" + bytes(60), b"II*\x00" + bytes(60), b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBPVP8X",
    ],
)  # fmt: skip
def test_what_is_no_jpeg_png_or_webp_is_refused(data):
    with pytest.raises(BadPicture):
        recoded(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_good_pictures_of_other_kinds_are_refused(kind):
    with pytest.raises(BadPicture):
        recoded(picture(kind, (20, 20)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_pictures_are_refused_or_understood_and_never_a_fault_of_ours(kind):
    """Three hundred of each: bytes changed, and cut short."""
    luck, sent = random.Random(7), with_exif(kind)
    for _ in range(300):
        broken = bytearray(sent)
        for _ in range(luck.randint(1, 8)):
            broken[luck.randrange(len(broken))] = luck.randrange(256)
        cut = bytes(broken[: luck.randrange(len(broken))] if luck.random() < 0.3 else broken)
        try:
            kept = recoded(cut)
        except BadPicture:
            continue
        assert PLACE.encode() not in kept
        assert read(kept).format == "JPEG"


def test_broken_notes_on_a_picture_are_skipped_without_a_word():
    """Warnings are errors here, as in every test."""
    broken = picture(
        exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + b"\x01\x0f\x00\x02\x00\x00\x00\xff\x00\x00\xff\xff"
    )
    assert read(recoded(broken)).format == "JPEG"
