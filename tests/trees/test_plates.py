"""``flask plates``."""

import pytest
from pypdf import PdfReader

from models import Display, TreeLife


@pytest.fixture
def plates(app):
    def run(base_id, out, *more):
        return app.test_cli_runner().invoke(args=["plates", "--base", base_id, "--out", str(out), *more])

    return run


def text_of(file):
    return "".join(page.extract_text() for page in PdfReader(file).pages)


def test_every_standing_or_planned_tree_gets_a_plate(plates, grove, tmp_path):
    base = grove.make.base()
    planned, standing, gone = grove.given(base=base, n=3)
    grove.change(standing, life=TreeLife.ALIVE)
    grove.change(gone, life=TreeLife.REMOVED)
    grove.given(base=grove.make.base())
    out = tmp_path / "plates.pdf"
    result = plates(base.public_id, out)
    assert result.exit_code == 0, result.output
    assert "已生成 2 块树牌" in result.output
    text = text_of(out)
    assert all(tree.number[14:19] in text for tree in (planned, standing))
    assert gone.number[14:19] not in text
    assert [file.name for file in tmp_path.iterdir()] == ["plates.pdf"]


@pytest.mark.parametrize(("display", "printed"), [(Display.NAME, True), (Display.ANONYMOUS, False)])
def test_giver_stands_on_the_plate_by_choice(plates, grove, tmp_path, display, printed):
    base = grove.make.base()
    grove.given(base=base, holder_name="林小苗", display=display)
    plates(base.public_id, tmp_path / "plates.pdf")
    assert ("林小苗" in text_of(tmp_path / "plates.pdf").replace("\n", "")) is printed


def test_many_plates_come_in_parts(plates, grove, tmp_path):
    base = grove.make.base()
    grove.given(base=base, n=21)
    result = plates(base.public_id, tmp_path / "plates.pdf", "--part", "10")
    assert result.exit_code == 0, result.output
    pages = {file.name: len(PdfReader(file).pages) for file in tmp_path.iterdir()}
    assert pages == {"plates-1.pdf": 1, "plates-2.pdf": 1, "plates-3.pdf": 1}


@pytest.mark.parametrize("part", ["0", "1001"])
def test_part_holds_a_thousand_plates_at_most(plates, grove, tmp_path, part):
    assert plates(grove.make.base().public_id, tmp_path / "plates.pdf", "--part", part).exit_code == 2


def test_base_that_does_not_exist_is_named(plates, tmp_path):
    result = plates("nothing", tmp_path / "plates.pdf")
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "没有编号为 nothing 的基地" in result.output


def test_base_without_trees_makes_no_file(plates, grove, tmp_path):
    result = plates(grove.make.base().public_id, tmp_path / "plates.pdf")
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "还没有需要树牌的树" in result.output
