import hashlib
from pathlib import Path

import pylopdf_fonts_zh_cn
import pytest

from certificates.fonts import FontBook, MissingGlyphs, font_book, missing_glyphs, normalise_name
from tests.certificates.faces import RARE_NAME, two_fonts

SERIF_SHA256 = "e8f396decc1f0963a016a989c3d8852e863d1350996f573860a80767c83a1cd3"
SANS_SHA256 = "faa6c9df652116dde789d351359f3d7e5d2285a2b2a1f04a2d7244df706d5ea9"
LEVEL_3_CHARACTER = "𪻐"  # CJK extension B: not in the packaged serif


@pytest.fixture
def packaged_only() -> FontBook:
    return FontBook(font_book().faces[:1])


def test_the_packaged_fonts_are_the_very_files_we_chose():
    for path, digest in (
        (pylopdf_fonts_zh_cn.serif_path(), SERIF_SHA256),
        (pylopdf_fonts_zh_cn.sans_path(), SANS_SHA256),
    ):
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest


def test_rare_characters_of_names_are_covered_by_the_packaged_font(packaged_only):
    assert missing_glyphs(RARE_NAME + "䶮喆堃ǘü", fonts=packaged_only) == ()


def test_missing_characters_are_named_once_and_in_order(packaged_only):
    text = f"林{LEVEL_3_CHARACTER}🌳\n{LEVEL_3_CHARACTER}"
    assert missing_glyphs(text, fonts=packaged_only) == (LEVEL_3_CHARACTER, "🌳", "\n")
    with pytest.raises(MissingGlyphs, match=r"𪻐（U\+2AED0）、🌳（U\+1F333）") as refusal:
        packaged_only.require(text)
    assert refusal.value.characters == (LEVEL_3_CHARACTER, "🌳", "\n")


@pytest.mark.parametrize("invisible", ["\u200d", "\ufe0f", "\u202e", "\x00", "\ue000", "\ud800"])
def test_invisible_and_private_characters_are_missing(invisible):
    assert missing_glyphs(invisible) == (invisible,)


def test_a_second_font_takes_over_what_the_first_lacks():
    assert list(two_fonts(first_covers="林苗").runs("林小苗")) == [(0, "林"), (1, "小"), (0, "苗")]


def test_fonts_of_an_extra_folder_stand_behind_the_packaged_one(tmp_path):
    source = Path(pylopdf_fonts_zh_cn.sans_path())
    (tmp_path / "Extra.otf").symlink_to(source)
    (tmp_path / "readme.txt").write_text("no font")
    book = font_book(tmp_path)
    assert [face.path.name for face in book.faces[:2]] == ["NotoSerifSC-Regular.otf", "Extra.otf"]


def test_a_folder_that_is_not_there_adds_nothing(tmp_path):
    assert len(font_book(tmp_path / "nowhere").faces) == len(font_book().faces)


def test_advances_are_those_of_the_drawing_font():
    book = font_book()
    assert book.advance_em("林") == 1.0
    assert 0.4 < book.advance_em("1") < 0.6
    with pytest.raises(MissingGlyphs):
        book.advance_em("🌳")


@pytest.mark.parametrize("dot", "·•・･‧∙⋅")
def test_every_dot_in_a_name_becomes_the_one_of_identity_cards(dot):
    assert normalise_name(f"  古丽{dot}虚构 ") == "古丽·虚构"


def test_blanks_in_a_name_become_single():
    assert normalise_name("Ann\u3000 \tInvented") == "Ann Invented"
